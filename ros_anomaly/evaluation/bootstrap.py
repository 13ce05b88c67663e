"""Percentile bootstrap over frames: how far AP would move had other frames been drawn.

Of every frame a thinned ranking is kept: pixels whose rank from the top, within their own class and frame, differs by
less than a thirty-second share one score. That follows the scores wherever they crowd. AP of such rankings is off by a
few thousandths, but its spread, which is all that is taken, is not; the interval is laid about the exact AP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ros_anomaly.evaluation.score_keys import Bins, sum_runs

_STEPS = 32.0
"""Steps of rank in a factor of e."""


class FrameBootstrap:
    """Keeps some 5 kB a frame: for either class at most 32 · ln(pixels) scores."""

    def __init__(self) -> None:
        self._anomalous: list[Bins] = []
        self._normal: list[Bins] = []

    def add_frame(self, anomalous: Iterable[Bins], normal: Iterable[Bins]) -> None:
        """Bins of one frame, in any number of parts, each (ascending keys uint32, counts) as ``ScoreCounts.bins``."""
        self._anomalous.append(_thinned(anomalous))
        self._normal.append(_thinned(normal))

    def ap_interval(
        self, ap: float | None, confidence: float = 0.95, resamples: int = 300, seed: int = 0
    ) -> tuple[float, float] | None:
        """Interval about ``ap``; None without anomalous pixels or with fewer than two frames.

        Frames are drawn with replacement; draws without an anomalous pixel are left out.
        """
        frames = len(self._normal)
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

    def state(self) -> dict[str, np.ndarray]:
        """Everything added, as arrays that ``from_state`` takes."""
        every = [bins for pair in zip(self._anomalous, self._normal, strict=True) for bins in pair]
        return {
            "lengths": np.array([len(keys) for keys, _ in every], np.int64),
            "keys": np.concatenate([np.zeros(0, np.uint32), *(keys for keys, _ in every)]),
            "counts": np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in every)]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> FrameBootstrap:
        """What ``state`` gave. KeyError if an array is missing."""
        bootstrap = cls()
        ends = np.cumsum(state["lengths"])[:-1]
        parts = [np.split(state[name], ends) if len(state["lengths"]) else [] for name in ("keys", "counts")]
        every = list(zip(*parts, strict=True))
        bootstrap._anomalous, bootstrap._normal = every[::2], every[1::2]
        return bootstrap

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """(anomalous, normal) float64 [frames, columns], highest score first; columns by the rank among all frames."""
        pooled = [_joined(part) for part in (self._anomalous, self._normal)]
        every = np.unique(np.concatenate([keys for keys, _ in pooled]))
        steps = np.zeros((2, len(every)), np.int64)
        for row, (keys, counts) in zip(steps, pooled, strict=True):
            column = np.zeros(len(every), np.int64)
            column[np.searchsorted(every, keys)] = counts
            row[:] = _steps(np.cumsum(column[::-1]))[::-1]
        # A column ends, seen from the top, where the rank of either class comes to its next step.
        changes = (steps[:, :-1] != steps[:, 1:]).any(axis=0)
        column_of = np.append(np.cumsum(changes[::-1])[::-1], 0)[-len(every) :]
        width = int(column_of.max(initial=0)) + 1
        tables = []
        for part in (self._anomalous, self._normal):
            table = np.zeros((len(part), width))
            for frame, (keys, counts) in zip(table, part, strict=True):
                np.add.at(frame, column_of[np.searchsorted(every, keys)], counts)
            tables.append(table)
        return tables[0], tables[1]


def _joined(parts: Iterable[Bins]) -> Bins:
    parts = list(parts)
    keys = np.concatenate([np.zeros(0, np.uint32), *(keys for keys, _ in parts)])
    counts = np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in parts)])
    order = np.argsort(keys, kind="stable")
    return sum_runs(keys[order], counts[order])


def _thinned(parts: Iterable[Bins]) -> Bins:
    """Runs of about equal rank from the top, each at the score in its middle."""
    keys, counts = _joined(parts)
    if len(keys) == 0:
        return keys, counts
    steps = _steps(np.cumsum(counts[::-1]))[::-1]
    starts = np.flatnonzero(np.concatenate([[True], steps[1:] != steps[:-1]]))
    ends = np.append(starts[1:], len(keys))
    return keys[(starts + ends - 1) // 2], np.add.reduceat(counts, starts)


def _steps(above: np.ndarray) -> np.ndarray:
    """Number of the step of rank, int64; nothing above is a step of its own."""
    return np.floor(_STEPS * np.log(np.maximum(above, 0.5))).astype(np.int64)


def _average_precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """AP [draws] of cumulated counts [draws, bins]."""
    gained = np.diff(true, axis=1, prepend=0.0)
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    return (gained * precision).sum(1) / true[:, -1]
