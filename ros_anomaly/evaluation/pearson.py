"""Pearson correlation of two score maps over the pixels of many frames, streamed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


class PearsonSums:
    """Means, sums of squared deviations and the sum of their products, merged frame by frame.

    Deviations are taken from the running means (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances", 1979), so that nothing cancels however far the scores lie from 0.
    """

    def __init__(self) -> None:
        self._pixels = 0
        self._mean = np.zeros(2)
        self._square = np.zeros(2)
        self._product = 0.0

    def add(self, first: np.ndarray, second: np.ndarray) -> None:
        """Two floating arrays of one shape, pixel by pixel. ValueError for different shapes."""
        if first.shape != second.shape:
            raise ValueError(f"expected two scores of one shape, found {first.shape} and {second.shape}")
        both = np.stack([first.reshape(-1), second.reshape(-1)]).astype(np.float64)
        pixels = both.shape[1]
        if pixels == 0:
            return
        mean = both.mean(axis=1)
        both -= mean[:, None]
        shift = mean - self._mean
        total = self._pixels + pixels
        weight = self._pixels * pixels / total
        self._square += (both * both).sum(axis=1) + weight * shift * shift
        self._product += float(both[0] @ both[1]) + weight * float(shift[0] * shift[1])
        self._mean += shift * pixels / total
        self._pixels = total

    def correlation(self) -> float | None:
        """From -1 to 1; None with fewer than two pixels or where one of the scores is constant."""
        scale = math.sqrt(self._square[0]) * math.sqrt(self._square[1])
        if self._pixels < 2 or scale == 0.0:
            return None
        return max(-1.0, min(1.0, self._product / scale))

    def state(self) -> dict[str, np.ndarray]:
        """Everything summed, as arrays that ``from_state`` takes."""
        sums = np.array([*self._mean, *self._square, self._product])
        return {"sums": sums, "pixels": np.array(self._pixels, np.int64)}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> PearsonSums:
        """What ``state`` gave. KeyError if an array is missing."""
        pearson = cls()
        sums = np.array(state["sums"], np.float64)
        pearson._mean, pearson._square, pearson._product = sums[:2].copy(), sums[2:4].copy(), float(sums[4])
        pearson._pixels = int(state["pixels"])
        return pearson
