"""Percentile bootstrap over frames: how far AP would move had other frames been drawn.

Of every frame a thinned ranking is kept: pixels whose rank from the top, within their own class and frame, differs by
less than a thirty-second share one score. That follows the scores wherever they crowd. AP of such rankings is off by a
few thousandths, but its spread, which is all that is taken, is not; the interval is laid about the exact AP, or about
the exact difference of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.score_keys import Bins, sum_runs

_STEPS = 32.0
"""Steps of rank in a factor of e."""

_MOST_UNITS = 768
"""Units that are drawn from; 10 kB each at most. The street protocols have fewer frames."""


@dataclass(frozen=True, eq=False)
class ApReplicas:
    """AP of thinned rankings in draws of frames.

    Two scores over the same frames are drawn alike (same seed, same number of frames), so that their replicas pair up:
    what makes a draw of frames hard for both cancels in the difference.

    Attributes:
        values: float64 [draws]; NaN for a draw without an anomalous pixel.
        centre: of the frames as they are.
    """

    values: np.ndarray
    centre: float

    def interval(self, ap: float | None, confidence: float = 0.95) -> tuple[float, float] | None:
        """Interval about the exact ``ap``, within 0 to 1."""
        if ap is None:
            return None
        low, high = _spread(self.values - self.centre, confidence)
        return float(np.clip(ap + low, 0.0, 1.0)), float(np.clip(ap + high, 0.0, 1.0))

    def interval_of_gain(self, other: ApReplicas, gain: float, confidence: float = 0.95) -> tuple[float, float]:
        """Interval about the exact ``gain``, how much higher this AP is than that of ``other``.

        ValueError for replicas of other draws.
        """
        if self.values.shape != other.values.shape:
            raise ValueError(
                f"replicas: expected as many draws of both scores, found {len(self.values)} and {len(other.values)}"
            )
        low, high = _spread((self.values - self.centre) - (other.values - other.centre), confidence)
        return gain + low, gain + high


def _spread(deviations: np.ndarray, confidence: float) -> tuple[float, float]:
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(deviations, [tail, 1.0 - tail])
    return float(low), float(high)


class FrameBootstrap:
    """Keeps for either class at most 32 · ln(pixels) scores a unit, some 5 kB.

    A unit is a frame. With more than ``_MOST_UNITS`` of them neighbours are joined by twos, fours, … and drawn
    together: memory stays bounded, and the interval tells of fewer, larger and more independent units.
    """

    def __init__(self) -> None:
        self._anomalous: list[Bins] = []
        self._normal: list[Bins] = []
        self._frames_a_unit = 1
        self._frames = 0

    def add_frame(self, anomalous: Iterable[Bins], normal: Iterable[Bins]) -> None:
        """Bins of one frame, in any number of parts, each (ascending keys uint32, counts) as ``ScoreCounts.bins``."""
        goes_on = self._frames % self._frames_a_unit != 0
        for units, parts in ((self._anomalous, anomalous), (self._normal, normal)):
            own = _thinned([units.pop(), *parts] if goes_on else parts)
            units.append(own)
        self._frames += 1
        if len(self._normal) > _MOST_UNITS and self._frames % self._frames_a_unit == 0:
            self._anomalous, self._normal = _by_twos(self._anomalous), _by_twos(self._normal)
            self._frames_a_unit *= 2

    def replicas(self, resamples: int = 300, seed: int = 0) -> ApReplicas | None:
        """AP of draws with replacement; None without anomalous pixels or with fewer than two frames."""
        units = len(self._normal)
        if units < 2:
            return None
        positive, negative = self._table()
        if positive.sum() == 0:
            return None
        draws = np.random.default_rng(seed).multinomial(units, np.full(units, 1.0 / units), size=resamples)
        true, false = np.cumsum(draws @ positive, axis=1), np.cumsum(draws @ negative, axis=1)
        some = true[:, -1] > 0
        values = np.full(resamples, np.nan)
        values[some] = _average_precision(true[some], false[some])
        centre = _average_precision(np.cumsum(positive.sum(0))[None], np.cumsum(negative.sum(0))[None])[0]
        return ApReplicas(values, float(centre))

    def state(self) -> dict[str, np.ndarray]:
        """Everything added, as arrays that ``from_state`` takes."""
        every = [bins for pair in zip(self._anomalous, self._normal, strict=True) for bins in pair]
        return {
            "lengths": np.array([len(keys) for keys, _ in every], np.int64),
            "keys": np.concatenate([np.zeros(0, np.uint32), *(keys for keys, _ in every)]),
            "counts": np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in every)]),
            "frames": np.array([self._frames, self._frames_a_unit], np.int64),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> FrameBootstrap:
        """What ``state`` gave. KeyError if an array is missing."""
        bootstrap = cls()
        ends = np.cumsum(state["lengths"])[:-1]
        parts = [np.split(state[name], ends) if len(state["lengths"]) else [] for name in ("keys", "counts")]
        every = list(zip(*parts, strict=True))
        bootstrap._anomalous, bootstrap._normal = every[::2], every[1::2]
        bootstrap._frames, bootstrap._frames_a_unit = (int(number) for number in state["frames"])
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


def _by_twos(units: list[Bins]) -> list[Bins]:
    """Every two neighbours as one; the last stays alone where their number is odd."""
    return [_thinned(units[i : i + 2]) for i in range(0, len(units), 2)]


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
