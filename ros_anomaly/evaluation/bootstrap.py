"""Percentile bootstrap over frames: how far AP would move had other frames been drawn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ros_anomaly.evaluation.metrics import sum_runs

Bins = tuple[np.ndarray, np.ndarray]

# 2^8 bins an octave: AP of these bins is off by about 1e-3, but its spread, which is all that is taken, is not.
_COARSE_BITS = 10


class FrameBootstrap:
    """Keeps coarse, sparse counts of every frame: some 10 kB each."""

    def __init__(self) -> None:
        self._keys: list[np.ndarray] = []
        self._positive: list[np.ndarray] = []
        self._negative: list[np.ndarray] = []

    def add_frame(self, anomalous: Iterable[Bins], normal: Iterable[Bins]) -> None:
        """Bins of one frame, in any number of parts, each (ascending keys uint32, counts) as ``ScoreCounts.bins``."""
        positive, negative = [_coarse(*bins) for bins in anomalous], [_coarse(*bins) for bins in normal]
        every = np.unique(np.concatenate([np.zeros(0, np.uint32), *(keys for keys, _ in positive + negative)]))
        self._keys.append(every)
        for parts, columns in ((positive, self._positive), (negative, self._negative)):
            column = np.zeros(len(every))
            for keys, counts in parts:
                column[np.searchsorted(every, keys)] += counts
            columns.append(column)

    def ap_interval(
        self, ap: float | None, confidence: float = 0.95, resamples: int = 300, seed: int = 0
    ) -> tuple[float, float] | None:
        """Interval about ``ap``; None without anomalous pixels or with fewer than two frames.

        Frames are drawn with replacement; draws without an anomalous pixel are left out.
        """
        frames = len(self._keys)
        if ap is None or frames < 2:
            return None
        positive, negative = self._table()
        draws = np.random.default_rng(seed).multinomial(frames, np.full(frames, 1.0 / frames), size=resamples)
        true, false = np.cumsum(draws @ positive, axis=1), np.cumsum(draws @ negative, axis=1)
        some = true[:, -1] > 0
        if not some.any():
            return None
        replicas = _average_precision(true[some], false[some])
        centre = _average_precision(np.cumsum(positive.sum(0))[None], np.cumsum(negative.sum(0))[None])[0]
        tail = (1.0 - confidence) / 2.0
        low, high = np.quantile(replicas, [tail, 1.0 - tail]) - centre + ap
        return float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0))

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """(anomalous, normal) float64 [frames, bins], highest score first."""
        every = np.unique(np.concatenate(self._keys))
        positive = np.zeros((len(self._keys), len(every)))
        negative = np.zeros_like(positive)
        for i, keys in enumerate(self._keys):
            columns = len(every) - 1 - np.searchsorted(every, keys)
            positive[i, columns], negative[i, columns] = self._positive[i], self._negative[i]
        return positive, negative


def _coarse(keys: np.ndarray, counts: np.ndarray) -> Bins:
    return sum_runs(keys >> np.uint32(_COARSE_BITS), counts)


def _average_precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """AP [draws] of cumulated counts [draws, bins]."""
    gained = np.diff(true, axis=1, prepend=0.0)
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    return (gained * precision).sum(1) / true[:, -1]
