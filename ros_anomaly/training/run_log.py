"""What a run tells: a JSON-lines log, a progress line, a picture of the loss."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


class RunLog:
    """Appends records to ``log.jsonl`` and prints a progress line now and then on standard error.

    Args:
        folder: of the stage; made if missing.
        label: of the progress line.
        print_seconds: least time between two lines.
    """

    def __init__(self, folder: Path, label: str, print_seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "log.jsonl"
        self._curve = folder / "loss.png"
        self._label, self._print_seconds = label, print_seconds
        self._last_print = 0.0

    def truncate_after(self, iteration: int) -> None:
        """Drop records of steps that a resumed run will take again."""
        if not self._path.exists():
            return
        kept = [line for line in self._path.read_text().splitlines() if json.loads(line)["iteration"] <= iteration]
        self._path.write_text("".join(line + "\n" for line in kept))

    def record(self, kind: str, **values: Any) -> None:
        """One line ``{"kind": kind, **values}``; ``iteration`` must be among the values."""
        with self._path.open("a") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")

    def progress(self, share: float, text: str, remaining_s: float | None, force: bool = False) -> None:
        """Print ``text`` with share done and time left, unless a line was printed a moment ago."""
        now = time.monotonic()
        if not force and now - self._last_print < self._print_seconds:
            return
        self._last_print = now
        left = "" if remaining_s is None else f", {remaining_s / 60:.1f} min left"
        print(f"{self._label} {100 * share:5.1f} %{left} | {text}", file=sys.stderr, flush=True)

    def draw(self) -> None:
        """Write ``loss.png`` from the log: the loss, smoothed, and validation figures."""
        # Imported here: matplotlib takes a second to import and only this needs it.
        from matplotlib.figure import Figure

        records = [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []
        steps = [r for r in records if r["kind"] == "step"]
        checks = [r for r in records if r["kind"] == "validation"]
        if len(steps) < 2:
            return
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        axes = figure.add_subplot()
        iterations, loss = (np.array([r[key] for r in steps], float) for key in ("iteration", "loss"))
        window = max(1, len(loss) // 50)
        smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
        axes.plot(iterations, loss, color="0.8", linewidth=0.7)
        axes.plot(iterations[window - 1 :], smooth, color="tab:blue", label="loss, moving mean")
        axes.set(xlabel="iteration", ylabel="loss", yscale="log", title=self._label)
        axes.legend(loc="upper right")
        names = sorted({key for r in checks for key in r if key in ("miou", "uno_ap", "uno_clamped_ap")})
        if names:
            twin = axes.twinx()
            for name in names:
                points = [(r["iteration"], r[name]) for r in checks if name in r]
                twin.plot(*zip(*points, strict=True), marker="o", label=f"validation {name}")
            twin.set(ylim=(0, 1))
            twin.legend(loc="lower left")
        figure.savefig(self._curve, dpi=100)
