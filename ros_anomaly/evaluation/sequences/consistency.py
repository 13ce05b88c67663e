"""Whether maps of neighbouring frames agree where the scene does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.sequences.correspondence import correspondences, sample
from ros_anomaly.evaluation.sequences.frame import SequenceFrame
from ros_anomaly.hazard.pinhole import Pinhole

DEFAULT_MAX_GAP_MS = 250.0


@dataclass(frozen=True)
class ConsistencyReport:
    """How much scores change between two looks at the same point; figures are None without a correspondence.

    The mean difference is in units of the score, so it compares runs of one score only; the share of flips compares
    any. The ``anomalous_`` figures are over the pixels that are really anomalous in the later frame.

    Attributes:
        pairs: neighbouring frames that were compared.
        pairs_left_out: neighbours that were not: too far apart in time, of other sizes, or without depth, pose or ids.
        pixels: correspondences over all pairs; ``coverage`` is their share of the pixels of the later frames.
        mean_abs_difference: mean of |score in the later frame − score in the earlier one|.
        flip_share: share of correspondences that are above the threshold in one of the two frames only.
    """

    pairs: int
    pairs_left_out: int
    pixels: int
    coverage: float | None
    mean_abs_difference: float | None
    flip_share: float | None
    anomalous_px: int
    anomalous_mean_abs_difference: float | None
    anomalous_flip_share: float | None


@dataclass
class _Sums:
    pixels: int = 0
    difference: float = 0.0
    flips: int = 0

    def add(self, difference: np.ndarray, flips: np.ndarray) -> None:
        self.pixels += len(difference)
        self.difference += float(difference.sum())
        self.flips += int(flips.sum())

    def means(self) -> tuple[float | None, float | None]:
        return (self.difference / self.pixels, self.flips / self.pixels) if self.pixels else (None, None)


class TemporalConsistency:
    """Compares every frame with the one before it; holds that one alone."""

    def __init__(self, threshold: float, camera: Pinhole, max_gap_ms: float = DEFAULT_MAX_GAP_MS) -> None:
        """Strictly above ``threshold`` a pixel is called anomalous; neighbours further apart than the gap are left out.

        ``camera`` has the intrinsics at the labels' size.
        """
        if not (np.isfinite(threshold) and max_gap_ms > 0):
            raise ValueError(
                "temporal consistency: expected a finite threshold and a gap above 0 ms, "
                f"found {threshold}, {max_gap_ms}"
            )
        self._threshold, self._camera, self._max_gap_ms = threshold, camera, max_gap_ms
        self._all, self._anomalous = _Sums(), _Sums()
        self._earlier: SequenceFrame | None = None
        self._pairs = self._left_out = self._looked_at = 0

    def add(self, frame: SequenceFrame) -> None:
        """The next frame; ValueError if its stamp does not advance."""
        earlier, self._earlier = self._earlier, frame
        if earlier is None:
            return
        gap_ms = (frame.stamp_ns - earlier.stamp_ns) / 1e6
        if gap_ms <= 0:
            raise ValueError(f"expected ascending stamps, found {frame.stamp_ns} ns after {earlier.stamp_ns} ns")
        if gap_ms > self._max_gap_ms or not _comparable(earlier, frame):
            self._left_out += 1
            return
        self._pairs += 1
        self._looked_at += frame.labels.size
        self._compare(earlier, frame)

    def _compare(self, earlier: SequenceFrame, later: SequenceFrame) -> None:
        pairs = correspondences(earlier, later, self._camera)
        now = later.full_score()[pairs.rows, pairs.columns].astype(np.float64)
        then = sample(earlier.full_score(), pairs.u, pairs.v)
        difference = np.abs(now - then)
        flips = (now > self._threshold) != (then > self._threshold)
        self._all.add(difference, flips)
        anomalous = later.is_anomaly[pairs.rows, pairs.columns]
        self._anomalous.add(difference[anomalous], flips[anomalous])

    def report(self) -> ConsistencyReport:
        """Over everything added so far."""
        difference, flips = self._all.means()
        anomalous_difference, anomalous_flips = self._anomalous.means()
        return ConsistencyReport(
            pairs=self._pairs,
            pairs_left_out=self._left_out,
            pixels=self._all.pixels,
            coverage=self._all.pixels / self._looked_at if self._looked_at else None,
            mean_abs_difference=difference,
            flip_share=flips,
            anomalous_px=self._anomalous.pixels,
            anomalous_mean_abs_difference=anomalous_difference,
            anomalous_flip_share=anomalous_flips,
        )


def can_correspond(frame: SequenceFrame) -> bool:
    """Whether a frame knows enough to be compared with its neighbours."""
    return frame.depth_m is not None and frame.camera_pose is not None and frame.instance_ids is not None


def _comparable(earlier: SequenceFrame, later: SequenceFrame) -> bool:
    return can_correspond(earlier) and can_correspond(later) and earlier.labels.shape == later.labels.shape
