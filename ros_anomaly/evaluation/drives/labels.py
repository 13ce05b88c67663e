"""Ground truth of a drive: label images, what their values mean, and which image each belongs to."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

import numpy as np

from ros_anomaly.choice import Choice
from ros_anomaly.data.labels import ANOMALY_ID, INLIER_ID, VOID_ID, anomaly_labels

_MASK_ANOMALY = 255


class LabelFormat(str, Choice):
    """What the values of a label image mean; never guessed, as the same number means opposite things in the two.

    CLASS_IDS: class ids of the streets, 13 is an anomaly and 255 void. ANOMALY_MASK: 0 normal, 255 anomalous, no void.
    """

    CLASS_IDS = "class-ids"
    ANOMALY_MASK = "anomaly-mask"


def truth_of(plane: np.ndarray, label_format: LabelFormat) -> np.ndarray:
    """uint8 [H, W]: 0 normal, 1 anomalous, 255 void.

    Raises:
        ValueError: a value that the format does not know.
    """
    values = np.flatnonzero(np.bincount(plane.ravel(), minlength=256))
    if label_format is LabelFormat.CLASS_IDS:
        unknown = values[(values > ANOMALY_ID) & (values != VOID_ID) & (values != INLIER_ID)]
        expected = f"ids 0 to {ANOMALY_ID}, {INLIER_ID} or {VOID_ID}"
    else:
        unknown, expected = values[(values != 0) & (values != _MASK_ANOMALY)], f"values 0 or {_MASK_ANOMALY}"
    if len(unknown):
        raise ValueError(f"{label_format.value} labels: expected {expected}, found {unknown[0]}")
    if label_format is LabelFormat.CLASS_IDS:
        return anomaly_labels(plane)
    return (plane == _MASK_ANOMALY).astype(np.uint8)


Frame = TypeVar("Frame")
Label = TypeVar("Label")


class StampMatcher(Generic[Frame, Label]):
    """Pairs frames with labels of the same stamp, whichever comes first. At most ``most`` of each wait for the other.

    Attributes:
        frames_without, labels_without: given up on so far.
        repeated: labels of a stamp that had one already, while it waited; the first counts.
    """

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._labels: OrderedDict[int, Label] = OrderedDict()
        self.frames_without = self.labels_without = self.repeated = 0

    def add_frame(self, stamp_ns: int, frame: Frame) -> tuple[Frame, Label] | None:
        """The pair that this frame completes, or None."""
        if stamp_ns in self._labels:
            return frame, self._labels.pop(stamp_ns)
        if stamp_ns in self._frames:  # a stamp that came twice: the label can mean only one of them
            self.frames_without += 1
            return None
        self._frames[stamp_ns] = frame
        if len(self._frames) > self._most:
            self._frames.popitem(last=False)
            self.frames_without += 1
        return None

    def add_label(self, stamp_ns: int, label: Label) -> tuple[Frame, Label] | None:
        """The pair that this label completes, or None."""
        if stamp_ns in self._frames:
            return self._frames.pop(stamp_ns), label
        if stamp_ns in self._labels:
            self.repeated += 1
            return None
        self._labels[stamp_ns] = label
        if len(self._labels) > self._most:
            self._labels.popitem(last=False)
            self.labels_without += 1
        return None

    def finish(self) -> None:
        """Nothing more comes: give up on what waits."""
        self.frames_without += len(self._frames)
        self.labels_without += len(self._labels)
        self._frames.clear()
        self._labels.clear()
