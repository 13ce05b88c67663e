"""Conventions of the road anomaly benchmarks, applied to score maps with labels 0 normal, 1 anomalous, 255 void.

| name | pixels | FPR95 at | components, smallest predicted and true |
|---|---|---|---|
| smiyc-anomaly | pooled, void dropped | first recall ≥ 0.95 | 500 px, 100 px |
| smiyc-obstacle | pooled, void dropped | first recall ≥ 0.95 | 50 px, 10 px |
| fishyscapes | pooled, void dropped | first recall ≥ 0.95 | none |
| caos | each image by itself, then the mean; void counts as normal | recall nearest to 0.95 | none |

In all of them AP = Σ ΔRecall · Precision and equal scores are one step. What is undefined is None: everything without
an anomalous pixel, AUROC and FPR95 without a normal one (caos leaves out images that lack either). caos has no best F1,
as its figures are means over images.

The reference code of SegmentMeIfYouCan bins the scores of each frame (float16, 384 + 384 quantiles), so that its
figures agree with the exact ones, given here, to about 5e-4. It cuts strictly above the score of the best F1, by which
a perfect binary map loses every component. Here the threshold lies just below that score, so that the cut *is* the set
of the best F1; on continuous scores the two differ by the pixels of one score value.

Component figures need the threshold, and that needs all frames: they take a second pass over the score maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.components import VOID, ComponentFigures, ComponentMetrics
from ros_anomaly.evaluation.metrics import PixelRanking, RankingFigures, best_f1
from ros_anomaly.evaluation.per_image import PerImageRanking

ScoredFrame = tuple[np.ndarray, np.ndarray]
"""Scores floating [H, W] and labels uint8 [H, W]."""


@dataclass(frozen=True)
class Convention:
    """Component sizes in pixels below which predicted and true components do not count; None: pixel figures only.

    ``per_image``: figures are means over images and nothing is void.
    """

    name: str
    min_predicted_px: int | None = None
    min_true_px: int | None = None
    per_image: bool = False

    def __post_init__(self) -> None:
        sizes = self.min_predicted_px, self.min_true_px
        if (sizes[0] is None) != (sizes[1] is None):
            raise ValueError(f"{self.name}: expected both component sizes or neither, found {sizes[0]} and {sizes[1]}")
        if self.per_image and sizes[0] is not None:
            raise ValueError(f"{self.name}: expected no component sizes beside per_image, found {sizes[0]}")

    @property
    def needs_second_pass(self) -> bool:
        """Whether it has component figures."""
        return self.min_predicted_px is not None

    def accumulator(self) -> ConventionFigures:
        """Takes the frames of one run."""
        return ConventionFigures(self)


CONVENTIONS: dict[str, Convention] = {
    c.name: c
    for c in (
        Convention("smiyc-anomaly", 500, 100),
        Convention("smiyc-obstacle", 50, 10),
        Convention("fishyscapes"),
        Convention("caos", per_image=True),
    )
}


@dataclass(frozen=True)
class Measurement:
    """``best_f1`` and ``threshold`` over pixels; ``components`` at that threshold; None where there are none.

    ``pixels`` counts those that the figures are made of.
    """

    ranking: RankingFigures
    best_f1: float | None
    threshold: float | None
    components: ComponentFigures | None
    frames: int
    pixels: int


class ConventionFigures:
    """Accumulates frames by one convention."""

    def __init__(self, convention: Convention) -> None:
        self.convention = convention
        self.frames = 0
        self._ranking: PixelRanking | PerImageRanking = PerImageRanking() if convention.per_image else PixelRanking()

    def add(self, score: np.ndarray, labels: np.ndarray) -> None:
        """One frame. ValueError for labels other than 0, 1, 255, shapes that differ, scores that are not finite."""
        is_anomaly, is_void = labels == 1, labels == VOID
        unknown = ~(is_anomaly | is_void | (labels == 0))
        if unknown.any():
            raise ValueError(f"labels of frame {self.frames}: expected 0, 1 or 255, found {labels[unknown][0]}")
        try:
            if isinstance(self._ranking, PerImageRanking):
                self._ranking.add(score, is_anomaly)
            else:
                self._ranking.add(score, is_anomaly, ~is_void)
        except ValueError as error:
            raise ValueError(f"frame {self.frames}: {error}") from error
        self.frames += 1

    def threshold(self) -> tuple[float, float] | None:
        """(best F1, threshold); None for a mean over images, or without anomalous pixels."""
        if isinstance(self._ranking, PerImageRanking):
            return None
        return best_f1(self._ranking.anomalous, self._ranking.normal)

    def result(self, frames: Iterable[ScoredFrame] | None = None) -> Measurement:
        """Figures over everything added. ``frames`` are the same once more; without them there are no components.

        With them the best F1 is counted again, of the very set that is cut. ValueError if nothing was added.
        """
        if self.frames == 0:
            raise ValueError("frames: expected at least one, found none")
        ranking, best = self._ranking.figures(), self.threshold()
        f1, threshold = best if best is not None else (None, None)
        components = None
        if frames is not None and threshold is not None and self.convention.needs_second_pass:
            f1, components = self._cut(frames, threshold, ranking.anomalous_px)
        return Measurement(
            ranking=ranking,
            best_f1=f1,
            threshold=threshold,
            components=components,
            frames=self.frames,
            pixels=ranking.anomalous_px + ranking.normal_px,
        )

    def state(self) -> dict[str, np.ndarray]:
        """Everything added, as arrays that ``load`` takes."""
        return {"frames": np.array(self.frames), **self._ranking.state()}

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what ``state`` of the same convention gave. KeyError if an array is missing."""
        self._ranking = type(self._ranking).from_state(state)
        self.frames = int(state["frames"])

    def _cut(
        self, frames: Iterable[ScoredFrame], threshold: float, anomalous_px: int
    ) -> tuple[float, ComponentFigures]:
        """F1 and components of what scores above ``threshold``."""
        assert self.convention.min_predicted_px is not None and self.convention.min_true_px is not None
        accumulator = ComponentMetrics(self.convention.min_predicted_px, self.convention.min_true_px)
        hits = flagged = count = 0
        for score, labels in frames:
            # In float32: half-precision scores would round the threshold up to the score it lies just below.
            cut = (np.asarray(score).astype(np.float32) > np.float32(threshold)) & (labels != VOID)
            accumulator.add(cut, labels)
            hits += int(np.count_nonzero(cut & (labels == 1)))
            flagged += int(np.count_nonzero(cut))
            count += 1
        if count != self.frames:
            raise ValueError(f"second pass: expected the same {self.frames} frames again, found {count}")
        return 2.0 * hits / (flagged + anomalous_px), accumulator.figures()


def measure(frames: Callable[[], Iterable[ScoredFrame]], convention: Convention) -> Measurement:
    """Measure score maps; ``frames()`` gives them, and is called twice where there are component figures.

    Raises:
        ValueError: no frames, labels other than 0, 1, 255, shapes that differ, scores that are not finite.
    """
    figures = convention.accumulator()
    for score, labels in frames():
        figures.add(score, labels)
    return figures.result(frames() if convention.needs_second_pass else None)
