"""From samples to figures: median and 99th percentile, frames a second, and the ratio of two contenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Times:
    """Times of single frames in milliseconds; ``frames_per_s`` is of one frame after the other."""

    frames: int
    median_ms: float
    p99_ms: float
    mean_ms: float
    least_ms: float
    frames_per_s: float


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the baseline: the median over the rounds, and the least and greatest of them."""

    median: float
    least: float
    greatest: float


def times_of(seconds: Sequence[float]) -> Times:
    """Figures of the frames of all rounds together.

    Raises:
        ValueError: no samples, or one that is no positive number.
    """
    samples = np.asarray(seconds, np.float64)
    if samples.size == 0 or not np.isfinite(samples).all() or samples.min() <= 0:
        raise ValueError(f"times: expected positive seconds of at least one frame, found {list(seconds)[:5]}")
    milliseconds = 1e3 * samples
    return Times(
        frames=samples.size,
        median_ms=float(np.median(milliseconds)),
        p99_ms=float(np.percentile(milliseconds, 99)),
        mean_ms=float(milliseconds.mean()),
        least_ms=float(milliseconds.min()),
        frames_per_s=float(samples.size / samples.sum()),
    )


def paired_ratio(baseline: Sequence[Sequence[float]], own: Sequence[Sequence[float]]) -> Ratio:
    """Baseline's time over one's own, round by round: what slows a whole round down, slows both.

    Args:
        baseline, own: seconds of single frames, one sequence a round.

    Raises:
        ValueError: no rounds, or not the same number of them.
    """
    if not own or len(baseline) != len(own):
        raise ValueError(f"ratio: expected the same number of rounds, found {len(baseline)} and {len(own)}")
    ratios = [times_of(theirs).median_ms / times_of(ours).median_ms for theirs, ours in zip(baseline, own, strict=True)]
    return Ratio(float(np.median(ratios)), min(ratios), max(ratios))
