"""Opens what a recipe trains on: rendered streets, a data set on disk, negatives to paste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ros_anomaly.data.coco_instances import CocoInstances
from ros_anomaly.data.cutout_folder import open_cutouts
from ros_anomaly.data.cutout_store import CutoutStore
from ros_anomaly.data.dataset_frames import open_training_dataset
from ros_anomaly.data.datasets.registry import dataset_info
from ros_anomaly.data.frame_store import FrameStore
from ros_anomaly.data.frames import FrameArrays, SomeFrames
from ros_anomaly.data.labels import STREET_CLASSES, ClassSet
from ros_anomaly.data.negatives import AnyCutout, EitherSource, NegativeSource
from ros_anomaly.training.data_config import DatasetConfig, NegativeKind, NegativesConfig
from ros_anomaly.training.recipe import Recipe, RecipeError

STREETS = "streets"


@dataclass(frozen=True)
class FrameFolders:
    """Where the rendered frames of a run are below one folder; the last three may be missing.

    Attributes:
        object_kinds: object → its kind, for recipes that choose among kinds; whoever renders knows them.
    """

    root: Path
    object_kinds: Mapping[str, str] | None = None

    @property
    def clean(self) -> Path:
        return self.root / "train_clean"

    @property
    def negatives(self) -> Path:
        return self.root / "train_negatives"

    @property
    def cutouts(self) -> Path:
        return self.root / "cutouts"

    @property
    def validation(self) -> Path:
        return self.root / "validation"


@dataclass(frozen=True)
class TrainingFrames:
    """The sources of a stage; ``negatives`` and ``cutouts`` are None where it does without.

    Attributes:
        clean: frames to learn the inlier classes from, and to paste into.
        negatives: frames with negatives in them.
        cutouts: negatives to paste.
        classes: that the labels hold.
    """

    clean: FrameArrays
    negatives: FrameArrays | None = None
    cutouts: NegativeSource | None = None
    classes: ClassSet = STREET_CLASSES

    def __post_init__(self) -> None:
        if len(self.clean) == 0:
            raise ValueError("training frames: expected at least one clean frame, found none")


def training_frames(recipe: Recipe, stage: str, folders: FrameFolders) -> TrainingFrames:
    """Open what the mixture of ``stage`` (``closed``, ``outlier``) asks for.

    Args:
        folders: of rendered frames; only looked into where the recipe has no data set, or takes its cut-outs from them.

    Raises:
        RecipeError: the recipe does not say where the data set or the negatives are, or asks for kinds of objects
            that nothing has.
        DatasetError, FrameStoreError: what is there is not what the recipe says. All are ValueErrors of one line.
    """
    data, mixture = recipe.data, getattr(recipe, stage).mixture
    clean = FrameStore(folders.clean) if data.dataset is None else _dataset(data.dataset, validation=False)
    negatives = _rendered_negatives(folders, data.negative_kinds) if mixture.rendered else None
    cutouts = _cutouts(data.negatives, folders, data.negative_kinds) if mixture.pasted else None
    return TrainingFrames(clean, negatives, cutouts, data.classes)


def check_negatives(recipe: Recipe, stages: Sequence[str]) -> None:
    """See that the negatives from disk are there, before hours go into what comes before them.

    Raises:
        RecipeError, DatasetError, FrameStoreError: as :func:`training_frames`.
    """
    config = recipe.data.negatives
    if config is not None and any(getattr(recipe, stage).mixture.pasted for stage in stages):
        _own_negatives(config)


def validation_frames(recipe: Recipe, folders: FrameFolders) -> FrameArrays | None:
    """Frames to validate on, anomalies being K in their labels; None where there are none.

    Raises:
        RecipeError, DatasetError, FrameStoreError: as :func:`training_frames`.
    """
    if recipe.data.dataset is not None:
        return _dataset(recipe.data.dataset, validation=True) if _has_validation(recipe.data.dataset) else None
    return FrameStore(folders.validation) if folders.validation.exists() else None


def with_dataset(recipe: Recipe, source: str) -> Recipe:
    """The recipe on another source, ``KIND:PATH`` or ``streets``.

    What the recipe says of a data set of that kind (splits, names of classes) is kept.

    Raises:
        RecipeError: no such kind, no path, or a data set that the rest of the recipe (classes, mixture) does not fit.
    """
    kind, _, path = source.partition(":")
    try:
        if kind == STREETS and not path:
            return replace(recipe, data=replace(recipe.data, dataset=None))
        before = recipe.data.dataset
        same = before is not None and before.kind == kind
        dataset = replace(before, root=path) if before is not None and same else DatasetConfig(kind, path)
        if not path:
            raise RecipeError(f"expected KIND:PATH or {STREETS}, found {source!r}")
        return replace(recipe, data=replace(recipe.data, dataset=dataset))
    except ValueError as error:
        raise RecipeError(f"data set {source!r}: {error}") from error


def _dataset(config: DatasetConfig, validation: bool) -> FrameArrays:
    root = config.validation_root if validation and config.validation_root else config.root
    if not root:
        raise RecipeError(
            f"data.dataset.root: expected the folder of {config.kind} (or --dataset {config.kind}:PATH), found none"
        )
    split = config.validation_split if validation else config.split
    splits = dataset_info(config.kind).splits
    store = (Path(root).expanduser() / "store.json").is_file()  # which has no splits, whatever its kind may have
    default = "validation" if validation else "train"
    return open_training_dataset(
        config.kind,
        Path(root).expanduser(),
        split or (default if default in splits and not store else None),
        config.classes,
        images=Path(config.images).expanduser() if config.images else None,
        allow_missing=config.allow_missing,
        cache_bytes=config.cache_mb * 2**20,
    )


def _has_validation(config: DatasetConfig) -> bool:
    if config.validation_root or config.validation_split:
        return True
    store = config.root and (Path(config.root).expanduser() / "store.json").is_file()
    return "validation" in dataset_info(config.kind).splits and not store


def _rendered_negatives(folders: FrameFolders, kinds: tuple[str, ...]) -> FrameArrays:
    store = FrameStore(folders.negatives)
    if not kinds:
        return store
    table = _checked_kinds(folders, kinds)
    chosen = [i for i in range(len(store)) if _all_of(store.info(i).get("anomalies", ()), table, kinds)]
    if not chosen:
        raise RecipeError(f"{folders.negatives}: expected frames with {', '.join(kinds)} alone, found none")
    return SomeFrames(store, chosen)


def _cutouts(config: NegativesConfig | None, folders: FrameFolders, kinds: tuple[str, ...]) -> NegativeSource:
    if config is not None:
        own = AnyCutout(_own_negatives(config))
        return own if config.share == 1 else EitherSource(own, _rendered_cutouts(folders, kinds), config.share)
    return _rendered_cutouts(folders, kinds)


def _rendered_cutouts(folders: FrameFolders, kinds: tuple[str, ...]) -> NegativeSource:
    store = CutoutStore(folders.cutouts)
    if not kinds:
        return AnyCutout(store)
    table = _checked_kinds(folders, kinds)
    chosen = [i for i in range(len(store)) if table.get(str(store.info(i).get("object"))) in kinds]
    if not chosen:
        raise RecipeError(f"{folders.cutouts}: expected cut-outs of {', '.join(kinds)}, found none")
    return AnyCutout(store, chosen)


def _own_negatives(config: NegativesConfig) -> Any:
    if not config.root:
        raise RecipeError("data.negatives.root: expected the folder of the negatives, found none")
    root = Path(config.root).expanduser()
    if config.kind is NegativeKind.CUTOUTS:
        return open_cutouts(root)
    annotations = Path(config.annotations).expanduser()
    return CocoInstances(annotations, root, config.include, config.exclude, config.min_side_px)


def _checked_kinds(folders: FrameFolders, kinds: tuple[str, ...]) -> Mapping[str, str]:
    table = folders.object_kinds
    if table is None:
        raise RecipeError("data.negative_kinds: expected to be told the kinds of the rendered objects, found none")
    if unknown := sorted(set(kinds) - set(table.values())):
        legal = ", ".join(sorted(set(table.values())))
        raise RecipeError(f"data.negative_kinds: expected kinds of {legal}; found {', '.join(unknown)}")
    return table


def _all_of(anomalies: Any, table: Mapping[str, str], kinds: tuple[str, ...]) -> bool:
    return all(table.get(anomaly["model"]) in kinds for anomaly in anomalies)
