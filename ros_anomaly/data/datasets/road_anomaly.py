"""RoadAnomaly (Lis et al.): 60 web pictures, anomalies marked with 2.

``RoadAnomaly_jpg/frames/<frame>.jpg``, ``RoadAnomaly_jpg/frames/<frame>.labels/labels_semantic.png``. Where
``RoadAnomaly_jpg/frame_list.json`` is there it says which frames there must be.
"""

from __future__ import annotations

import json
from pathlib import Path

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import IMAGE_SUFFIXES
from ros_anomaly.data.datasets.label_maps import ROAD_ANOMALY
from ros_anomaly.data.datasets.layout import by_key, paired, pictures_below, refuse_missing, require_folder, sorted_keys
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import DatasetSource, FramePaths, Reading
from ros_anomaly.data.frames import LabelKind

NAME = "road-anomaly"
_FOLDER, _LABELS = "RoadAnomaly_jpg", ".labels"
_READING = Reading(ROAD_ANOMALY, LabelKind.ANOMALY_MASK)


def open_road_anomaly(request: DatasetRequest) -> DatasetSource:
    """All frames. DatasetError as the other readers."""
    folder = require_folder(request.root, _FOLDER, "RoadAnomaly")
    inside = require_folder(folder, "frames", "RoadAnomaly")
    pictures = by_key((path for path in pictures_below(inside) if path.parent == inside), inside)
    labels = {path.parent.name[: -len(_LABELS)]: path for path in inside.glob(f"*{_LABELS}/labels_semantic.png")}
    listed = folder / "frame_list.json"
    gone: list[str] = []
    if listed.is_file():
        keys = _frame_list(listed)
        gone = [
            f"frame {key} of {listed.name}" for key in sorted_keys(keys) if key not in pictures.keys() | labels.keys()
        ]
        refuse_missing(gone, folder, request.allow_missing)
        pictures = {key: path for key, path in pictures.items() if key in keys}
        labels = {key: path for key, path in labels.items() if key in keys}
    whole, missing = paired(pictures, labels, folder, request.allow_missing)
    frames = [FramePaths(key, pictures[key], labels[key]) for key in whole]
    return DatasetSource(NAME, request.split, request.root, frames, _READING, [*gone, *missing])


def _frame_list(path: Path) -> set[str]:
    """Names of the listed frames, without the suffix of a picture."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected a JSON list of frame names, found {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"{path}: expected a JSON list of frame names, found {type(names).__name__}")
    return {name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in IMAGE_SUFFIXES else name for name in names}
