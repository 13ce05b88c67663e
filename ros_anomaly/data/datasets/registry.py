"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ros_anomaly.data.datasets import (
    bdd_anomaly,
    city_tree,
    fishyscapes,
    image_folder,
    recorded_streets,
    road_anomaly,
    smiyc,
    street_hazards,
)
from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import LabelledSource
from ros_anomaly.data.frames import LabelKind


@dataclass(frozen=True)
class DatasetInfo:
    """What there is to know of a data set before it is opened.

    Attributes:
        name: by which it is opened.
        title: for people.
        layout: what its root folder must hold.
        open: its reader.
        splits: the first is opened where none is named; empty where it has none.
        label_kind: None where the caller must say it.
        convention: name of the metrics by which the field reports it; None where there is no custom.
        published_frames: how many labelled frames a split has as published; nothing is refused for having fewer.
        separate_images: the pictures are published elsewhere, and may lie in another root.
    """

    name: str
    title: str
    layout: str
    open: Callable[[DatasetRequest], LabelledSource]
    splits: tuple[str, ...] = ()
    label_kind: LabelKind | None = LabelKind.ANOMALY_MASK
    convention: str | None = None
    published_frames: Mapping[str, int] = field(default_factory=dict)
    separate_images: bool = False


DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            "streethazards",
            "StreetHazards",
            "{train,test}/{images,annotations}/",
            street_hazards.open_street_hazards,
            tuple(street_hazards.SPLITS),
            LabelKind.CLASS_IDS,
            convention="caos",
            published_frames={"train": 5125, "validation": 1031, "test": 1500},
        ),
        DatasetInfo(
            bdd_anomaly.NAME,
            "BDD-Anomaly",
            "seg/images/{train,val}/, seg/train_labels/{train,val}/, train.odgt, validation.odgt, anom.odgt",
            bdd_anomaly.open_bdd_anomaly,
            tuple(bdd_anomaly.SPLITS),
            LabelKind.CLASS_IDS,
            convention="caos",
            published_frames={"train": 6280, "validation": 910, "test": 810},
        ),
        DatasetInfo(
            fishyscapes.LOST_AND_FOUND_NAME,
            "Fishyscapes Lost&Found",
            "fishyscapes_lostandfound/; pictures of Lost and Found: leftImg8bit/{train,test}/",
            fishyscapes.open_lost_and_found,
            ("validation",),
            convention="fishyscapes",
            published_frames={"validation": 100},
            separate_images=True,
        ),
        DatasetInfo(
            fishyscapes.STATIC_NAME,
            "Fishyscapes Static",
            "fs_val_v{1,2,3}/; pictures of Cityscapes: leftImg8bit/val/",
            fishyscapes.open_static,
            tuple(fishyscapes.STATIC_SPLITS),
            convention="fishyscapes",
            separate_images=True,
        ),
        DatasetInfo(
            smiyc.ANOMALY_NAME,
            "SegmentMeIfYouCan AnomalyTrack",
            "dataset_AnomalyTrack/{images,labels_masks}/",
            smiyc.open_anomaly_track,
            ("validation",),
            convention="smiyc-anomaly",
            published_frames={"validation": 10},
        ),
        DatasetInfo(
            smiyc.OBSTACLE_NAME,
            "SegmentMeIfYouCan ObstacleTrack",
            "dataset_ObstacleTrack/{images,labels_masks}/",
            smiyc.open_obstacle_track,
            ("validation",),
            convention="smiyc-obstacle",
            published_frames={"validation": 30},
        ),
        DatasetInfo(
            road_anomaly.NAME,
            "RoadAnomaly",
            "RoadAnomaly_jpg/frames/",
            road_anomaly.open_road_anomaly,
            ("test",),
            convention="fishyscapes",
            published_frames={"test": 60},
        ),
        DatasetInfo(
            city_tree.LOST_AND_FOUND_NAME,
            "Lost and Found",
            "{leftImg8bit,gtCoarse}/{train,test}/",
            city_tree.open_lost_and_found,
            tuple(city_tree.LOST_AND_FOUND_SPLITS),
            convention="smiyc-obstacle",
            published_frames={"train": 1036, "test": 1203},
            separate_images=True,
        ),
        DatasetInfo(
            city_tree.CITYSCAPES_NAME,
            "Cityscapes",
            "{leftImg8bit,gtFine}/{train,val}/",
            city_tree.open_cityscapes,
            tuple(city_tree.CITYSCAPES_SPLITS),
            LabelKind.CLASS_IDS,
            published_frames={"train": 2975, "validation": 500},
            separate_images=True,
        ),
        DatasetInfo(
            recorded_streets.NAME,
            "recorded streets",
            "store.json (a frame store), or {train,test}/{images,annotations}/",
            recorded_streets.open_recorded_streets,
            (*street_hazards.SPLITS, recorded_streets.STORE_SPLIT),
            LabelKind.CLASS_IDS,
        ),
        DatasetInfo(
            image_folder.NAME,
            "folder of pictures and masks",
            "images/, masks/",
            image_folder.open_image_folder,
            label_kind=None,
        ),
    )
}


def dataset_info(name: str) -> DatasetInfo:
    """The data set of this name; DatasetError that lists the legal names."""
    if name not in DATASETS:
        raise DatasetError(f"data set: expected one of {', '.join(DATASETS)}; found {name!r}")
    return DATASETS[name]


def open_dataset(
    name: str,
    root: str | Path,
    split: str | None = None,
    *,
    label_kind: LabelKind | None = None,
    images: str | Path | None = None,
    allow_missing: bool = False,
) -> LabelledSource:
    """Find the frames of a data set; none is decoded yet.

    Args:
        name: of ``DATASETS``.
        root: folder that holds what ``DatasetInfo.layout`` names.
        split: None for the first of the data set's.
        label_kind: what the masks hold; required for ``folder`` and for it alone.
        images: root of the pictures where they are published apart from the labels (Fishyscapes …).
        allow_missing: read what is whole where pictures or labels are missing; ``source.missing`` names those.

    Raises:
        DatasetError: unknown name or split, an argument that does not fit the data set, another layout in the folder,
            missing files, no frames. Whatever is wrong inside a file is raised when its frame is decoded.
    """
    info = dataset_info(name)
    if split is not None and split not in info.splits:
        raise DatasetError(f"{name}: expected the split {_alternatives(info.splits)}, found {split!r}")
    if label_kind is not None and info.label_kind not in (None, label_kind):
        raise DatasetError(f"{name}: expected no other label kind than its own, found {label_kind.value!r}")
    if images is not None and not info.separate_images:
        raise DatasetError(f"{name}: expected the pictures in its root, found another root for them, {images}")
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"{name}: expected a folder with {info.layout}, found no folder {root}")
    default = "" if name == recorded_streets.NAME or not info.splits else info.splits[0]
    return info.open(
        DatasetRequest(root, split or default, label_kind, None if images is None else Path(images), allow_missing)
    )


def _alternatives(names: tuple[str, ...]) -> str:
    return f"one of {', '.join(names)}" if names else "to be left out (there are none)"
