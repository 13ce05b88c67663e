"""Scores by name, and several of them from one pass over the masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.scores import formulas
from ros_anomaly.scores.aggregation import PixelSums, check_shapes, has_outlier_class, pixel_sums
from ros_anomaly.scores.gpu import SUMS_OF_TWO, gpu_score, triton_is_installed
from ros_anomaly.scores.names import FITTED_SCORE_NAMES, OUTLIER_SCORE_NAMES, check_score_name
from ros_anomaly.scores.statistics import ClassStatistics, ScoreStatistics
from ros_anomaly.scores.tiled import ROUNDING_EPSILON, check_epsilon, tiled_maps


@dataclass(frozen=True)
class Score:
    """A named score.

    Attributes:
        formula: ``PixelSums`` → float32 [.., h, w], higher is more anomalous; its docstring names the source.
        needs_outlier_class: whether it is defined for K+2 heads only.
        fitted_classes: K of the statistics that went into the formula; None where none did.
        sensitivity: by how much it moves at most for each unit of Σ_k |ΔL_k| + |ΔO|, or of |ΔO| + |ΔM|, which
            ``scores.tiled`` holds to a bound; infinite where there is no such number.
    """

    name: str
    formula: Callable[[PixelSums], Tensor]
    needs_outlier_class: bool = False
    fitted_classes: int | None = None
    sensitivity: float = 1.0

    def check_head(self, class_logits: Tensor, num_classes: int = NUM_INLIER_CLASSES) -> None:
        """ValueError if a head that gives ``class_logits`` [.., N, C] cannot give this score."""
        if self.fitted_classes not in (None, num_classes):
            raise ValueError(
                f"score {self.name!r}: expected statistics of K = {num_classes} classes, found {self.fitted_classes}"
            )
        if self.needs_outlier_class and not has_outlier_class(class_logits, num_classes):
            raise ValueError(
                f"score {self.name!r}: expected a K+2 head ({num_classes + 2} class logits a query), "
                f"found {class_logits.shape[-1]}"
            )

    def __call__(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        num_classes: int = NUM_INLIER_CLASSES,
        image_size: tuple[int, int] | None = None,
    ) -> Tensor:
        """float32 [.., h, w] from class logits [.., N, K+2] and mask logits [.., N, h, w]; see ``pixel_sums``."""
        self.check_head(class_logits, num_classes)
        return self.formula(pixel_sums(class_logits, mask_logits, num_classes, image_size))


_FORMULAS: dict[str, Callable[[PixelSums], Tensor]] = {
    "uno": formulas.uno,
    "uno_clamped": formulas.uno_clamped,
    "uno_normalised": formulas.uno_normalised,
    "unc": formulas.unc,
    "objectness": formulas.objectness,
    "msp": formulas.msp,
    "max_logit": formulas.max_logit,
    "logit_avg": formulas.logit_avg,
    "entropy": formulas.entropy,
    "energy": formulas.energy,
    "rba": formulas.rba,
    "eam": formulas.eam,
    "background": formulas.background,
}
# A share of next to nothing may be anything, and so may the logarithm of it.
_SENSITIVITIES = dict.fromkeys(("entropy", *FITTED_SCORE_NAMES), math.inf) | {
    "uno_normalised": formulas.NORMALISED_SENSITIVITY
}


def get_score(name: str, statistics: ScoreStatistics | None = None) -> Score:
    """The score of this name.

    Args:
        statistics: of the network on anomaly-free frames; needed by ``FITTED_SCORE_NAMES`` and by them alone.

    Raises:
        ValueError: no score of that name (it lists the legal ones), or one that needs statistics and is given none.
    """
    if check_score_name(name) not in FITTED_SCORE_NAMES:
        needs_outlier_class = name in OUTLIER_SCORE_NAMES
        return Score(name, _FORMULAS[name], needs_outlier_class, sensitivity=_SENSITIVITIES.get(name, 1.0))
    if statistics is None:
        raise ValueError(f"score {name!r}: expected statistics fitted on anomaly-free frames, found none")
    formula = _sml(statistics) if name == "sml" else _kl_matching(statistics)
    return Score(name, formula, fitted_classes=statistics.num_classes, sensitivity=_SENSITIVITIES[name])


def blank_score(name: str, num_classes: int = NUM_INLIER_CLASSES) -> float:
    """What a pixel scores that no mask holds. ValueError as ``get_score``, also for those that need statistics."""
    nothing = torch.zeros(num_classes, 1, 1)
    return float(get_score(name).formula(PixelSums(nothing, nothing[0], nothing[0])))


def _sml(statistics: ScoreStatistics) -> Callable[[PixelSums], Tensor]:
    """A class without statistics of its own has those of all pixels together."""
    rest = _pooled([own for own in statistics.classes if own is not None])
    moments = [(own.max_logit_mean, own.max_logit_variance) if own else rest for own in statistics.classes]
    mean, variance = torch.tensor(moments, dtype=torch.float64).unbind(1)
    return partial(formulas.sml, mean=mean.float(), deviation=variance.sqrt().float())


def _pooled(classes: list[ClassStatistics]) -> tuple[float, float]:
    """Mean and variance of the max logit over the pixels of all classes."""
    pixels = sum(own.pixels for own in classes)
    mean = sum(own.pixels * own.max_logit_mean for own in classes) / pixels
    spread = sum(own.pixels * (own.max_logit_variance + (own.max_logit_mean - mean) ** 2) for own in classes)
    return mean, spread / pixels


def _kl_matching(statistics: ScoreStatistics) -> Callable[[PixelSums], Tensor]:
    """A class without statistics has no template: nothing is matched with it."""
    templates = [own.posterior for own in statistics.classes if own is not None]
    return partial(formulas.kl_matching, templates=torch.tensor(templates, dtype=torch.float32))


def compute_scores(
    names: Iterable[str],
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
    statistics: ScoreStatistics | None = None,
    epsilon: float | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """Several scores and the closed-set class ids, with σ, softmax and the sums over queries done once.

    Args:
        names, statistics: see ``get_score``.
        class_logits, mask_logits, num_classes, image_size: see ``pixel_sums``.
        epsilon: None sums all masks at the size of the result, which can be exported and differentiated. A number goes
            tile by tile in a fraction of time and memory and is the bound of the error; see ``tiled_scores``.

    Returns:
        ({name: float32 [.., h, w]}, class ids uint8 [.., h, w]); h, w are those of the masks, or ``image_size``.

    Raises:
        ValueError: unknown name, a score that this head cannot give or that lacks its statistics, or shapes that do
            not fit; with an ``epsilon`` also mask logits that are not finite.
    """
    scores = [get_score(name, statistics) for name in names]
    if epsilon is not None:
        maps, class_ids = tiled_scores(scores, class_logits, mask_logits, num_classes, image_size, epsilon)
        return {score.name: own for score, own in zip(scores, maps, strict=True)}, class_ids
    for score in scores:
        score.check_head(class_logits, num_classes)
    sums = pixel_sums(class_logits, mask_logits, num_classes, image_size)
    return {score.name: score.formula(sums) for score in scores}, formulas.class_ids(sums)


def tiled_scores(
    scores: Sequence[Score],
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
    epsilon: float = ROUNDING_EPSILON,
) -> tuple[list[Tensor], Tensor]:
    """Maps of scores, float32 [.., h, w], and class ids, uint8 [.., h, w], tile by tile: see ``scores.tiled``.

    Every score is within ``epsilon`` of its exact value, beside float32 rounding. If the ``Score.sensitivity`` of one
    of them is infinite, only masks that are constant to float32 are left out, as with an ``epsilon`` of 0. On a GPU the
    scores of ``scores.gpu`` take its kernels, where triton is installed; these do not refuse mask logits that are not
    finite but hand them on.

    Raises:
        ValueError: see ``compute_scores``.
    """
    check_shapes(class_logits, mask_logits)
    for score in scores:
        score.check_head(class_logits, num_classes)
    check_epsilon(epsilon)
    bound = epsilon / max((score.sensitivity for score in scores), default=1.0)
    if scores and mask_logits.is_cuda and triton_is_installed() and all(score.name in SUMS_OF_TWO for score in scores):
        pairs = [gpu_score(own.name, class_logits, mask_logits, num_classes, image_size, bound) for own in scores]
        return [own for own, _ in pairs], pairs[0][1]
    leading = class_logits.shape[:-2]
    images = zip(
        class_logits.reshape(-1, *class_logits.shape[-2:]),
        mask_logits.reshape(-1, *mask_logits.shape[-3:]),
        strict=True,
    )
    formulas_of = [score.formula for score in scores]
    results = [tiled_maps(formulas_of, *logits, num_classes, image_size, bound) for logits in images]
    maps = [torch.stack(own) for own in zip(*(maps for maps, _ in results), strict=True)]
    class_ids = torch.stack([class_ids for _, class_ids in results])
    return [own.reshape(*leading, *own.shape[1:]) for own in maps], class_ids.reshape(*leading, *class_ids.shape[1:])


def closed_set_class_ids(
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
) -> Tensor:
    """argmax over the K inlier classes of Σ_i m_i p_ik: uint8 [.., h, w]."""
    return formulas.class_ids(pixel_sums(class_logits, mask_logits, num_classes, image_size))
