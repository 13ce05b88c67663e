"""SegmentMeIfYouCan (Chan et al.): the validation frames of AnomalyTrack and ObstacleTrack, labels 0, 1, 255.

``dataset_{AnomalyTrack,ObstacleTrack}/images/validation*.{jpg,webp,png}``,
``…/labels_masks/<frame>_labels_semantic.png``; coloured labels beside them are not read. Labels of the test frames
are not published.
"""

from __future__ import annotations

from ros_anomaly.data.datasets.label_maps import ANOMALY_MASK
from ros_anomaly.data.datasets.layout import by_key, paired, pictures_below, require_folder
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind

ANOMALY_NAME, OBSTACLE_NAME = "smiyc-anomaly", "smiyc-obstacle"
_FOLDERS = {ANOMALY_NAME: "dataset_AnomalyTrack", OBSTACLE_NAME: "dataset_ObstacleTrack"}
_LABEL_SUFFIX = "_labels_semantic.png"
_READING = Reading(ANOMALY_MASK, LabelKind.ANOMALY_MASK)


def open_anomaly_track(request: DatasetRequest) -> DatasetSource:
    """Validation frames of AnomalyTrack. DatasetError as the other readers."""
    return _open(request, ANOMALY_NAME)


def open_obstacle_track(request: DatasetRequest) -> DatasetSource:
    """Validation frames of ObstacleTrack. DatasetError as the other readers."""
    return _open(request, OBSTACLE_NAME)


def _open(request: DatasetRequest, name: str) -> DatasetSource:
    folder = _FOLDERS[name]
    images = require_folder(request.root, f"{folder}/images", name)
    labels = require_folder(request.root, f"{folder}/labels_masks", name)
    pictures = by_key((path for path in pictures_below(images) if path.name.startswith("validation")), images)
    masks = by_key(labels.glob(f"validation*{_LABEL_SUFFIX}"), labels, _LABEL_SUFFIX)
    keys, missing = paired(pictures, masks, request.root / folder, request.allow_missing)
    frames = [FramePaths(key, pictures[key], masks[key]) for key in keys]
    return DatasetSource(name, request.split, request.root, frames, _READING, missing)
