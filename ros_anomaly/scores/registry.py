"""Scores by name, and several of them from one pass over the masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.scores import formulas
from ros_anomaly.scores.aggregation import PixelSums, has_outlier_class, pixel_sums
from ros_anomaly.scores.names import OUTLIER_SCORE_NAMES, check_score_name


@dataclass(frozen=True)
class Score:
    """A named score. ``needs_outlier_class`` is True where it is defined for K+2 heads only.

    ``formula`` maps ``PixelSums`` to float32 [.., h, w], higher is more anomalous; its docstring names the source.
    """

    name: str
    formula: Callable[[PixelSums], Tensor]
    needs_outlier_class: bool = False

    def check_head(self, class_logits: Tensor, num_classes: int = NUM_INLIER_CLASSES) -> None:
        """ValueError if a head that gives ``class_logits`` [.., N, C] cannot give this score."""
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
    "unc": formulas.unc,
    "objectness": formulas.objectness,
    "msp": formulas.msp,
    "max_logit": formulas.max_logit,
    "logit_avg": formulas.logit_avg,
    "entropy": formulas.entropy,
    "energy": formulas.energy,
    "rba": formulas.rba,
    "eam": formulas.eam,
}


def get_score(name: str) -> Score:
    """The score of this name; ValueError that lists the legal names."""
    return Score(check_score_name(name), _FORMULAS[name], needs_outlier_class=name in OUTLIER_SCORE_NAMES)


def compute_scores(
    names: Iterable[str],
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """Several scores and the closed-set class ids, with σ, softmax and the sums over queries done once.

    Returns:
        ({name: float32 [.., h, w]}, class ids uint8 [.., h, w]); h, w are those of the masks, or ``image_size``.

    Raises:
        ValueError: unknown name, a score that this head cannot give, or shapes that do not fit.
    """
    scores = [get_score(name) for name in names]
    for score in scores:
        score.check_head(class_logits, num_classes)
    sums = pixel_sums(class_logits, mask_logits, num_classes, image_size)
    return {score.name: score.formula(sums) for score in scores}, formulas.class_ids(sums)


def closed_set_class_ids(
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
) -> Tensor:
    """argmax over the K inlier classes of Σ_i m_i p_ik: uint8 [.., h, w]."""
    return formulas.class_ids(pixel_sums(class_logits, mask_logits, num_classes, image_size))
