"""What a run tells: a JSON-lines log, a progress line, a picture of the loss, TensorBoard event files, a summary."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ros_anomaly.data.frame_store import write_json_atomic

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_SHOWN_FIGURES = ("miou", "uno_ap", "uno_normalised_ap")


class RunLog:
    """Appends records to ``log.jsonl`` and prints a progress line now and then on standard error.

    Args:
        folder: of the stage; made if missing.
        label: of the progress line.
        print_seconds: least time between two lines.
        tensorboard: write event files below ``tensorboard/`` too, where the package is installed.
    """

    def __init__(self, folder: Path, label: str, print_seconds: float, tensorboard: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "log.jsonl"
        self._curve, self._summary, self._events = folder / "loss.png", folder / "summary.json", folder / "tensorboard"
        self._label, self._print_seconds = label, print_seconds
        self._tensorboard = tensorboard
        self._writer: SummaryWriter | None = None
        self._last_print = 0.0

    def open(self, iteration: int) -> None:
        """Begin at ``iteration``: records of steps that a resumed run will take again are dropped."""
        if self._path.exists():
            kept = [line for line in self._whole_lines() if json.loads(line)["iteration"] <= iteration]
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text("".join(line + "\n" for line in kept))
            temporary.replace(self._path)
        if not self._tensorboard:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.say("no TensorBoard event files: the Python module 'tensorboard' is not installed")
            return
        self._writer = SummaryWriter(str(self._events), purge_step=iteration + 1 if iteration else None)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def record(self, kind: str, **values: Any) -> None:
        """One line ``{"kind": kind, **values}``; ``iteration`` must be among the values."""
        with self._path.open("a") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")
        if self._writer is not None:
            for name, value in values.items():
                if name != "iteration":
                    self._writer.add_scalar(f"{kind}/{name}", value, values["iteration"])

    def picture(self, name: str, path: Path, iteration: int) -> None:
        """Show a picture that lies at ``path`` in TensorBoard too."""
        if self._writer is not None:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            assert pixels is not None, f"{path} was written a moment ago"
            self._writer.add_image(name, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), iteration, dataformats="HWC")

    def progress(self, share: float, text: str, remaining_s: float | None) -> None:
        """Print ``text`` with share done and time left, unless a line was printed a moment ago."""
        now = time.monotonic()
        if now - self._last_print < self._print_seconds:
            return
        self._last_print = now
        left = "" if remaining_s is None else f", {remaining_s / 60:.1f} min left"
        self.say(f"{100 * share:5.1f} %{left} | {text}")

    def say(self, text: str) -> None:
        """Print a line now."""
        print(f"{self._label} {text}", file=sys.stderr, flush=True)

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Write ``summary.json`` and ``loss.png``: how the run stands."""
        write_json_atomic(self._summary, dict(values))
        self._draw()
        if self._writer is not None:
            self._writer.flush()

    def _whole_lines(self) -> list[str]:
        """Lines of the log; a last one that a kill cut short is not among them."""
        lines = self._path.read_text().split("\n") if self._path.exists() else []
        return [line for line in lines[:-1] if line]

    def _draw(self) -> None:
        """Write ``loss.png`` from the log: the loss, smoothed, and validation figures."""
        # Imported here: matplotlib takes a second to import and only this needs it.
        from matplotlib.figure import Figure

        records = [json.loads(line) for line in self._whole_lines()]
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
        names = sorted({key for r in checks for key in r if key in _SHOWN_FIGURES})
        if names:
            twin = axes.twinx()
            for name in names:
                points = [(r["iteration"], r[name]) for r in checks if name in r]
                twin.plot(*zip(*points, strict=True), marker="o", label=f"validation {name}")
            twin.set(ylim=(0, 1))
            twin.legend(loc="lower left")
        temporary = self._curve.with_suffix(".tmp.png")
        figure.savefig(temporary, dpi=100)
        temporary.replace(self._curve)
