"""The parts of a recipe that say how a stage is trained. Values of the wrong range are ValueErrors."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ros_anomaly.training.data_config import Mixture


@dataclass(frozen=True)
class Phase:
    """A stretch of a stage with one crop size.

    Attributes:
        until: end of the phase as a share of the stage (the last phase ends at 1).
        crop: (height, width), multiples of 8. batch: frames a step, over all processes.
        scale: source-to-crop scale range that replaces the augmentation's, None to keep that.
    """

    until: float
    crop: tuple[int, int]
    batch: int
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.until <= 1:
            raise ValueError(f"phase until: expected a share 0..1, found {self.until}")
        if self.crop[0] % 8 or self.crop[1] % 8 or min(self.crop) < 32:
            raise ValueError(f"phase crop: expected height and width in multiples of 8 from 32 on, found {self.crop}")
        if self.batch < 1:
            raise ValueError(f"phase batch: expected at least 1, found {self.batch}")


class Curve(Enum):
    """How the learning rate falls from its height at share 0 of the stage to ``final_factor`` of it at share 1."""

    COSINE = "cosine"
    """Half a cosine."""
    POLY = "poly"
    """``(1 - share) ** poly_power``."""


@dataclass(frozen=True)
class StageConfig:
    """One stage: closed-set training or fine-tuning with the outlier class.

    Attributes:
        minutes: wall-clock budget; the schedule follows the share of it that is spent.
        iterations: budget in steps instead (exactly repeatable); 0 uses ``minutes``.
        learning_rate: of everything but the backbone, which gets ``backbone_factor`` of it.
        warmup_iterations: steps of linear warm-up; after it ``curve`` down to ``final_factor``.
        curve, poly_power: see :class:`Curve`.
        ema_decay: of a moving average of the weights, which is then what is validated and saved; 0 has none.
        freeze_stem: the backbone up to stride 4 is not trained.
        freeze_norms: batch norm statistics of the pixel decoder stay as they are.
    """

    minutes: float = 60.0
    iterations: int = 0
    learning_rate: float = 6e-4
    backbone_factor: float = 0.25
    weight_decay: float = 0.05
    clip_norm: float = 2.0
    warmup_iterations: int = 80
    curve: Curve = Curve.COSINE
    poly_power: float = 0.9
    final_factor: float = 0.01
    ema_decay: float = 0.0
    freeze_stem: bool = True
    freeze_norms: bool = False
    mixture: Mixture = field(default_factory=Mixture)
    phases: tuple[Phase, ...] = (Phase(0.75, (224, 384), 8), Phase(1.0, (352, 640), 4))

    def __post_init__(self) -> None:
        if self.iterations < 0 or (self.iterations == 0 and self.minutes <= 0):
            raise ValueError(f"stage: expected minutes > 0 or iterations > 0, found {self.minutes}, {self.iterations}")
        ends = [phase.until for phase in self.phases]
        if not ends or ends[-1] != 1.0 or ends != sorted(set(ends)):
            raise ValueError(f"stage phases: expected rising ends with the last at 1.0, found {ends}")
        if self.learning_rate <= 0 or self.clip_norm <= 0 or self.poly_power <= 0:
            raise ValueError("stage: expected learning_rate, clip_norm and poly_power above 0")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"stage ema_decay: expected a value from 0 to below 1, found {self.ema_decay}")

    def phase_at(self, progress: float) -> Phase:
        """The phase at ``progress`` 0..1 of the stage."""
        return next((phase for phase in self.phases if progress < phase.until), self.phases[-1])


@dataclass(frozen=True)
class LogConfig:
    """How often things are written, in minutes of training.

    Attributes:
        checkpoint_minutes, validate_minutes: between two.
        validation_frames: that figures are taken on.
        print_seconds: least time between two progress lines.
        tensorboard: write event files too, where the package is installed.
    """

    checkpoint_minutes: float = 2.0
    validate_minutes: float = 12.0
    validation_frames: int = 48
    print_seconds: float = 15.0
    tensorboard: bool = True
