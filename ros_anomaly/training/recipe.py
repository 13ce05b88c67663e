"""Recipes: everything a training run depends on, read from YAML into checked dataclasses."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ros_anomaly.data.augment import AugmentConfig
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.network.model import NetworkConfig
from ros_anomaly.training.loss import LossConfig

T = TypeVar("T")


class RecipeError(ValueError):
    """A key of the recipe is unknown or has a value of the wrong type or range."""


@dataclass(frozen=True)
class DataConfig:
    """Which frames a run needs; what renders them reads this too.

    Attributes:
        size: (height, width) of the rendered frames.
        clean_frames: training frames without anomalies, from many viewpoints.
        drive_frames: the same as the vehicle sees them along drives.
        negative_frames: training frames with training objects.
        validation_frames: of validation towns, models and objects; three quarters with anomalies.
        cutouts: pictures of training objects to paste.
        seed: of everything rendered.
    """

    size: tuple[int, int] = (360, 640)
    clean_frames: int = 4000
    drive_frames: int = 0
    negative_frames: int = 2000
    validation_frames: int = 200
    cutouts: int = 1500
    seed: int = 1


@dataclass(frozen=True)
class Phase:
    """A stretch of a stage with one crop size.

    Attributes:
        until: end of the phase as a share of the stage (the last phase ends at 1).
        crop: (height, width), multiples of 8. batch: frames a step.
        scale: source-to-crop scale range that replaces the augmentation's, None to keep that.
    """

    until: float
    crop: tuple[int, int]
    batch: int
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.until <= 1:
            raise RecipeError(f"phase until: expected a share 0..1, found {self.until}")
        if self.crop[0] % 8 or self.crop[1] % 8 or min(self.crop) < 32:
            raise RecipeError(f"phase crop: expected height and width in multiples of 8 from 32 on, found {self.crop}")
        if self.batch < 1:
            raise RecipeError(f"phase batch: expected at least 1, found {self.batch}")


@dataclass(frozen=True)
class Mixture:
    """Shares of the frames of a batch; the rest is clean.

    Attributes:
        pasted: clean frames with pasted negatives. rendered: frames with rendered negatives.
    """

    pasted: float = 0.0
    rendered: float = 0.0

    def __post_init__(self) -> None:
        if self.pasted < 0 or self.rendered < 0 or self.pasted + self.rendered > 1:
            raise RecipeError(f"mixture: expected shares >= 0 with a sum <= 1, found {self.pasted} + {self.rendered}")


@dataclass(frozen=True)
class StageConfig:
    """One stage: closed-set training or fine-tuning with the outlier class.

    Attributes:
        minutes: wall-clock budget; the schedule follows the share of it that is spent.
        iterations: budget in steps instead (exactly repeatable); 0 uses ``minutes``.
        learning_rate: of everything but the backbone, which gets ``backbone_factor`` of it.
        warmup_iterations: steps of linear warm-up; after it cosine down to ``final_factor``.
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
    final_factor: float = 0.01
    freeze_stem: bool = True
    freeze_norms: bool = False
    mixture: Mixture = field(default_factory=Mixture)
    phases: tuple[Phase, ...] = (Phase(0.75, (224, 384), 8), Phase(1.0, (352, 640), 4))

    def __post_init__(self) -> None:
        if self.iterations < 0 or (self.iterations == 0 and self.minutes <= 0):
            raise RecipeError(f"stage: expected minutes > 0 or iterations > 0, found {self.minutes}, {self.iterations}")
        ends = [phase.until for phase in self.phases]
        if not ends or ends[-1] != 1.0 or ends != sorted(set(ends)):
            raise RecipeError(f"stage phases: expected rising ends with the last at 1.0, found {ends}")
        if self.learning_rate <= 0 or self.clip_norm <= 0:
            raise RecipeError("stage: expected learning_rate and clip_norm above 0")

    def phase_at(self, progress: float) -> Phase:
        """The phase at ``progress`` 0..1 of the stage."""
        return next((phase for phase in self.phases if progress < phase.until), self.phases[-1])


@dataclass(frozen=True)
class LogConfig:
    """How often things are written, in minutes of training."""

    checkpoint_minutes: float = 2.0
    validate_minutes: float = 12.0
    validation_frames: int = 48
    print_seconds: float = 15.0


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on besides the frames themselves."""

    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    paste: PasteConfig = field(default_factory=PasteConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    closed: StageConfig = field(default_factory=StageConfig)
    outlier: StageConfig = field(default_factory=StageConfig)
    log: LogConfig = field(default_factory=LogConfig)


def load_recipe(path: str | Path) -> Recipe:
    """Read a YAML recipe. RecipeError names the key, what was expected and what was found."""
    try:
        value = yaml.safe_load(Path(path).read_text())
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: expected YAML, found {error}") from error
    if not isinstance(value, Mapping):
        raise RecipeError(f"{path}: expected a mapping, found {type(value).__name__}")
    return from_mapping(Recipe, value, "")


def from_mapping(kind: type[T], value: Mapping[str, Any], where: str) -> T:
    """``kind`` (a dataclass) from plain values; keys that are left out keep their defaults."""
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in value:
        if key not in names:
            raise RecipeError(f"recipe {where}{key}: unknown key, expected one of {', '.join(names)}")
    made = {key: _convert(hints[key], entry, f"{where}{key}") for key, entry in value.items()}
    try:
        return kind(**made)
    except ValueError as error:
        raise RecipeError(f"recipe {where.rstrip('.') or 'top level'}: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _convert(next(a for a in arguments if a is not type(None)), value, where)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise RecipeError(f"recipe {where}: expected a mapping, found {value!r}")
        return from_mapping(hint, value, f"{where}.")  # type: ignore[arg-type]
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"recipe {where}: expected a list, found {value!r}")
        if arguments[-1] is Ellipsis:
            return tuple(_convert(arguments[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
        if len(value) != len(arguments):
            raise RecipeError(f"recipe {where}: expected {len(arguments)} values, found {len(value)}")
        return tuple(_convert(a, v, f"{where}[{i}]") for i, (a, v) in enumerate(zip(arguments, value, strict=True)))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise RecipeError(f"recipe {where}: expected {hint.__name__}, found {value!r}")
    return value
