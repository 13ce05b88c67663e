"""A labelled frame, and the interface by which training and evaluation are given frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ros_anomaly.choice import Choice


@dataclass(frozen=True)
class Frame:
    """One camera frame with its ground truth.

    Attributes:
        name: unique within its source, usable as a file name.
        image: uint8 [H, W, 3] RGB.
        class_ids: uint8 [H, W]; ids of ``data.labels`` (13 anomaly, 254 in-distribution of no known class, 255 void).
        instance_ids: uint16 [H, W], 0 where there is no instance; None if unknown.
        depth_m: float32 [H, W], distance along the optical axis; None if unknown.
        info: what else is known (weather, town, objects by instance id); JSON-serialisable.
    """

    name: str
    image: np.ndarray
    class_ids: np.ndarray
    instance_ids: np.ndarray | None = None
    depth_m: np.ndarray | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


class LabelKind(Choice):
    """What the labels of a source know."""

    CLASS_IDS = "class-ids"
    """Classes of ``data.labels``: segmentation and anomalies can be measured."""
    ANOMALY_MASK = "anomaly-mask"
    """Only in-distribution (254), anomaly (13) or void (255): there is no mIoU to measure."""


class FrameSource(Protocol):
    """A finite, ordered, deterministic set of frames that may be iterated more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Frame]: ...


class FrameArrays(Protocol):
    """Random access to images uint8 [H, W, 3] and class ids uint8 [H, W], which may be read-only."""

    def __len__(self) -> int: ...

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]: ...


class SomeFrames:
    """Some of the frames of a source, in the order of ``indices``."""

    def __init__(self, frames: FrameArrays, indices: Sequence[int]) -> None:
        self._frames, self._indices = frames, tuple(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """As the source's. IndexError outside."""
        return self._frames.arrays(self._indices[index])
