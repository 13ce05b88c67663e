"""The ego vehicle's cameras at one place: spawned together, read together, image and ground truth of one frame."""

from __future__ import annotations

import math
import queue
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import carla
import numpy as np

from ros_anomaly.limits import check_above_zero, check_within
from ros_anomaly_sim.bridge.carla_images import bgra
from ros_anomaly_sim.bridge.world_hold import WorldHold

_WARM_UP_PATIENCE_S = 2.0


class CameraKind(Enum):
    """What a camera shows; the value is how settings name it."""

    RGB = "rgb"
    SEMANTIC = "semantic"
    INSTANCE = "instance"
    DEPTH = "depth"

    @property
    def blueprint(self) -> str:
        """CARLA's name of it."""
        long = {"semantic": "semantic_segmentation", "instance": "instance_segmentation"}
        return f"sensor.camera.{long.get(self.value, self.value)}"


@dataclass(frozen=True)
class CameraPlan:
    """Which cameras to spawn, and how. They stand level, look forward, and share size, place and moments.

    Attributes:
        size: (height, width).
        x_m, z_m: ahead of the vehicle's origin and above it.
        tick_s: simulated time from one image to the next.
    """

    kinds: tuple[CameraKind, ...] = (CameraKind.RGB, CameraKind.SEMANTIC, CameraKind.INSTANCE)
    size: tuple[int, int] = (360, 640)
    fov_rad: float = math.pi / 2
    x_m: float = 1.5
    z_m: float = 1.6
    tick_s: float = 0.1

    def __post_init__(self) -> None:
        if CameraKind.RGB not in self.kinds or len(set(self.kinds)) < len(self.kinds):
            found = ", ".join(kind.value for kind in self.kinds) or "none"
            raise ValueError(f"cameras: expected rgb and each kind at most once, found {found}")
        if not (0 < self.size[0] <= 4320 and 0 < self.size[1] <= 7680):
            raise ValueError(f"size: expected 1x1 to 7680x4320, found {self.size[1]}x{self.size[0]}")
        check_within("fov_rad", self.fov_rad, 0.1, 2.9)
        check_above_zero("tick_s", self.tick_s)


@dataclass(frozen=True)
class CameraImages:
    """Images of one moment by kind, uint8 [H, W, 4] BGRA; ``camera_from_world`` float64 [4, 4], CARLA's frame."""

    frame: int
    pixels: dict[CameraKind, np.ndarray]
    camera_from_world: np.ndarray


class CameraSilent(RuntimeError):
    """An image that was due did not come in time."""


class CameraRig:
    """Cameras on a vehicle. Images are matched by frame; what is left of older frames is thrown away.

    ``missed`` counts the images that were due and did not come.
    """

    def __init__(self, hold: WorldHold, vehicle: Any, plan: CameraPlan, delta_s: float) -> None:
        self.plan = plan
        self.missed = 0
        self._period = max(1, round(plan.tick_s / delta_s))
        self._moment: int | None = None
        self._inbox: dict[CameraKind, queue.SimpleQueue[Any]] = {}
        self._cameras: list[Any] = []
        place = carla.Transform(carla.Location(x=plan.x_m, z=plan.z_m))
        for kind in plan.kinds:
            blueprint = hold.blueprint(
                kind.blueprint,
                image_size_x=str(plan.size[1]),
                image_size_y=str(plan.size[0]),
                fov=f"{math.degrees(plan.fov_rad):.6f}",
                sensor_tick=str(plan.tick_s) if self._period > 1 else "0.0",
                role_name=f"{kind.value}_front",
            )
            camera = hold.spawn(blueprint, place, vehicle)
            inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
            camera.listen(inbox.put)
            self._inbox[kind] = inbox
            self._cameras.append(camera)

    def warm_up(self, hold: WorldHold, timeout_s: float) -> CameraImages:
        """Tick until every camera has sent an image of the same frame; from it on the moments of images are known.

        Raises:
            CameraSilent: they have not within ``timeout_s``.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            frame = hold.tick()
            for _ in range(self._period - 1):
                frame = hold.tick()
            patience_s = min(deadline_s, time.monotonic() + _WARM_UP_PATIENCE_S)
            images = [self._next(kind, frame - self._period + 1, patience_s) for kind in self._inbox]
            found = [image for image in images if image is not None]
            if len(found) == len(images) and len({image.frame for image in found}) == 1:
                self._moment = int(found[0].frame)
                return self._together(found)
        raise CameraSilent(f"cameras: expected an image of each within {timeout_s:g} s, found them silent or apart")

    def is_due(self, frame: int) -> bool:
        """Whether the world's tick to ``frame`` makes images; known after ``warm_up``."""
        return self._moment is not None and (frame - self._moment) % self._period == 0

    def read(self, frame: int, timeout_s: float) -> CameraImages:
        """Images of a frame that is due.

        Raises:
            CameraSilent: one of them did not come in time; it is counted, and ``warm_up`` is needed again.
        """
        deadline_s = time.monotonic() + timeout_s
        images = [self._next(kind, frame, deadline_s) for kind in self._inbox]
        for kind, image in zip(self._inbox, images, strict=True):
            if image is None or image.frame != frame:
                self.missed += 1
                self._moment = None
                found = "none" if image is None else f"that of frame {image.frame}"
                raise CameraSilent(
                    f"{kind.value} camera: expected the image of frame {frame} within {timeout_s:g} s, found {found}"
                )
        return self._together(images)

    def _next(self, kind: CameraKind, first_frame: int, deadline_s: float) -> Any | None:
        """The next image of ``first_frame`` or later; None where there is none in time."""
        while (left_s := deadline_s - time.monotonic()) > 0:
            try:
                image = self._inbox[kind].get(timeout=left_s)
            except queue.Empty:
                return None
            if image.frame >= first_frame:
                return image
        return None

    def _together(self, images: list[Any]) -> CameraImages:
        pixels = {kind: bgra(image) for kind, image in zip(self._inbox, images, strict=True)}
        matrix = np.array(images[0].transform.get_inverse_matrix(), np.float64)
        return CameraImages(int(images[0].frame), pixels, matrix)
