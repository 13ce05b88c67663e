"""Recipes: everything a training run depends on, read from YAML into checked dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ros_anomaly.checked import read_yaml
from ros_anomaly.data.augment import AugmentConfig
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.network.model import NetworkConfig
from ros_anomaly.training.data_config import DataConfig, Mixture
from ros_anomaly.training.loss import LossConfig
from ros_anomaly.training.precision import Precision
from ros_anomaly.training.stage_config import LogConfig, StageConfig


class RecipeError(ValueError):
    """A key of the recipe is unknown or has a value of the wrong type or range."""


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on besides the frames themselves.

    Attributes:
        precision: see :class:`Precision`.
        compile: hand the network to torch.compile: minutes at the start of every run, faster steps after, on a GPU.
        data_workers: processes that make batches ahead of the loop, beside each process that trains; None chooses by
            the device (none on the CPU), 0 makes batches in the loop. Batches are the same for any number.
        pretrained_backbone: the closed set starts from a backbone that knows ImageNet; else from random numbers.
    """

    seed: int = 0
    precision: Precision = Precision.AUTO
    compile: bool = False
    data_workers: int | None = None
    pretrained_backbone: bool = True
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    paste: PasteConfig = field(default_factory=PasteConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    closed: StageConfig = field(default_factory=StageConfig)
    outlier: StageConfig = field(default_factory=StageConfig)
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self) -> None:
        if self.data_workers is not None and self.data_workers < 0:
            raise RecipeError(f"data_workers: expected a number from 0 on, found {self.data_workers}")
        classes = self.data.classes
        if self.network.inlier_classes != classes.count:
            raise RecipeError(
                f"network inlier_classes: expected {classes.count} as the data has ({classes.name} classes), "
                f"found {self.network.inlier_classes}"
            )
        for name, stage in (("closed", self.closed), ("outlier", self.outlier)):
            _check_mixture(name, stage.mixture, self.data)
            _check_crops(name, stage, self.network)


def _check_crops(stage: str, config: StageConfig, network: NetworkConfig) -> None:
    """Targets are made at strides 2, 4 and 8 of what the network sees."""
    for phase in config.phases:
        seen = network.input_size(*phase.crop)
        if seen[0] % 8 or seen[1] % 8:
            raise RecipeError(
                f"{stage} phase crop: expected sides that network input_scale {network.input_scale} enlarges "
                f"to multiples of 8, found {list(phase.crop)}, enlarged {list(seen)}"
            )


def _check_mixture(stage: str, mixture: Mixture, data: DataConfig) -> None:
    """What a mixture asks for must have a source."""
    rendered_streets = data.dataset is None
    if mixture.rendered and not rendered_streets:
        raise RecipeError(f"{stage} mixture rendered: expected 0 with data.dataset, found {mixture.rendered}")
    if mixture.pasted and data.negatives is None and not rendered_streets:
        raise RecipeError(f"{stage} mixture pasted: expected data.negatives with data.dataset, found none")
    if mixture.pasted and data.negatives is not None and data.negatives.share < 1 and not rendered_streets:
        raise RecipeError(
            f"data negatives share: expected 1 with data.dataset, which has no rendered cut-outs, "
            f"found {data.negatives.share}"
        )
    if mixture.pieces and not data.classes.things:
        raise RecipeError(
            f"{stage} mixture pieces: expected classes that have objects (car, person, …), found "
            f"{', '.join(data.classes.names)}"
        )


def load_recipe(path: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """Read a YAML recipe, with ``changes`` like ``outlier.minutes=5``.

    Raises:
        RecipeError: names file and key, what was expected and what was found.
    """
    try:
        return read_yaml(Recipe, Path(path), changes)
    except ValueError as error:
        raise RecipeError(str(error)) from error
