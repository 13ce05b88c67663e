"""Figures of a sequence in which time counts: latency, agreement of neighbouring maps, and when objects were known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.objects import ObjectReport, ObjectTracker
from ros_anomaly.evaluation.sequences.consistency import ConsistencyReport, TemporalConsistency, can_correspond
from ros_anomaly.evaluation.sequences.frame import SequenceFrame
from ros_anomaly.evaluation.sequences.streaming import StreamingRanking, StreamingReport
from ros_anomaly.hazard.pinhole import Pinhole

_NEAREST_PERCENT = 5
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class SequenceReport:
    """All sequence figures; what could not be measured is None (``objects``: empty) and named in ``left_out``.

    Attributes:
        frames: all that were added.
        streaming: None where frames have no latency.
        consistency: None where no two neighbours could be compared.
        objects: of anomalous objects; times in seconds since the first frame.
        left_out: what is missing and why, a line each.
    """

    frames: int
    streaming: StreamingReport | None
    consistency: ConsistencyReport | None
    objects: tuple[ObjectReport, ...]
    left_out: tuple[str, ...]


class SequenceEvaluator:
    """Takes the frames of one drive in the order of their stamps; memory does not grow with them."""

    def __init__(self, threshold: float, camera: Pinhole | None, latency_ms: float | None = None) -> None:
        """``threshold``: strictly above is anomalous. ``camera`` at the labels' size; None: no temporal consistency.

        ``latency_ms`` holds for every frame; None: each frame's own, and a drive in which any has none has no
        streaming figures.
        """
        if not np.isfinite(threshold):
            raise ValueError(f"threshold: expected a finite number, found {threshold}")
        self._threshold = threshold
        self._latency_ms = latency_ms
        self._streaming = StreamingRanking(latency_ms)
        self._consistency = None if camera is None else TemporalConsistency(threshold, camera)
        self._told = False
        self._objects = ObjectTracker()
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._frames = 0
        self._lacking: Counter[str] = Counter()

    def add(self, frame: SequenceFrame) -> None:
        """The next frame; ValueError if its stamp does not advance, and then nothing of it is counted."""
        if self._last_ns is not None and frame.stamp_ns <= self._last_ns:
            raise ValueError(f"expected ascending stamps, found {frame.stamp_ns} ns after {self._last_ns} ns")
        self._last_ns = frame.stamp_ns
        self._first_ns = frame.stamp_ns if self._first_ns is None else self._first_ns
        self._frames += 1
        self._stream(frame)
        if self._consistency is not None:
            self._lacking["depth, camera pose or instance ids"] += not can_correspond(frame)
            self._consistency.add(frame)
        self._add_objects(frame)

    def answered(self, stamp_ns: int, score: np.ndarray, latency_ms: float | None) -> None:
        """The next image, whose frame may be added later or never: it takes the detector's time for streaming figures.

        Tell of every image or of none, each before its frame; ValueError as of ``StreamingRanking.arrive``.
        """
        self._told = True
        self._streaming.arrive(stamp_ns, score, latency_ms)

    def report(self) -> SequenceReport:
        """Over everything added so far."""
        consistency = None if self._consistency is None else self._consistency.report()
        return SequenceReport(
            frames=self._frames,
            streaming=None if self._lacking["latency"] else self._streaming.report(),
            consistency=consistency if consistency is not None and consistency.pairs else None,
            objects=tuple(self._objects.reports()),
            left_out=tuple(self._left_out()),
        )

    def _stream(self, frame: SequenceFrame) -> None:
        if self._streaming.knows(frame.stamp_ns):
            self._streaming.compare(frame)
        elif self._told:
            self._lacking["image told of in order"] += 1
        elif self._latency_ms is None and frame.latency_ms is None:
            self._lacking["latency"] += 1
        elif not self._lacking["latency"]:
            self._streaming.add(frame)

    def _add_objects(self, frame: SequenceFrame) -> None:
        if frame.instance_ids is None:
            self._lacking["instance ids"] += 1
            return
        distances = frame.distances_m if frame.distances_m is not None else _distances_by_depth(frame)
        if distances is None:
            self._lacking["distances or depth"] += 1
            return
        assert self._first_ns is not None
        time_s = (frame.stamp_ns - self._first_ns) / _NS_PER_S
        mask = frame.mask if frame.mask is not None else frame.full_score() > self._threshold
        self._objects.add(time_s, mask, frame.instance_ids, distances, frame.hazards, frame.speed_mps)

    def _left_out(self) -> list[str]:
        lines = ["temporal consistency: no camera intrinsics"] if self._consistency is None else []
        figures = {
            "latency": "streaming figures",
            "image told of in order": "streaming figures",
            "depth, camera pose or instance ids": "temporal consistency",
            "instance ids": "objects",
            "distances or depth": "objects",
        }
        for what, count in self._lacking.items():
            if count:
                lines.append(f"{figures[what]}: {count} of {self._frames} frames have no {what}")
        return lines


def evaluate_sequence(
    frames: Iterable[SequenceFrame], threshold: float, camera: Pinhole | None, latency_ms: float | None = None
) -> SequenceReport:
    """All sequence figures of a drive, see ``SequenceEvaluator``; ValueError without a frame."""
    evaluator = SequenceEvaluator(threshold, camera, latency_ms)
    for frame in frames:
        evaluator.add(frame)
    report = evaluator.report()
    if report.frames == 0:
        raise ValueError("sequence: expected at least one frame, found none")
    return report


def _distances_by_depth(frame: SequenceFrame) -> Mapping[int, float] | None:
    """Of every anomalous instance the depth that 5 % of its pixels lie within; None without depth.

    That is the distance of its near side along the optical axis, from the camera; the least depth alone may be
    that of a pixel on its edge. Depths of 0 and less are no measurement.
    """
    if frame.depth_m is None:
        return None
    assert frame.instance_ids is not None
    anomalous = frame.is_anomaly & (frame.instance_ids > 0) & np.isfinite(frame.depth_m) & (frame.depth_m > 0)
    ids, depths = frame.instance_ids[anomalous], frame.depth_m[anomalous]
    return {int(i): float(np.percentile(depths[ids == i], _NEAREST_PERCENT)) for i in np.unique(ids)}
