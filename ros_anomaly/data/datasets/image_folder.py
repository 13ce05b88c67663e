"""A folder of pictures and masks of one's own: ``images/<frame>.{png,jpg,webp}`` with ``masks/<frame>.png``.

What the mask values mean is said by the caller, never guessed: class ids of this package (0 to 13, 255), or an anomaly
mask (0, 1, 255). Masks of 0 and 255 alone are refused: drives are labelled so, and 255 is an anomaly there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import read_label
from ros_anomaly.data.datasets.label_maps import ANOMALY_MASK, CLASS_IDS
from ros_anomaly.data.datasets.layout import by_key, found_in, paired, pictures_below, require_folder
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind
from ros_anomaly.data.labels import VOID_ID

NAME = "folder"
_MASK_ANOMALY = 1
_MAPS = {LabelKind.CLASS_IDS: CLASS_IDS, LabelKind.ANOMALY_MASK: ANOMALY_MASK}


def open_image_folder(request: DatasetRequest) -> DatasetSource:
    """All pictures with the mask of the same name, subfolders too.

    Raises:
        DatasetError: the request says not what the masks hold, anomaly masks hold 255 and nowhere 1, or as the other
            readers.
    """
    if request.label_kind is None:
        kinds = " or ".join(kind.value for kind in LabelKind)
        raise DatasetError(f"{request.root}: expected to be told what the masks hold ({kinds}), found nothing said")
    images = require_folder(request.root, "images", "folder of pictures and masks")
    labels = require_folder(request.root, "masks", "folder of pictures and masks")
    pictures, masks = by_key(pictures_below(images), images), by_key(labels.rglob("*.png"), labels)
    if not masks:
        raise DatasetError(f"{labels}: expected masks <frame>.png, found {found_in(labels)}")
    keys, missing = paired(pictures, masks, request.root, request.allow_missing)
    if request.label_kind is LabelKind.ANOMALY_MASK:
        _refuse_other_meaning([masks[key] for key in keys], labels)
    frames = [FramePaths(key.replace("/", "_"), pictures[key], masks[key]) for key in keys]
    reading = Reading(_MAPS[request.label_kind], request.label_kind)
    return DatasetSource(NAME, request.split, request.root, frames, reading, missing)


def _refuse_other_meaning(masks: Sequence[Path], folder: Path) -> None:
    """Read masks until one shows an anomaly: as a rule the first. DatasetError where 255 is there and 1 is not."""
    void_seen = False
    for path in masks:
        values = np.bincount(read_label(path).ravel(), minlength=256)
        if values[_MASK_ANOMALY]:
            return
        void_seen = void_seen or bool(values[VOID_ID])
    if void_seen:
        raise DatasetError(
            f"{folder}: expected anomaly masks of 0 (in-distribution), 1 (anomaly) and 255 (void), found 255 and not "
            f"one 1 in {len(masks)} masks; where 255 means anomaly, as in labels of drives, store it as 1"
        )
