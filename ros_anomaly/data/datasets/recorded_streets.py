"""Streets recorded by this package: a frame store, or a tree in the layout of StreetHazards.

Which of the two it is, is seen by what lies in the folder: ``store.json``, or ``train`` and ``test``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import state_of
from ros_anomaly.data.datasets.layout import found_in
from ros_anomaly.data.datasets.request import DatasetRequest
from ros_anomaly.data.datasets.source import LabelledSource
from ros_anomaly.data.datasets.street_hazards import SPLITS, open_street_hazards
from ros_anomaly.data.frame_store import FrameStore, FrameStoreError
from ros_anomaly.data.frames import Frame, LabelKind

NAME = "recorded-streets"
STORE_SPLIT = "all"
_TREE_SPLIT = "test"


class StoreSource:
    """A frame store as a data set: frames carry instance ids and what the recorder knew (weather, distances).

    Raises:
        DatasetError: the store is broken or holds no complete shard.
    """

    def __init__(self, root: Path) -> None:
        self.name, self.split, self.root = NAME, STORE_SPLIT, root
        self.missing: tuple[str, ...] = ()
        try:
            self._store = FrameStore(root)
        except (FrameStoreError, KeyError, OSError, json.JSONDecodeError) as error:
            raise DatasetError(f"{root}: expected a frame store, found {error}") from error
        if len(self._store) == 0:
            raise DatasetError(f"{root}: expected a frame store with complete shards, found {found_in(root)}")

    @property
    def label_kind(self) -> LabelKind:
        return LabelKind.CLASS_IDS

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames, in order."""
        return tuple(self._store.name(index) for index in range(len(self)))

    @property
    def fingerprint(self) -> str:
        """Hex digest of the frame size and of the name, size and time of all files: any write changes it."""
        digest = hashlib.sha256(f"{self.name} {self._store.size}\n".encode())
        for shard in self._store.shard_names:
            states = " ".join(state_of(path) for path in sorted((self.root / shard).iterdir()))
            digest.update(f"{shard} {states}\n".encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, index: int) -> Frame:
        return self._store[index]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._store)


def open_recorded_streets(request: DatasetRequest) -> LabelledSource:
    """A store (which has no splits) or one split of a tree, ``test`` if none is named.

    Raises:
        DatasetError: neither lies there, a store is asked for a split, or as the other readers.
    """
    if (request.root / "store.json").is_file():
        if request.split not in ("", STORE_SPLIT):
            raise DatasetError(f"{request.root}: expected no split for a frame store, found {request.split!r}")
        return StoreSource(request.root)
    trees = sorted({part for part, _ in SPLITS.values()})
    if not any((request.root / part).is_dir() for part in trees):
        raise DatasetError(
            f"{NAME}: expected store.json or a folder {' or '.join(trees)} in {request.root}, "
            f"found {found_in(request.root)}"
        )
    if request.split == STORE_SPLIT:
        raise DatasetError(f"{request.root}: expected one of the splits {', '.join(SPLITS)}, found {request.split!r}")
    return open_street_hazards(replace(request, split=request.split or _TREE_SPLIT), NAME)
