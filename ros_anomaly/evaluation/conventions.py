"""Conventions of the road anomaly benchmarks, applied to score maps with labels 0 normal, 1 anomalous, 255 void."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.components import ComponentFigures, ComponentMetrics
from ros_anomaly.evaluation.metrics import PixelRanking, RankingFigures, best_f1

ScoredFrame = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Convention:
    """Component sizes in pixels below which predicted and true components do not count; None: pixel figures only."""

    name: str
    min_predicted_px: int | None = None
    min_true_px: int | None = None


CONVENTIONS: dict[str, Convention] = {
    c.name: c
    for c in (
        Convention("smiyc-anomaly", 500, 100),
        Convention("smiyc-obstacle", 50, 10),
        Convention("fishyscapes"),
    )
}


@dataclass(frozen=True)
class Measurement:
    """``best_f1`` and ``threshold`` over pixels; ``components`` at that threshold, None where there are none."""

    ranking: RankingFigures
    best_f1: float | None
    threshold: float | None
    components: ComponentFigures | None
    frames: int
    pixels: int


def measure(frames: Callable[[], Iterable[ScoredFrame]], convention: Convention) -> Measurement:
    """Measure score maps; ``frames()`` gives (score floating [H, W], labels uint8 [H, W]) and is iterated twice.

    The reference code of SegmentMeIfYouCan cuts strictly above the score of the best F1, by which a perfect binary
    map loses every component. Here the threshold lies just below that score, so that the cut is the set of the best
    F1; on continuous scores the two differ by the pixels of one score value.

    Raises:
        ValueError: no frames, labels other than 0, 1, 255, shapes that differ, scores that are not finite.
    """
    ranking, count = PixelRanking(), 0
    for score, labels in frames():
        if unknown := sorted(set(np.unique(labels).tolist()) - {0, 1, 255}):
            raise ValueError(f"labels of frame {count}: expected 0, 1 or 255, found {unknown[0]}")
        ranking.add(score, labels == 1, labels != 255)
        count += 1
    if count == 0:
        raise ValueError("frames: expected at least one, found none")
    figures, best = ranking.figures(), best_f1(ranking.anomalous, ranking.normal)
    components = None
    if best is not None and convention.min_predicted_px is not None and convention.min_true_px is not None:
        accumulator = ComponentMetrics(convention.min_predicted_px, convention.min_true_px)
        for score, labels in frames():
            # In float32: half-precision scores would round the threshold up to the score it lies just below.
            accumulator.add(np.asarray(score, np.float32) > np.float32(best[1]), labels)
        components = accumulator.figures()
    return Measurement(
        ranking=figures,
        best_f1=None if best is None else best[0],
        threshold=None if best is None else best[1],
        components=components,
        frames=count,
        pixels=figures.anomalous_px + figures.normal_px,
    )
