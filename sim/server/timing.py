"""What ticks take: totals of a server's life, and the last ticks with images one by one."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path

_KEPT = 2000


@dataclass
class TickTime:
    """Wall time of one tick in seconds, rendering included, without waiting for anybody; images that it made."""

    frame: int
    total_s: float = 0.0
    render_s: float = 0.0
    images: int = 0


@dataclass
class Timing:
    """Sums over all ticks; ``with_images`` holds the last that made any."""

    ticks: int = 0
    total_s: float = 0.0
    render_s: float = 0.0
    with_images: deque[TickTime] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def add(self, tick: TickTime) -> None:
        """A tick is over."""
        self.ticks += 1
        self.total_s += tick.total_s
        self.render_s += tick.render_s
        if tick.images:
            self.with_images.append(tick)

    def save(self, path: Path) -> None:
        """Write it as JSON: ``ticks``, ``total_s``, ``render_s``, ``with_images`` [frame, total_s, render_s, images].

        Raises:
            OSError: the file cannot be written.
        """
        plain = {"ticks": self.ticks, "total_s": self.total_s, "render_s": self.render_s}
        path.write_text(json.dumps({**plain, "with_images": [asdict(t) for t in self.with_images]}), encoding="utf-8")
