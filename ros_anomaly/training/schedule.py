"""Learning rate and end of a stage, by steps or by the share of a wall-clock budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ros_anomaly.training.stage_config import Curve, StageConfig


@dataclass(frozen=True)
class Schedule:
    """Progress and learning-rate factor of a stage.

    A budget in minutes counts training time over all runs of a stage: a run that was killed goes on at the time of
    its checkpoint, whenever that is.

    Attributes:
        stage: its budget: ``iterations`` if above 0, else ``minutes``.
        minutes: replaces the stage's budget (also one of iterations); None keeps it.
    """

    stage: StageConfig
    minutes: float | None = None

    @property
    def by_iterations(self) -> bool:
        """Whether the budget is in steps, so that a run can be repeated exactly."""
        return self.minutes is None and self.stage.iterations > 0

    def progress(self, iteration: int, elapsed_s: float) -> float:
        """Share of the stage done, 0..1, after ``iteration`` steps and ``elapsed_s`` seconds of training."""
        if self.by_iterations:
            return min(1.0, iteration / self.stage.iterations)
        return min(1.0, elapsed_s / (60.0 * (self.minutes or self.stage.minutes)))

    def factor(self, iteration: int, progress: float) -> float:
        """Factor of the base learning rate: linear warm-up, then the stage's curve down to the final factor."""
        stage = self.stage
        if stage.curve is Curve.POLY:
            fall = (1 - progress) ** stage.poly_power
        else:
            fall = 0.5 * (1 + math.cos(math.pi * progress))
        factor = stage.final_factor + (1 - stage.final_factor) * fall
        return factor * min(1.0, (iteration + 1) / max(1, stage.warmup_iterations))
