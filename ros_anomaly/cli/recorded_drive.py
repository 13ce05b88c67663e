"""A street drive to be kept: rendered frame by frame, without a ROS graph, the same for the same options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ros_anomaly.cli.street_jobs import library, missing_packages_in_one_line

if TYPE_CHECKING:
    from ros_anomaly_sim.bridge.street_frame import StreetFrame
    from ros_anomaly_sim.render.renderer import Rendered
    from ros_anomaly_sim.street.drive import Drive

_NS_PER_S = 1_000_000_000
_SHORTEST_S = 1.0


@dataclass(frozen=True)
class DriveOptions:
    """What is driven through and how it is filmed.

    Attributes:
        town: seed of the town; it decides the split, what stands where and which objects there are.
        frames, rate_hz: how many frames, so many to a simulated second.
        size: (height, width) of the images.
        weather: name of a preset.
        anomalies: whether objects that no street network was taught stand along the way.
        seed: of the camera's noise.
    """

    town: int
    frames: int
    rate_hz: float
    size: tuple[int, int] = (360, 640)
    weather: str = "noon"
    anomalies: bool = True
    seed: int = 0

    @property
    def name(self) -> str:
        """A name for the drive among others: its town, its weather, and whether it is clear of anomalies."""
        return f"town{self.town}_{self.weather}" + ("" if self.anomalies else "_clear")

    def stamp_ns(self, frame: int) -> int:
        """Simulated time of a frame, counted from 0."""
        from ros_anomaly_sim.bridge.street_frame import FIRST_STAMP_NS

        return FIRST_STAMP_NS + round(frame * _NS_PER_S / self.rate_hz)


class RecordedDrive:
    """The drive that the options describe. CliError where EGL or the object models are missing."""

    def __init__(self, options: DriveOptions) -> None:
        from ros_anomaly_sim.street.drive import Drive

        self.options = options
        self._drawn_by = ""
        with missing_packages_in_one_line():
            self._drive: Drive = Drive(
                options.town,
                library(),
                duration_s=max(options.frames / options.rate_hz, _SHORTEST_S),
                anomalies=options.anomalies,
                weather=options.weather,
            )

    def __len__(self) -> int:
        return self.options.frames

    @property
    def split(self) -> str:
        """train, validation or test: that of the town."""
        return str(self._drive.town.split.value)

    @property
    def anomalies(self) -> int:
        """How many anomalous objects stand along the way."""
        return len(self._drive.anomalies)

    def description(self) -> str:
        """What was driven through, as the JSON of ``drive.json``; to be asked for when the frames are drawn."""
        from ros_anomaly_sim.bridge.drive_file import StreetObject

        options = self.options
        description = {
            "town": options.town,
            "weather": options.weather,
            "duration_s": options.frames / options.rate_hz,
            "rate_hz": options.rate_hz,
            "first_stamp_ns": options.stamp_ns(0),
            "drawn_by": self._drawn_by,
            "objects": [asdict(StreetObject.of(anomaly)) for anomaly in self._drive.anomalies],
        }
        return json.dumps(description)

    @property
    def horizontal_fov_rad(self) -> float:
        """Of the street camera."""
        from ros_anomaly_sim.render.camera import Camera

        return Camera().horizontal_fov_rad

    def frames(self) -> Iterator[tuple[StreetFrame, np.ndarray]]:
        """Every frame in order, with its depth, float32 [H, W] metres along the optical axis (sky infinite).

        Anomalies of which too little is seen to be judged are void in the class ids, as in the street protocols.
        """
        from ros_anomaly_sim.bridge.street_frame import StreetFrame
        from ros_anomaly_sim.render.camera import Camera
        from ros_anomaly_sim.render.renderer import StreetRenderer

        height, width = self.options.size
        with missing_packages_in_one_line():
            # Its own renderer: one that drew something else before may hold a shadow map of there.
            renderer = StreetRenderer(Camera(width=width, height=height), library().load)
        self._drawn_by = renderer.gl_renderer
        with renderer:
            for index in range(self.options.frames):
                state = self._drive.state(index / self.options.rate_hz)
                rendered = renderer.render(state.scene, state.camera)
                view = self._filmed(rendered, index)
                yield StreetFrame(self.options.stamp_ns(index), state, view), rendered.depth_m

    def _filmed(self, rendered: Rendered, index: int) -> Any:
        from ros_anomaly_sim.render.sensor import SensorModel
        from ros_anomaly_sim.street.protocol import void_small_anomalies

        rng = np.random.default_rng([self.options.seed, index])
        anomalies = [anomaly.instance_id for anomaly in self._drive.anomalies]
        return replace(
            rendered,
            image=SensorModel().apply(rendered.image, rng),
            class_ids=void_small_anomalies(rendered.class_ids, rendered.instance_ids, anomalies),
        )
