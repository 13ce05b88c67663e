"""StreetHazards (Hendrycks et al., CAOS), and the trees of its layout that recorded streets are written as.

``train/{images,annotations}/{training,validation}/<town>/<frame>.png``, ``test/{images,annotations}/test/<town>/…``.
The ``.odgt`` lists beside them name the same files and are not needed.
"""

from __future__ import annotations

from ros_anomaly.data.datasets.label_maps import STREET_HAZARDS
from ros_anomaly.data.datasets.layout import by_key, paired, pictures_below, require_folder
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind

SPLITS = {"test": ("test", "test"), "validation": ("train", "validation"), "train": ("train", "training")}
_TITLE = "StreetHazards"
READING = Reading(STREET_HAZARDS, LabelKind.CLASS_IDS)


def open_street_hazards(request: DatasetRequest, name: str = "streethazards") -> DatasetSource:
    """One split; frames are named ``<town>_<frame>``. DatasetError for another layout or missing pairs."""
    part, subset = SPLITS[request.split]
    images = require_folder(request.root, f"{part}/images/{subset}", _TITLE)
    labels = require_folder(request.root, f"{part}/annotations/{subset}", _TITLE)
    pictures = by_key(pictures_below(images), images)
    masks = by_key(pictures_below(labels), labels)
    keys, missing = paired(pictures, masks, request.root, request.allow_missing)
    frames = [
        FramePaths(key.replace("/", "_"), pictures[key], masks[key], info={"town": key.rpartition("/")[0]})
        for key in keys
    ]
    return DatasetSource(name, request.split, request.root, frames, READING, missing)
