"""The tree of Cityscapes and of data sets made after it: ``{type}/{split}/{place}/{frame}_{type}{suffix}``."""

from __future__ import annotations

from pathlib import Path

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.label_maps import CITYSCAPES, LOST_AND_FOUND
from ros_anomaly.data.datasets.layout import by_key, found_in, paired, require_folder
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind

CITYSCAPES_NAME, LOST_AND_FOUND_NAME = "cityscapes", "lost-and-found"
CITYSCAPES_SPLITS = {"validation": "val", "train": "train"}
LOST_AND_FOUND_SPLITS = {"test": "test", "train": "train"}


def open_cityscapes(request: DatasetRequest) -> DatasetSource:
    """Cityscapes with the fine labels (``gtFine``, ``labelIds``); labels of its test split are not published.

    Raises:
        DatasetError: as the other readers.
    """
    reading = Reading(CITYSCAPES, LabelKind.CLASS_IDS)
    return _open(request, CITYSCAPES_NAME, CITYSCAPES_SPLITS[request.split], "gtFine", reading)


def open_lost_and_found(request: DatasetRequest) -> DatasetSource:
    """Lost and Found (Pinggera et al.): obstacles on the road are anomalies, all off the road is void.

    Raises:
        DatasetError: as the other readers.
    """
    reading = Reading(LOST_AND_FOUND, LabelKind.ANOMALY_MASK)
    return _open(request, LOST_AND_FOUND_NAME, LOST_AND_FOUND_SPLITS[request.split], "gtCoarse", reading)


def _open(request: DatasetRequest, name: str, subset: str, labels_type: str, reading: Reading) -> DatasetSource:
    images = require_folder(request.images or request.root, f"leftImg8bit/{subset}", name)
    labels = require_folder(request.root, f"{labels_type}/{subset}", name)
    pictures = _frames(images, "_leftImg8bit.png")
    masks = _frames(labels, f"_{labels_type}_labelIds.png")
    keys, missing = paired(pictures, masks, request.root, request.allow_missing)
    frames = [
        FramePaths(Path(key).name, pictures[key], masks[key], info={"place": Path(key).parent.name}) for key in keys
    ]
    return DatasetSource(name, request.split, request.root, frames, reading, missing)


def _frames(folder: Path, suffix: str) -> dict[str, Path]:
    found = by_key(folder.glob(f"*/*{suffix}"), folder, suffix)
    if not found:
        raise DatasetError(f"{folder}: expected files <place>/<frame>{suffix}, found {found_in(folder)}")
    return found
