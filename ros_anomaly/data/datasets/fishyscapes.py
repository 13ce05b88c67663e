"""Fishyscapes (Blum et al.): Lost&Found and Static, labels 0 in-distribution, 1 anomaly, 255 void.

Lost&Found: ``fishyscapes_lostandfound/NNNN_<frame>_labels.png``; pictures are those of Lost and Found,
``leftImg8bit/{train,test}/<scene>/<frame>_leftImg8bit.png``.
Static: ``fs_val_v{1,2,3}/NNNN_<frame>_labels.png`` and ``…_rgb.npz``, the difference to the Cityscapes validation
picture ``leftImg8bit/val/<city>/<frame>_leftImg8bit.png``.
Pictures are looked for below ``DatasetRequest.images``, or in the same root.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.label_maps import ANOMALY_MASK
from ros_anomaly.data.datasets.layout import by_key, found_in, refuse_missing, require_folder, sorted_keys
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind

LOST_AND_FOUND_NAME, STATIC_NAME = "fishyscapes-lostandfound", "fishyscapes-static"
STATIC_SPLITS = {"v3": "fs_val_v3", "v2": "fs_val_v2", "v1": "fs_val_v1"}
_LOST_AND_FOUND_FOLDER = "fishyscapes_lostandfound"
_LABEL_SUFFIX, _OVERLAY_SUFFIX, _PICTURE_SUFFIX = "_labels.png", "_rgb.npz", "_leftImg8bit.png"
_KEY = re.compile(r"\d+_(?P<frame>(?P<place>.+)_\d+_\d+)")
"""NNNN_<frame>, a frame being <scene or city>_<sequence>_<number>."""


def open_lost_and_found(request: DatasetRequest) -> DatasetSource:
    """The validation frames of Fishyscapes Lost&Found. DatasetError as the other readers."""
    reading = Reading(ANOMALY_MASK, LabelKind.ANOMALY_MASK)
    return _open(request, LOST_AND_FOUND_NAME, _LOST_AND_FOUND_FOLDER, ("test", "train"), reading)


def open_static(request: DatasetRequest) -> DatasetSource:
    """One version of Fishyscapes Static. DatasetError as the other readers."""
    reading = Reading(ANOMALY_MASK, LabelKind.ANOMALY_MASK, overlay=add_overlay)
    return _open(request, STATIC_NAME, STATIC_SPLITS[request.split], ("val",), reading)


def add_overlay(image: np.ndarray, path: Path) -> np.ndarray:
    """``image`` uint8 [H, W, 3] plus the array ``rgb`` of an ``.npz`` file (any number type), rounded and clipped.

    Raises:
        DatasetError: no such file or array, another size, or values that are not finite.
    """
    try:
        with np.load(path) as arrays:
            difference = arrays["rgb"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected an npz file with the array 'rgb', found {error}") from error
    if difference.shape != image.shape or difference.dtype.kind not in "iuf":
        raise DatasetError(
            f"{path}: expected numbers of {list(image.shape)}, found {difference.dtype} {list(difference.shape)}"
        )
    if not np.isfinite(difference).all():
        raise DatasetError(f"{path}: expected finite values, found some that are not")
    return np.clip(np.rint(image + difference.astype(np.float32)), 0, 255).astype(np.uint8)


def _open(
    request: DatasetRequest, name: str, folder_name: str, subsets: tuple[str, ...], reading: Reading
) -> DatasetSource:
    folder = require_folder(request.root, folder_name, name)
    labels = by_key(folder.glob(f"*{_LABEL_SUFFIX}"), folder, _LABEL_SUFFIX)
    if not labels:
        raise DatasetError(f"{folder}: expected labels NNNN_<frame>{_LABEL_SUFFIX}, found {found_in(folder)}")
    pictures = require_folder(request.images or request.root, "leftImg8bit", f"{name}: pictures")
    frames, missing = [], []
    for key in sorted_keys(labels):
        overlay = folder / f"{key}{_OVERLAY_SUFFIX}" if reading.overlay else None
        image = _picture(pictures, subsets, key, labels[key])
        gone = [path for path in (image, overlay) if path is not None and not path.is_file()]
        missing += [f"{path.relative_to(pictures.parent) if path is image else path.name}" for path in gone]
        if not gone:
            frames.append(FramePaths(key, image, labels[key], overlay))
    refuse_missing(missing, request.root, request.allow_missing)
    return DatasetSource(name, request.split, request.root, frames, reading, missing)


def _picture(pictures: Path, subsets: tuple[str, ...], key: str, label: Path) -> Path:
    """Where the picture lies, or where it was first looked for."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise DatasetError(
            f"{label}: expected a name NNNN_<place>_<sequence>_<frame>{_LABEL_SUFFIX}, found {label.name}"
        )
    paths = [pictures / subset / match["place"] / f"{match['frame']}{_PICTURE_SUFFIX}" for subset in subsets]
    return next((path for path in paths if path.is_file()), paths[0])
