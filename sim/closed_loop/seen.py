"""What a driver was shown over a drive: how many images, which, and how long it took over them."""

from __future__ import annotations

import hashlib

import numpy as np

from ros_anomaly_sim.closed_loop.result import ComputeTime


class Seen:
    """Counts images and hashes them, so that two drives can be compared frame for frame."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._latencies_ms: list[float] = []
        self.images = 0

    def add(self, image: np.ndarray, latency_ms: float | None) -> None:
        """One image that was judged, uint8 [H, W, 3], and the wall time of that."""
        self.images += 1
        self._hash.update(np.ascontiguousarray(image).data)
        if latency_ms is not None:
            self._latencies_ms.append(latency_ms)

    @property
    def digest(self) -> str:
        """Of all images in order; empty without any."""
        return self._hash.hexdigest() if self.images else ""

    @property
    def compute(self) -> ComputeTime | None:
        """None where nothing was computed."""
        times = self._latencies_ms
        if not times:
            return None
        return ComputeTime(float(np.median(times)), float(np.percentile(times, 95)), len(times))
