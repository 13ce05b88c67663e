"""All figures of one anomaly score over the frames of a source, streamed frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from ros_anomaly.evaluation.bootstrap import FrameBootstrap
from ros_anomaly.evaluation.conventions import Measurement
from ros_anomaly.evaluation.labelled.checkpoint import State, prefixed, text_array, text_of, without_prefix
from ros_anomaly.evaluation.metrics import (
    RankingFigures,
    ScoreCounts,
    best_f1,
    key_scores,
    ranking_figures,
    score_bins,
)
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.strata import (
    DISTANCE_NAMES,
    NUM_STRATA,
    SIZE_NAMES,
    UNKNOWN_DISTANCE,
    VOID,
    anomalous_strata,
    normal_strata,
)

FrameBins = dict[int, tuple[np.ndarray, np.ndarray]]
"""Bins of one frame by stratum; strata without a pixel are missing."""

_TAIL = 1e-3
_POPULATIONS = (anomalous_strata(False), normal_strata(False))
_EXACT_NORMAL_SCORES = 1 << 18
"""Fewer than a single count would keep, as there are many here. The bound on the error asks for exact scores of
anomalous pixels alone (``metrics``)."""


@dataclass(frozen=True)
class ScoreReport:
    """Figures of one score; intervals are 95 % bootstrap intervals of AP over frames.

    Attributes:
        full, full_ap_ci: over all pixels.
        road, road_ap_ci: over the road region; None in sources that do not know it.
        best_f1, threshold: over all pixels; strictly greater scores are the set that reaches it.
        by_distance, by_size: anomalous pixels of one band against all normal pixels.
        by_weather: frames of one weather among themselves.
        curve: thinned operating points over all pixels.
        by_convention: by the definitions of a benchmark; None on a street protocol, which has its own.
        per_image: whether these are means over frames and not of pooled pixels.
    """

    full: RankingFigures
    full_ap_ci: tuple[float, float] | None
    road: RankingFigures | None
    road_ap_ci: tuple[float, float] | None
    best_f1: float | None
    threshold: float | None
    by_distance: dict[str, RankingFigures]
    by_size: dict[str, RankingFigures]
    by_weather: dict[str, RankingFigures]
    curve: Curve | None
    by_convention: Measurement | None = None
    per_image: bool = False

    @property
    def headline(self) -> RankingFigures:
        """What the score is reported with: by convention where there is one, else over all pixels."""
        return self.full if self.by_convention is None else self.by_convention.ranking

    @property
    def headline_ap_ci(self) -> tuple[float, float] | None:
        """The interval of the headline's AP; None for a mean over frames, of which it is not."""
        return None if self.per_image else self.full_ap_ci


class ScoreFigures:
    """Accumulates one score."""

    def __init__(self) -> None:
        self._strata: dict[int, ScoreCounts] = {}
        self._weathers: dict[str, tuple[ScoreCounts, ScoreCounts]] = {}  # anomalous, normal
        self._bootstrap = {False: FrameBootstrap(), True: FrameBootstrap()}

    def add(self, score: np.ndarray, strata: np.ndarray, weather: str = "") -> FrameBins:
        """Count one frame, floating [H, W] scores and uint8 [H, W] strata; returns its bins by stratum.

        ``weather`` names what the frames of one table row have in common; empty where nothing is known.
        """
        bins = bins_by_stratum(score, strata)
        for stratum, own in bins.items():
            if stratum not in self._strata:
                self._strata[stratum] = _normal_counts() if stratum in _POPULATIONS[1] else ScoreCounts()
            _add(self._strata[stratum], own)
        for road_only, bootstrap in self._bootstrap.items():
            bootstrap.add_frame(
                (bins[s] for s in anomalous_strata(road_only) if s in bins),
                (bins[s] for s in normal_strata(road_only) if s in bins),
            )
        if weather:
            if weather not in self._weathers:
                self._weathers[weather] = (ScoreCounts(), _normal_counts())
            for population, total in zip(_POPULATIONS, self._weathers[weather], strict=True):
                for stratum in population:
                    if stratum in bins:
                        _add(total, bins[stratum])
        return bins

    def report(self, name: str, with_road: bool = True) -> ScoreReport:
        """Over everything added so far; ``name`` is the curve's."""
        anomalous, normal = (self._sum(population) for population in _POPULATIONS)
        full, best = ranking_figures(anomalous, normal), best_f1(anomalous, normal)
        road = None
        if with_road:
            road = ranking_figures(self._sum(anomalous_strata(True)), self._sum(normal_strata(True)))
        distances = {one: self._sum(anomalous_strata(False, distance=i)) for i, one in enumerate(DISTANCE_NAMES)}
        sizes = {one: self._sum(anomalous_strata(False, size=i)) for i, one in enumerate(SIZE_NAMES)}
        return ScoreReport(
            full=full,
            full_ap_ci=self._bootstrap[False].ap_interval(full.ap),
            road=road,
            road_ap_ci=self._bootstrap[True].ap_interval(road.ap) if road else None,
            best_f1=best[0] if best else None,
            threshold=best[1] if best else None,
            by_distance=_against(normal, distances),
            by_size=_against(normal, sizes),
            by_weather={weather: ranking_figures(*own) for weather, own in sorted(self._weathers.items())},
            curve=Curve.of(name, anomalous, normal),
        )

    def state(self) -> State:
        """Arrays that ``from_state`` takes."""
        state: State = {"weathers": text_array(list(self._weathers))}
        for stratum, counts in self._strata.items():
            state |= prefixed(f"stratum_{stratum}", counts.state())
        for i, pair in enumerate(self._weathers.values()):
            for j, counts in enumerate(pair):
                state |= prefixed(f"weather_{i}_{j}", counts.state())
        for road_only, bootstrap in self._bootstrap.items():
            state |= prefixed(f"bootstrap_{int(road_only)}", bootstrap.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> ScoreFigures:
        """Go on where ``state`` was taken: the figures will be those of a run without a break."""
        figures = cls()
        for stratum in range(NUM_STRATA):
            if own := without_prefix(f"stratum_{stratum}", state):
                figures._strata[stratum] = ScoreCounts.from_state(own)
        for i, weather in enumerate(text_of(state["weathers"])):
            anomalous, normal = (ScoreCounts.from_state(without_prefix(f"weather_{i}_{j}", state)) for j in (0, 1))
            figures._weathers[weather] = (anomalous, normal)
        for road_only in figures._bootstrap:
            own = without_prefix(f"bootstrap_{int(road_only)}", state)
            figures._bootstrap[road_only] = FrameBootstrap.from_state(own)
        return figures

    def _sum(self, strata: Iterable[int]) -> ScoreCounts:
        return reduce(add, (self._strata[s] for s in strata if s in self._strata), ScoreCounts())


def _normal_counts() -> ScoreCounts:
    return ScoreCounts(_EXACT_NORMAL_SCORES)


def _add(counts: ScoreCounts, bins: tuple[np.ndarray, np.ndarray]) -> None:
    counts.add_bins(*bins)
    counts.total()  # settles them at once: what many counts let wait would take ten times the memory of what they hold


def bins_by_stratum(score: np.ndarray, strata: np.ndarray) -> FrameBins:
    """Count the scores of every stratum of a frame. ValueError for another shape or scores that are not finite."""
    if score.shape != strata.shape:
        raise ValueError(f"expected score and labels of one shape, found {score.shape} and {strata.shape}")
    occupied = np.flatnonzero(np.bincount(strata.ravel(), minlength=NUM_STRATA))
    return {int(s): score_bins(score[strata == s]) for s in occupied if s != VOID}


def frame_figures(bins: FrameBins) -> RankingFigures:
    """Figures of a single frame, on the full image."""
    return ranking_figures(*(_count(bins, population) for population in _POPULATIONS))


def normal_tail(bins: FrameBins) -> float | None:
    """What one in a thousand normal pixels of a frame scores or more; None without normal pixels."""
    keys, counts = _count(bins, normal_strata(False)).bins()
    if len(keys) == 0:
        return None
    above = np.cumsum(counts[::-1])
    first = int(np.argmax(above >= _TAIL * above[-1]))
    return float(key_scores(keys[len(keys) - 1 - first : len(keys) - first])[0])


def _count(bins: FrameBins, strata: Iterable[int]) -> ScoreCounts:
    counts = ScoreCounts()
    for stratum in strata:
        if stratum in bins:
            counts.add_bins(*bins[stratum])
    return counts


def _against(normal: ScoreCounts, bands: dict[str, ScoreCounts]) -> dict[str, RankingFigures]:
    """Figures of the bands that have anomalous pixels; nothing where they tell nothing apart."""
    found = {name: ranking_figures(band, normal) for name, band in bands.items() if band.total()}
    return {} if set(found) == {UNKNOWN_DISTANCE} else found
