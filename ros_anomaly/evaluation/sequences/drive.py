"""Sequence figures of a drive from a bag that brings its geometry along, taken while the drive is evaluated."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.drives.run import Answer, Beat
from ros_anomaly.evaluation.drives.tally import CameraTally, JudgedFrame
from ros_anomaly.evaluation.drives.truth import Box, window_of
from ros_anomaly.evaluation.sequences.bag import BagGeometry, Geometry
from ros_anomaly.evaluation.sequences.figures import SequenceEvaluator, SequenceReport
from ros_anomaly.evaluation.sequences.frame import NO_MOVERS, SequenceFrame, camera_pose
from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.camera import Intrinsics

_MOVING_CLASSES = (int(StreetClass.CAR), int(StreetClass.PEDESTRIAN))
_MOST_WAITING = 64


@dataclass(frozen=True)
class _Said:
    latency_ms: float
    boxes: tuple[Box, ...]


class DriveSequence:
    """A listener of the evaluation: judged frames of every camera, with what its bag knows of their geometry.

    Cars and people are taken for movers of unknown motion wherever labels know classes, so temporal consistency
    rests on all else. Frames whose stamps go back are left out and counted. Images without a label take the time of
    the detector for the streaming figures, and are in no other.

    Args:
        geometries: one a camera.
        threshold: in use.
        mount: of the cameras.
        latency_ms: for the streaming figures; None: as measured, and then they are no property of the drive.
    """

    def __init__(
        self,
        geometries: Sequence[BagGeometry],
        threshold: float,
        mount: CameraMount,
        latency_ms: float | None = None,
    ) -> None:
        self.latency_ms = latency_ms
        self._geometries, self._mount = tuple(geometries), mount
        self._evaluators = [SequenceEvaluator(threshold, one.intrinsics, latency_ms) for one in geometries]
        self._waiting: list[OrderedDict[int, _Said]] = [OrderedDict() for _ in geometries]
        self._last_ns: list[int | None] = [None for _ in geometries]
        self._backwards = [0 for _ in geometries]
        self._last_said_ns: list[int | None] = [None for _ in geometries]
        self._said_backwards = [0 for _ in geometries]
        self._answered = [0 for _ in geometries]
        self._judged = [0 for _ in geometries]

    def said(self, camera: int, said: Beat | Answer, changed: bool, tally: CameraTally) -> None:
        if not isinstance(said, Answer) or said.assessment is None:
            return
        stamp_ns, own = said.event.stamp_ns, said.assessment
        on_road = said.state.regions if said.state.level is HazardLevel.HAZARD else ()
        waiting = self._waiting[camera]
        waiting[stamp_ns] = _Said(own.latency_ms, tuple(region.box for region in on_road if region.in_corridor))
        self._answered[camera] += 1
        last_ns = self._last_said_ns[camera]
        if last_ns is None or stamp_ns > last_ns:
            self._last_said_ns[camera] = stamp_ns
            self._evaluators[camera].answered(stamp_ns, own.score, own.latency_ms)
        else:
            self._said_backwards[camera] += 1
        if len(waiting) > _MOST_WAITING:
            waiting.popitem(last=False)

    def judged(self, camera: int, frame: JudgedFrame) -> None:
        stamp_ns = frame.row.stamp_ns
        self._judged[camera] += 1
        last_ns = self._last_ns[camera]
        if last_ns is not None and stamp_ns <= last_ns:
            self._backwards[camera] += 1
            return
        self._last_ns[camera] = stamp_ns
        source = self._geometries[camera]
        geometry = _of_size(source.at(stamp_ns), frame.truth.shape, source.intrinsics)
        own = self._waiting[camera].get(stamp_ns)
        mask = frame.scored.mask_at((frame.truth.shape[0], frame.truth.shape[1]))
        self._evaluators[camera].add(
            SequenceFrame(
                stamp_ns=stamp_ns,
                score=frame.scored.score,
                labels=frame.truth,
                instance_ids=geometry.instance_ids,
                depth_m=geometry.depth,
                camera_pose=None if geometry.base_pose is None else camera_pose(geometry.base_pose, self._mount),
                speed_mps=geometry.speed_mps,
                latency_ms=None if own is None else own.latency_ms,
                mask=mask.astype(np.uint8),
                hazards=_resting_on(own, frame.scored.mask, mask, geometry.instance_ids),
                movers=_movers(geometry),
            )
        )

    def report(self, camera: int) -> SequenceReport:
        """Figures of one camera, ``left_out`` naming what could not be used as well."""
        own, left_out = self._evaluators[camera].report(), []
        if backwards := self._backwards[camera]:
            left_out.append(f"{backwards} frames whose stamps do not advance")
        if backwards := self._said_backwards[camera]:
            left_out.append(f"streaming figures: {backwards} images whose stamps do not advance")
        if unlabelled := self._answered[camera] - self._judged[camera]:
            left_out.append(
                f"objects and temporal consistency: {unlabelled} of {self._answered[camera]} images have no label; "
                "frames in a row and neighbours are those with one"
            )
        if unusable := self._geometries[camera].unusable:
            left_out.append(f"{unusable} messages of the geometry that could not be read")
        return replace(own, left_out=(*own.left_out, *left_out))

    def of_the_drive(self, camera: int) -> SequenceReport | None:
        """The report without what is no property of the drive: streaming figures at a measured latency.

        None for a camera of which no frame was judged.
        """
        own = self.report(camera)
        if not own.frames:
            return None
        return own if self.latency_ms is not None else replace(own, streaming=None)

    def figures(self, camera: int) -> dict[str, Any] | None:
        """``of_the_drive`` as JSON."""
        own = self.of_the_drive(camera)
        return None if own is None else asdict(own)

    def measured(self, camera: int) -> dict[str, Any] | None:
        """Streaming figures at the measured latency as JSON; None where a latency was given."""
        streaming = self.report(camera).streaming
        return None if self.latency_ms is not None or streaming is None else asdict(streaming)


def _of_size(geometry: Geometry, size: tuple[int, ...], camera: Intrinsics | None) -> Geometry:
    """The geometry without planes of another size than the labels; intrinsics of another size lift no depth."""

    def fitting(plane: np.ndarray | None) -> np.ndarray | None:
        return plane if plane is not None and plane.shape == size else None

    return replace(
        geometry,
        class_ids=fitting(geometry.class_ids),
        instance_ids=fitting(geometry.instance_ids),
        depth=fitting(geometry.depth),
        base_pose=geometry.base_pose if camera is None or (camera.height, camera.width) == size else None,
    )


def _movers(geometry: Geometry) -> dict[int, np.ndarray | None]:
    if geometry.class_ids is None or geometry.instance_ids is None:
        return dict(NO_MOVERS)
    moving = geometry.instance_ids[np.isin(geometry.class_ids, _MOVING_CLASSES)]
    return {int(i): None for i in np.unique(moving) if i}


def _resting_on(
    said: _Said | None, image_mask: np.ndarray, mask: np.ndarray, instance_ids: np.ndarray | None
) -> Collection[int]:
    """Ids of the objects with flagged pixels in the box of a region that HAZARD rests on.

    ``mask`` is that of the image at the labels' size, bool; boxes are in pixels of the image.
    """
    if said is None or instance_ids is None:
        return ()
    image_size, size = (image_mask.shape[0], image_mask.shape[1]), (mask.shape[0], mask.shape[1])
    reached: set[int] = set()
    for window in (window_of(box, image_size, size) for box in said.boxes):
        reached.update(np.unique(instance_ids[window][mask[window]]).tolist())
    return frozenset(reached - {0})
