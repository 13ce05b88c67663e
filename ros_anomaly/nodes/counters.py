"""What became of the frames: counts since activation, and rate and latency over the last frames."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

_WINDOW = 100


@dataclass(frozen=True)
class FrameCounts:
    """Images since activation: ``received`` is the sum of the others and of at most two under way."""

    received: int = 0
    processed: int = 0
    superseded: int = 0
    bad_images: int = 0
    engine_failures: int = 0
    last_problem: str = ""

    @property
    def dropped(self) -> int:
        """Received and not processed, for whatever reason."""
        return self.superseded + self.bad_images + self.engine_failures


@dataclass(frozen=True)
class Timing:
    """Milliseconds over the last frames (at most 100); zeros where there were none."""

    rate_hz: float = 0.0
    engine_ms: float = 0.0
    node_ms: float = 0.0
    node_p99_ms: float = 0.0


@dataclass
class FrameCounters:
    """Counts and timings, written by several threads. Times are medians; ``node_ms`` is message in → hazard out."""

    _counts: FrameCounts = FrameCounts()
    _done: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Start over."""
        with self._lock:
            self._counts = FrameCounts()
            self._done.clear()

    def count(self, kind: str, problem: str = "") -> None:
        """Add one to ``kind`` (a field of FrameCounts); ``problem`` becomes the last one known."""
        with self._lock:
            changes: dict[str, object] = {kind: getattr(self._counts, kind) + 1}
            if problem:
                changes["last_problem"] = problem
            self._counts = replace(self._counts, **changes)  # type: ignore[arg-type]

    def took(self, engine_ms: float, node_ms: float) -> None:
        """Note how long a processed frame took."""
        with self._lock:
            self._done.append((time.monotonic(), engine_ms, node_ms))

    @property
    def counts(self) -> FrameCounts:
        """The counts now."""
        with self._lock:
            return self._counts

    @property
    def timing(self) -> Timing:
        """Timing of the last frames."""
        with self._lock:
            done = list(self._done)
        if not done:
            return Timing()
        at, engine_ms, node_ms = np.array(done).T
        span_s = time.monotonic() - at[0]
        return Timing(
            rate_hz=len(done) / span_s if span_s > 0 else 0.0,
            engine_ms=float(np.median(engine_ms)),
            node_ms=float(np.median(node_ms)),
            node_p99_ms=float(np.percentile(node_ms, 99)),
        )
