"""Time a frame, kept apart from figures: no two runs have the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TimingFigures:
    """Milliseconds a frame: median, 99th percentile, mean; ``frames`` were timed."""

    median_ms: float
    p99_ms: float
    mean_ms: float
    frames: int


class Stopwatch:
    """Collects the seconds that one step took, frame by frame."""

    def __init__(self, seconds: np.ndarray | None = None) -> None:
        self._seconds: list[float] = [] if seconds is None else [float(s) for s in seconds]

    def add(self, seconds: float) -> None:
        """One frame."""
        self._seconds.append(seconds)

    def seconds(self) -> np.ndarray:
        """float64 [frames]: what a resumed run goes on from."""
        return np.array(self._seconds, np.float64)

    def figures(self) -> TimingFigures | None:
        """Over everything added so far; None if nothing was."""
        if not self._seconds:
            return None
        milliseconds = 1e3 * self.seconds()
        return TimingFigures(
            median_ms=float(np.median(milliseconds)),
            p99_ms=float(np.percentile(milliseconds, 99)),
            mean_ms=float(milliseconds.mean()),
            frames=len(milliseconds),
        )
