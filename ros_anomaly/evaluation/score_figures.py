"""All figures of one anomaly score over a street protocol, streamed frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from ros_anomaly.evaluation.bootstrap import Bins, FrameBootstrap
from ros_anomaly.evaluation.metrics import KEY_BITS, RankingFigures, ScoreCounts, ranking_figures, score_keys
from ros_anomaly.evaluation.strata import DISTANCE_NAMES, NUM_STRATA, VOID, anomalous_strata, normal_strata

FrameBins = dict[int, Bins]
"""Bins of one frame by stratum; strata without a pixel are missing."""


@dataclass(frozen=True)
class ScoreReport:
    """Figures of one score; intervals are 95 % bootstrap intervals of AP over frames.

    ``by_distance`` ranks the anomalous pixels of one distance band against all normal pixels.
    """

    full: RankingFigures
    full_ap_ci: tuple[float, float] | None
    road: RankingFigures
    road_ap_ci: tuple[float, float] | None
    by_distance: dict[str, RankingFigures]


class ScoreFigures:
    """Accumulates one score."""

    def __init__(self) -> None:
        self._counts = [ScoreCounts() for _ in range(NUM_STRATA)]
        self._bootstrap = {False: FrameBootstrap(), True: FrameBootstrap()}

    def add(self, score: np.ndarray, strata: np.ndarray) -> FrameBins:
        """Count one frame, floating [H, W] scores and uint8 [H, W] strata; returns its bins by stratum."""
        bins = bins_by_stratum(score, strata)
        for stratum, (keys, counts) in bins.items():
            self._counts[stratum].add_bins(keys, counts)
        for road_only, bootstrap in self._bootstrap.items():
            bootstrap.add_frame(
                (bins[s] for s in anomalous_strata(road_only) if s in bins),
                (bins[s] for s in normal_strata(road_only) if s in bins),
            )
        return bins

    def report(self) -> ScoreReport:
        """Over everything added so far."""
        full, road = self._figures(road_only=False), self._figures(road_only=True)
        normal = self._sum(normal_strata(False))
        bands = {name: self._sum(anomalous_strata(False, band)) for band, name in enumerate(DISTANCE_NAMES)}
        return ScoreReport(
            full=full,
            full_ap_ci=self._bootstrap[False].ap_interval(full.ap),
            road=road,
            road_ap_ci=self._bootstrap[True].ap_interval(road.ap),
            by_distance={name: ranking_figures(band, normal) for name, band in bands.items() if band.total()},
        )

    def _figures(self, road_only: bool) -> RankingFigures:
        return ranking_figures(self._sum(anomalous_strata(road_only)), self._sum(normal_strata(road_only)))

    def _sum(self, strata: tuple[int, ...]) -> ScoreCounts:
        return reduce(add, (self._counts[s] for s in strata))


def bins_by_stratum(score: np.ndarray, strata: np.ndarray) -> FrameBins:
    """Count the score bins of every stratum; one sort for all, as the stratum is put above the bits of the bin."""
    if score.shape != strata.shape:
        raise ValueError(f"expected score and labels of one shape, found {score.shape} and {strata.shape}")
    codes = score_keys(score) | (strata.astype(np.uint32) << np.uint32(KEY_BITS))
    codes, counts = np.unique(codes[strata != VOID], return_counts=True)
    edges = np.searchsorted(codes, np.arange(NUM_STRATA + 1, dtype=np.uint32) << np.uint32(KEY_BITS))
    keys = codes & np.uint32((1 << KEY_BITS) - 1)
    spans = [slice(edges[s], edges[s + 1]) for s in range(NUM_STRATA)]
    return {s: (keys[span], counts[span]) for s, span in enumerate(spans) if span.stop > span.start}


def frame_figures(bins: FrameBins) -> RankingFigures:
    """Figures of a single frame, on the full image."""
    populations = []
    for strata in (anomalous_strata(road_only=False), normal_strata(road_only=False)):
        counts = ScoreCounts()
        for stratum in strata:
            if stratum in bins:
                counts.add_bins(*bins[stratum])
        populations.append(counts)
    return ranking_figures(*populations)
