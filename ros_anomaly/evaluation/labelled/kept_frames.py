"""The few frames of a run that are worth looking at, kept with a picture each while the frames stream by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ros_anomaly.evaluation.labelled.checkpoint import State, text_array, text_of


@dataclass(frozen=True)
class KeptFrame:
    """A frame that ranked among the lowest.

    Attributes:
        name: of the frame.
        number: from 0, in the order of the source.
        rank: what it was kept for; lower is kept first.
        facts: what a caption may say of it, JSON-serialisable.
        jpeg: its picture.
    """

    name: str
    number: int
    rank: float
    facts: Mapping[str, Any]
    jpeg: bytes

    def plain(self) -> dict[str, Any]:
        """All but the picture."""
        return {name: value for name, value in asdict(self).items() if name != "jpeg"}


class KeptFrames:
    """The ``most`` frames of the lowest rank; of equals the earlier ones."""

    def __init__(self, most: int) -> None:
        if most < 0:
            raise ValueError(f"kept frames: expected at least 0, found {most}")
        self._most = most
        self._kept: list[KeptFrame] = []

    def offer(self, name: str, number: int, rank: float, facts: Mapping[str, Any], draw: Callable[[], bytes]) -> None:
        """Keep the frame if it ranks low enough; only then is its picture drawn (JPEG)."""
        if self._most == 0 or (len(self._kept) == self._most and rank >= self._kept[-1].rank):
            return
        self._kept.append(KeptFrame(name, number, rank, facts, draw()))
        self._kept.sort(key=lambda frame: (frame.rank, frame.number))
        del self._kept[self._most :]

    def frames(self) -> tuple[KeptFrame, ...]:
        """Lowest rank first."""
        return tuple(self._kept)

    def state(self) -> State:
        """Arrays that ``from_state`` takes."""
        arrays = {f"jpeg_{i}": np.frombuffer(frame.jpeg, np.uint8) for i, frame in enumerate(self._kept)}
        return {"frames": text_array([frame.plain() for frame in self._kept]), **arrays}

    @classmethod
    def from_state(cls, most: int, state: State) -> KeptFrames:
        """Go on where ``state`` was taken."""
        kept = cls(most)
        for i, plain in enumerate(text_of(state["frames"])):
            kept._kept.append(KeptFrame(**plain, jpeg=state[f"jpeg_{i}"].tobytes()))
        return kept
