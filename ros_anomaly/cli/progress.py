"""Progress of long work, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

T = TypeVar("T")


class Progress:
    """Progress of long work on standard error: one line every ``interval_s``, with rate and time left.

    On a terminal the line overwrites itself; in a log each is a line of its own.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        unit: str = "frames",
        interval_s: float = 2.0,
        stream: TextIO | None = None,
    ) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._stream = stream or sys.stderr
        self._on_terminal = self._stream.isatty()
        self._interval_s = min(interval_s, 0.5) if self._on_terminal else interval_s
        self._done = 0
        self._started = self._last_line = time.monotonic()

    def update(self, step: int = 1, note: str = "") -> None:
        """Count ``step`` more as done; a line appears when one is due. ``note`` is shown at its end."""
        self._done += step
        if time.monotonic() - self._last_line >= self._interval_s:
            self._write(note, end="")

    def finish(self, note: str = "") -> None:
        """Write the last line."""
        self._write(note, end="\n")

    def _write(self, note: str, end: str) -> None:
        self._last_line = now = time.monotonic()
        elapsed_s = max(now - self._started, 1e-9)
        rate = self._done / elapsed_s
        parts = [f"{self._label}: {self._done}" + (f"/{self._total}" if self._total else "") + f" {self._unit}"]
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each" if rate else f"{elapsed_s:.0f} s")
        if self._total and rate and self._done < self._total:
            parts.append(f"{(self._total - self._done) / rate:.0f} s left")
        if note:
            parts.append(note)
        line = ", ".join(parts)
        self._stream.write(f"\r\x1b[K{line}{end}" if self._on_terminal else line + "\n")
        self._stream.flush()


def track(items: Iterable[T], label: str, total: int | None = None, unit: str = "frames") -> Iterator[T]:
    """Yield ``items`` while showing progress; ``total`` is taken from ``len`` where there is one."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    progress = Progress(label, total, unit)
    for item in items:
        yield item
        progress.update()
    progress.finish()
