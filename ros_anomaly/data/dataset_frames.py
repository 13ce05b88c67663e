"""A labelled data set on disk as frames to train on: random access, decoded when asked for, in its own classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.label_maps import CITYSCAPES_TRAIN_IDS, training_ids
from ros_anomaly.data.datasets.registry import open_dataset
from ros_anomaly.data.datasets.source import DatasetSource, LabelledSource
from ros_anomaly.data.decoded_cache import DecodedCache
from ros_anomaly.data.frame_store import FrameStore
from ros_anomaly.data.frames import FrameArrays, LabelKind
from ros_anomaly.data.labels import CITYSCAPES_CLASSES, STREET_CLASSES, ClassSet

_LOOKED_AT = 8

_Arrays = tuple[np.ndarray, np.ndarray]


class DatasetFrames:
    """Frames of a data set, those used last kept decoded.

    Args:
        source: whose labels hold ids of ``classes``.
        cache_bytes: of decoded frames.
    """

    def __init__(self, source: LabelledSource, classes: ClassSet, cache_bytes: int) -> None:
        self.source, self.classes = source, classes
        self._decoded: DecodedCache[_Arrays] = DecodedCache(cache_bytes, _bytes_of)

    def __len__(self) -> int:
        return len(self.source)

    def arrays(self, index: int) -> _Arrays:
        """(image uint8 [H, W, 3], class ids uint8 [H, W]), read-only. DatasetError for what is wrong with the files."""
        return self._decoded.get(index, lambda: self._read(index))

    def _read(self, index: int) -> _Arrays:
        frame = self.source[index]
        for array in (frame.image, frame.class_ids):
            array.setflags(write=False)
        return frame.image, frame.class_ids

    def check(self) -> None:
        """Decode a few frames, evenly spread, so that what is wrong is said before training and not hours into it.

        Raises:
            DatasetError: a broken file, sizes that differ, unknown label values, or not one labelled pixel.
        """
        looked_at = np.unique(np.linspace(0, len(self) - 1, _LOOKED_AT).astype(int))
        if not any((self.arrays(int(index))[1] < self.classes.count).any() for index in looked_at):
            raise DatasetError(
                f"{self.source.root}: expected pixels of the {self.classes.count} classes of {self.source.name}, "
                f"found none in the labels of {len(looked_at)} frames"
            )


def open_training_dataset(
    kind: str,
    root: str | Path,
    split: str | None,
    classes: ClassSet,
    *,
    images: str | Path | None = None,
    allow_missing: bool = False,
    cache_bytes: int = 2**28,
) -> FrameArrays:
    """Open one split of a data set for training or its validation, and look at a few of its frames.

    Args:
        kind, root, images, allow_missing: of ``registry.open_dataset``.
        split: None where it has none.
        classes: that the labels are wanted in: Cityscapes' own, a user's own, or the street's.

    Raises:
        DatasetError: as ``open_dataset`` and ``DatasetFrames.check``; or labels that know no classes.
    """
    kinds = LabelKind.CLASS_IDS if kind == "folder" else None
    source = open_dataset(kind, root, split, label_kind=kinds, images=images, allow_missing=allow_missing)
    if source.label_kind is not LabelKind.CLASS_IDS:
        raise DatasetError(f"{kind}: expected labels that know classes, found {source.label_kind.value}")
    if isinstance(source, DatasetSource):
        if classes == CITYSCAPES_CLASSES:
            source = source.relabelled(CITYSCAPES_TRAIN_IDS)
        elif classes != STREET_CLASSES:
            source = source.relabelled(training_ids(classes))
    elif (Path(root) / "store.json").is_file():
        return FrameStore(root)  # mapped from disk: nothing to decode
    frames = DatasetFrames(source, classes, cache_bytes)
    frames.check()
    return frames


def _bytes_of(arrays: _Arrays) -> int:
    return arrays[0].nbytes + arrays[1].nbytes
