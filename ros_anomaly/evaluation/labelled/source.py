"""What is evaluated: labelled frames with a name and a fingerprint, so that unfinished work is known to be of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ros_anomaly.data.frames import Frame, LabelKind


class IndexedFrames(Protocol):
    """A ``FrameSource`` whose frames can be had by number, so that what a resumed run skips is never decoded."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Frame: ...


@dataclass(frozen=True)
class EvaluationSource:
    """Frames and what must be known of them.

    Attributes:
        name: of the street protocol or the dataset.
        split: which part of a dataset; empty for a street protocol.
        place: folder and split that the frames are taken from, all or some: datasets of one place share frames. Empty
            for a street protocol.
        frames: the frames.
        fingerprint: changes whenever the frames do.
        label_kind: whether the labels know classes.
    """

    name: str
    frames: IndexedFrames
    fingerprint: str
    label_kind: LabelKind
    split: str = ""
    place: str = ""

    @property
    def title(self) -> str:
        """Name and split, for people."""
        return f"{self.name} {self.split}".strip()

    def starting_at(self, number: int) -> Iterator[Frame]:
        """The frames from that number on, in order."""
        return (self.frames[i] for i in range(number, len(self.frames)))


class EvenlyChosen:
    """So many of the frames of another source, evenly spread over it. ValueError for more than it has."""

    def __init__(self, frames: IndexedFrames, count: int) -> None:
        if not 1 <= count <= len(frames):
            raise ValueError(f"frames: expected 1..{len(frames)}, found {count}")
        self._frames = frames
        self._indices = [i * len(frames) // count for i in range(count)]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int, /) -> Frame:
        return self._frames[self._indices[index]]
