"""From the label values that data sets store to the class ids of this package.

Where a class has no counterpart among the K = 13 it is in-distribution all the same (``INLIER_ID``): dropping it as
void would drop normal pixels that an anomaly score may well mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.labels import ANOMALY_ID, INLIER_ID, NUM_INLIER_CLASSES, VOID_ID, ClassSet, StreetClass

CITYSCAPES_CLASSES: tuple[tuple[str, int, StreetClass], ...] = (
    ("road", 7, StreetClass.ROAD),
    ("sidewalk", 8, StreetClass.SIDEWALK),
    ("building", 11, StreetClass.BUILDING),
    ("wall", 12, StreetClass.WALL),
    ("fence", 13, StreetClass.FENCE),
    ("pole", 17, StreetClass.POLE),
    ("traffic light", 19, StreetClass.TRAFFIC_SIGN),
    ("traffic sign", 20, StreetClass.TRAFFIC_SIGN),
    ("vegetation", 21, StreetClass.VEGETATION),
    ("terrain", 22, StreetClass.BACKGROUND),
    ("sky", 23, StreetClass.BACKGROUND),
    ("person", 24, StreetClass.PEDESTRIAN),
    ("rider", 25, StreetClass.PEDESTRIAN),
    ("car", 26, StreetClass.CAR),
    ("truck", 27, StreetClass.CAR),
    ("bus", 28, StreetClass.CAR),
    ("train", 31, StreetClass.CAR),
    ("motorcycle", 32, StreetClass.CAR),
    ("bicycle", 33, StreetClass.CAR),
)
"""The 19 evaluated classes of Cityscapes in the order of their train ids: name, label id, our class.

StreetHazards' *car* holds all vehicles, its *traffic sign* signals too, its *background* sky and open ground, as in
the rendered streets. Road lines are not told from the road by Cityscapes; *other* has no counterpart there.
"""

_CITYSCAPES_LAST_ID = 33
_BDD_FIRST_ANOMALY = 16  # train, motorcycle, bicycle: held out of BDD-Anomaly's training images
_BDD_OTHER = 1


class LabelMap:
    """A table of stored value → class id.

    Args:
        expected: the legal values in words, for errors.
        mapping: stored value 0..255 → class id; every other value is refused.
    """

    def __init__(self, expected: str, mapping: Mapping[int, int]) -> None:
        self.expected = expected
        self._ids = np.zeros(256, np.uint8)
        self._known = np.zeros(256, bool)
        for value, class_id in mapping.items():
            self._ids[value], self._known[value] = class_id, True

    def __call__(self, label: np.ndarray, path: Path) -> np.ndarray:
        """Class ids of a stored label, uint8 [H, W] → uint8 [H, W].

        Raises:
            DatasetError: unknown values; it names ``path``, the values and how many pixels have them.
        """
        counts = np.bincount(label.ravel(), minlength=256)
        unknown = np.flatnonzero((counts > 0) & ~self._known)
        if len(unknown):
            listed = ", ".join(f"{value} ({counts[value]} px)" for value in unknown[:5])
            listed += ", …" if len(unknown) > 5 else ""
            raise DatasetError(f"{path}: expected label values {self.expected}; found {listed}")
        return self._ids[label]


def _cityscapes() -> dict[int, int]:
    mapping = dict.fromkeys(range(_CITYSCAPES_LAST_ID + 1), VOID_ID)
    mapping.update({label_id: int(ours) for _, label_id, ours in CITYSCAPES_CLASSES})
    mapping[255] = VOID_ID  # licence plate is -1
    return mapping


def _cityscapes_train_ids() -> dict[int, int]:
    mapping = dict.fromkeys((*range(_CITYSCAPES_LAST_ID + 1), 255), VOID_ID)
    mapping.update({label_id: train_id for train_id, (_, label_id, _) in enumerate(CITYSCAPES_CLASSES)})
    return mapping


def training_ids(classes: ClassSet) -> LabelMap:
    """Labels of a user's own that hold ids of ``classes``, and K for anomalies."""
    count = classes.count
    return LabelMap(
        f"0 to {count} or {VOID_ID} ({count} classes, {count} anomaly, {VOID_ID} void)",
        {value: value for value in (*range(count + 1), VOID_ID)},
    )


def _bdd_anomaly() -> dict[int, int]:
    mapping = {_BDD_OTHER: INLIER_ID}
    for train_id, (_, _, ours) in enumerate(CITYSCAPES_CLASSES):
        mapping[train_id + 2] = ANOMALY_ID if train_id >= _BDD_FIRST_ANOMALY else int(ours)
    return mapping


CLASS_IDS = LabelMap(
    f"0 to {ANOMALY_ID} or {VOID_ID} (class ids, {ANOMALY_ID} anomaly, {VOID_ID} void)",
    {value: value for value in (*range(NUM_INLIER_CLASSES), ANOMALY_ID, VOID_ID)},
)
"""Labels that hold our class ids already."""

ANOMALY_MASK = LabelMap("0, 1 or 255 (in-distribution, anomaly, void)", {0: INLIER_ID, 1: ANOMALY_ID, VOID_ID: VOID_ID})
"""Labels of Fishyscapes and SegmentMeIfYouCan."""

STREET_HAZARDS = LabelMap(
    "1 to 14 (class id + 1) or 0 (void)",
    {0: VOID_ID, **{class_id + 1: class_id for class_id in (*range(NUM_INLIER_CLASSES), ANOMALY_ID)}},
)
"""StreetHazards stores class id + 1. 0 becomes -1 in its own code, which is ignored."""

CITYSCAPES = LabelMap(f"0 to {_CITYSCAPES_LAST_ID} or 255 (label ids)", _cityscapes())
"""``*_labelIds.png`` of Cityscapes; what is not among the 19 classes is void, as in its own evaluation."""

CITYSCAPES_TRAIN_IDS = LabelMap(f"0 to {_CITYSCAPES_LAST_ID} or 255 (label ids)", _cityscapes_train_ids())
"""``*_labelIds.png`` of Cityscapes to its own train ids, for training on its 19 classes; all else is void."""

BDD_ANOMALY = LabelMap("1 to 20 (train id + 2, 1 other)", _bdd_anomaly())
"""BDD-Anomaly stores train id + 2; *other* counts as in-distribution (CAOS)."""

ROAD_ANOMALY = LabelMap("0, 1 or 2 (anomaly above 0)", {0: INLIER_ID, 1: ANOMALY_ID, 2: ANOMALY_ID})
"""RoadAnomaly marks every anomaly with 2."""

LOST_AND_FOUND = LabelMap(
    "0 to 255 (0 and 255 ignore, 1 road, 2 to 254 obstacle)",
    {0: VOID_ID, 1: INLIER_ID, **dict.fromkeys(range(2, 255), ANOMALY_ID), 255: VOID_ID},
)
"""``*_gtCoarse_labelIds.png`` of Lost and Found: an id an obstacle kind. All that is not road or obstacle is void."""
