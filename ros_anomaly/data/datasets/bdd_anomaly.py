"""BDD-Anomaly (Hendrycks et al., CAOS): BDD100K's segmented frames, those with train, motorcycle or bicycle held out.

``seg/images/{train,val}/<id>.jpg``, ``seg/train_labels/{train,val}/<id>_train_id.png`` (train id + 2). Which frame is
in which split is said by ``train.odgt``, ``validation.odgt`` and ``anom.odgt`` in the root; where a list is missing
the labels are looked through once instead, which takes a minute on the whole set.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import read_label
from ros_anomaly.data.datasets.label_maps import BDD_ANOMALY
from ros_anomaly.data.datasets.layout import by_key, found_in, paired, pictures_below, refuse_missing, require_folder
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind
from ros_anomaly.data.labels import ANOMALY_ID

NAME = "bdd-anomaly"
SPLITS = {"test": ("train", "val"), "validation": ("val",), "train": ("train",)}
"""Split → the folders that its frames lie in."""
_LISTS = {"test": "anom.odgt", "validation": "validation.odgt", "train": "train.odgt"}
_LABEL_SUFFIX = "_train_id.png"
_TITLE = "BDD-Anomaly"
_READING = Reading(BDD_ANOMALY, LabelKind.CLASS_IDS)


def open_bdd_anomaly(request: DatasetRequest) -> DatasetSource:
    """One split; the test split holds every frame with an anomaly. DatasetError as the other readers."""
    listed = request.root / _LISTS[request.split]
    if listed.is_file():
        frames, missing = _from_list(listed, request)
    else:
        frames, missing = _from_folders(request)
    return DatasetSource(NAME, request.split, request.root, frames, _READING, missing)


def _from_list(listed: Path, request: DatasetRequest) -> tuple[list[FramePaths], list[str]]:
    frames, missing = [], []
    for picture, label in read_odgt(listed):
        pair = FramePaths(Path(picture).stem, request.root / picture, request.root / label)
        gone = [str(path) for path in pair.files if not path.is_file()]
        missing += gone
        if not gone:
            frames.append(pair)
    refuse_missing(missing, request.root, request.allow_missing)
    return frames, missing


def _from_folders(request: DatasetRequest) -> tuple[list[FramePaths], list[str]]:
    frames: list[FramePaths] = []
    all_missing: list[str] = []
    for subset in SPLITS[request.split]:
        images = require_folder(request.root, f"seg/images/{subset}", _TITLE)
        labels = require_folder(request.root, f"seg/train_labels/{subset}", _TITLE)
        pictures = by_key(pictures_below(images), images)
        masks = by_key(labels.rglob(f"*{_LABEL_SUFFIX}"), labels, _LABEL_SUFFIX)
        if pictures and not masks:
            raise DatasetError(f"{labels}: expected labels <id>{_LABEL_SUFFIX}, found {found_in(labels)}")
        keys, missing = paired(pictures, masks, request.root, request.allow_missing)
        all_missing += missing
        wanted = request.split == "test"
        frames += [FramePaths(key, pictures[key], masks[key]) for key in keys if _has_anomaly(masks[key]) == wanted]
    return frames, all_missing


def _has_anomaly(path: Path) -> bool:
    return bool(np.any(BDD_ANOMALY(read_label(path), path) == ANOMALY_ID))


def read_odgt(path: Path) -> list[tuple[str, str]]:
    """(picture, label) of every entry of an ``.odgt`` list (one JSON list), relative to the data set's root.

    Raises:
        DatasetError: not such a list.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [(str(entry["fpath_img"]), str(entry["fpath_segm"])) for entry in entries]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: expected one JSON list with fpath_img and fpath_segm, found {error!r}") from error
