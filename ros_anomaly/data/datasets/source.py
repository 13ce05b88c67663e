"""Pairs of picture and label files as a ``FrameSource``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import read_label, read_rgb, state_of
from ros_anomaly.data.datasets.label_maps import LabelMap
from ros_anomaly.data.frames import Frame, LabelKind


class LabelledSource(Protocol):
    """A ``FrameSource`` that knows what it is, and gives any of its frames without decoding those before it.

    Attributes:
        name, split: by which it was opened.
        root: its folder.
        label_kind: what its labels know.
        missing: one line a picture or label that is not there and was allowed to be.
    """

    name: str
    split: str
    root: Path
    missing: tuple[str, ...]

    @property
    def label_kind(self) -> LabelKind: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Frame: ...

    def __iter__(self) -> Iterator[Frame]: ...


@dataclass(frozen=True)
class FramePaths:
    """Where one frame lies, and its name: unique, usable as a file name. ``overlay`` is laid over the picture."""

    name: str
    image: Path
    label: Path
    overlay: Path | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.image, self.label) if self.overlay is None else (self.image, self.label, self.overlay)


@dataclass(frozen=True)
class Reading:
    """How the files of a data set become frames.

    Attributes:
        label_map: stored label values → class ids.
        label_kind: what the class ids know.
        overlay: (picture uint8 [H, W, 3], path of the overlay) → picture, where the data set has overlays.
    """

    label_map: LabelMap
    label_kind: LabelKind
    overlay: Callable[[np.ndarray, Path], np.ndarray] | None = None


class DatasetSource:
    """A ``LabelledSource`` of files. Frames are decoded when they are asked for, in the order of ``names``.

    Raises:
        DatasetError: no frames, or two of one name.
    """

    def __init__(
        self,
        name: str,
        split: str,
        root: Path,
        frames: Sequence[FramePaths],
        reading: Reading,
        missing: Sequence[str] = (),
    ) -> None:
        self.name, self.split, self.root = name, split, root
        self.missing = tuple(missing)
        self._frames, self._reading = tuple(frames), reading
        if not frames:
            raise DatasetError(f"{root}: expected frames of {name}{split and f' ({split})'}, found none")
        seen: dict[str, Path] = {}
        for frame in frames:
            if other := seen.get(frame.name):
                raise DatasetError(f"{frame.image}: expected a frame name of its own, found {frame.name!r} of {other}")
            seen[frame.name] = frame.image

    @property
    def label_kind(self) -> LabelKind:
        return self._reading.label_kind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames, in order; nothing is decoded."""
        return tuple(frame.name for frame in self._frames)

    @property
    def fingerprint(self) -> str:
        """Hex digest of what the frames are called and of the size and time of their files: any write changes it.

        Contents are not read. DatasetError: a file has gone.
        """
        digest = hashlib.sha256(f"{self.name} {self.split} {self.label_kind.value}\n".encode())
        for frame in self._frames:
            digest.update(f"{frame.name} {' '.join(map(state_of, frame.files))}\n".encode())
        return digest.hexdigest()

    def relabelled(self, label_map: LabelMap) -> DatasetSource:
        """The same files with their labels read by another map."""
        reading = replace(self._reading, label_map=label_map)
        return DatasetSource(self.name, self.split, self.root, self._frames, reading, self.missing)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        """Decode one frame. IndexError outside; DatasetError for what is wrong with its files."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a data set of {len(self)} frames")
        paths = self._frames[index]
        image, label = read_rgb(paths.image), read_label(paths.label)
        if label.shape != image.shape[:2]:
            raise DatasetError(
                f"{paths.label}: expected a label of {image.shape[0]} x {image.shape[1]} (height x width) as its "
                f"picture {paths.image.name}, found {label.shape[0]} x {label.shape[1]}"
            )
        if paths.overlay is not None and self._reading.overlay is not None:
            image = self._reading.overlay(image, paths.overlay)
        class_ids = self._reading.label_map(label, paths.label)
        return Frame(paths.name, image, class_ids, info={"dataset": self.name, "split": self.split, **paths.info})

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))
