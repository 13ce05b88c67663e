"""What a stage says of itself: a record and a progress line a step, a summary, a last line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ros_anomaly.training.checkpoint import Position
from ros_anomaly.training.loss import LossParts
from ros_anomaly.training.run_log import RunLog

_LOGGED_PARTS = ("classification", "mask", "dice", "dense", "pixels", "overlap")


class StageReport:
    """Puts figures into words and files.

    Args:
        name: of the stage.
        setting: what else a summary says: device, precision, processes, data workers.
    """

    def __init__(self, name: str, log: RunLog, setting: Mapping[str, Any]) -> None:
        self._name, self._log, self._setting = name, log, setting

    def step(self, parts: LossParts, position: Position, share: float, step_s: float, data_s: float) -> None:
        """After a step at ``share`` of the stage, which took ``step_s`` with ``data_s`` of it waiting for data."""
        values = {name: getattr(parts, name) for name in _LOGGED_PARTS}
        self._log.record(
            "step",
            iteration=position.iteration,
            elapsed_s=round(position.elapsed_s, 2),
            share=round(share, 5),
            loss=round(parts.value, 4),
            **{name: round(value, 4) for name, value in values.items()},
            step_s=round(step_s, 4),
            data_s=round(data_s, 4),
        )
        text = (
            f"iteration {position.iteration}, {step_s:.2f} s/it ({100 * waited_share(position):.0f} % data), "
            f"loss {parts.value:.2f}: "
            f"class {parts.classification:.3f} mask {parts.mask:.3f} dice {parts.dice:.3f} dense {parts.dense:.3f} "
            f"pixels {parts.pixels:.3f} overlap {parts.overlap:.3f}"
        )
        self._log.progress(share, text, position.elapsed_s * (1 - share) / share if share > 0.002 else None)

    def validation(self, figures: Mapping[str, float], position: Position) -> None:
        """Record them all; say those that are not of a single class."""
        self._log.record("validation", iteration=position.iteration, **figures)
        self._log.say("validation: " + ", ".join(f"{key} {v:.3f}" for key, v in figures.items() if "/" not in key))

    def summary(self, position: Position, figures: Mapping[str, float]) -> None:
        """Write how the stage stands; ``figures`` are those of the last validation."""
        self._log.summarise(
            {
                "stage": self._name,
                "finished": position.done,
                "iterations": position.iteration,
                "elapsed_s": round(position.elapsed_s, 1),
                "seconds_per_iteration": round(position.elapsed_s / max(position.iteration, 1), 4),
                "data_wait_s": round(position.waited_s, 1),
                "data_wait_share": round(waited_share(position), 4),
                **self._setting,
                "best": {"value": position.best_value, "iteration": position.best_iteration},
                "validation": dict(figures),
            }
        )

    def done(self, position: Position) -> None:
        """Say how long it took, how much of that was waiting, and how good it got."""
        best = ""
        if position.best_value is not None:
            best = f", best validation {position.best_value:.3f} at iteration {position.best_iteration}"
        self._log.say(
            f"done: {position.iteration} iterations in {position.elapsed_s / 60:.1f} min, "
            f"{100 * waited_share(position):.1f} % of it waiting for data{best}"
        )


def waited_share(position: Position) -> float:
    """Share of the training time that was spent waiting for data."""
    return position.waited_s / max(position.elapsed_s, 1e-9)
