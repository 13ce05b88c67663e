"""Where negatives come from, as pasting sees it, and the choice among stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.limits import check_share


class NegativeSource(Protocol):
    """Gives cut-outs of objects of no inlier class."""

    def draw(self, rng: np.random.Generator) -> Cutout:
        """One of them, a function of the state of ``rng`` alone."""
        ...


class Cutouts(Protocol):
    """Cut-outs by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Cutout: ...


class AnyCutout:
    """Draws from numbered cut-outs, each as likely as another.

    Args:
        cutouts: at least one.
        indices: those that may be drawn; None for all.

    Raises:
        ValueError: none to draw from.
    """

    def __init__(self, cutouts: Cutouts, indices: Sequence[int] | None = None) -> None:
        self._cutouts = cutouts
        self._indices = range(len(cutouts)) if indices is None else tuple(indices)
        if not self._indices:
            raise ValueError("negatives: expected at least one cut-out, found none")

    def __len__(self) -> int:
        return len(self._indices)

    def draw(self, rng: np.random.Generator) -> Cutout:
        """A cut-out of the store."""
        return self._cutouts[self._indices[int(rng.integers(len(self._indices)))]]


class EitherSource:
    """Draws from ``first`` with the probability ``share``, else from ``second``."""

    def __init__(self, first: NegativeSource, second: NegativeSource, share: float) -> None:
        check_share("negatives share", share, "probability")
        self._first, self._second, self._share = first, second, share

    def draw(self, rng: np.random.Generator) -> Cutout:
        """A cut-out of one of the two."""
        return (self._first if rng.random() < self._share else self._second).draw(rng)
