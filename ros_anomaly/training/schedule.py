"""Learning rate and end of a stage, by steps or by the share of a wall-clock budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ros_anomaly.training.recipe import StageConfig


@dataclass(frozen=True)
class Schedule:
    """Progress and learning-rate factor of a stage.

    Attributes:
        stage: its budget: ``iterations`` if above 0, else ``minutes``.
        minutes: replaces the stage's budget (also one of iterations); None keeps it.
    """

    stage: StageConfig
    minutes: float | None = None

    def progress(self, iteration: int, elapsed_s: float) -> float:
        """Share of the stage done, 0..1, after ``iteration`` steps and ``elapsed_s`` seconds of training."""
        if self.minutes is None and self.stage.iterations:
            return min(1.0, iteration / self.stage.iterations)
        return min(1.0, elapsed_s / (60.0 * (self.minutes or self.stage.minutes)))

    def factor(self, iteration: int, progress: float) -> float:
        """Factor of the base learning rate: linear warm-up, then a cosine down to the final factor."""
        low = self.stage.final_factor
        cosine = low + (1 - low) * 0.5 * (1 + math.cos(math.pi * progress))
        return cosine * min(1.0, (iteration + 1) / max(1, self.stage.warmup_iterations))
