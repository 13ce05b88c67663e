"""Names of scores and aggregations, readable without torch: manifests and workers check them."""

from __future__ import annotations

from ros_anomaly.choice import Choice

OUTLIER_SCORE_NAMES: tuple[str, ...] = ("uno", "uno_clamped", "uno_normalised", "unc", "objectness")
"""Scores that are defined for a K+2 head only."""

SCORE_NAMES: tuple[str, ...] = (
    *OUTLIER_SCORE_NAMES,
    "msp",
    "max_logit",
    "logit_avg",
    "entropy",
    "energy",
    "rba",
    "eam",
    "background",
)
"""Scores that a network gives as it is."""

FITTED_SCORE_NAMES: tuple[str, ...] = ("sml", "kl_matching")
"""Scores that need statistics of the network on anomaly-free frames besides (``scores.statistics``)."""


def check_score_name(name: str) -> str:
    """``name`` if it is a score's, fitted or not; ValueError that lists the legal names."""
    legal = (*SCORE_NAMES, *FITTED_SCORE_NAMES)
    if name not in legal:
        raise ValueError(f"score: expected one of {', '.join(legal)}; found {name!r}")
    return name


_MASKS_ONCE = "stride_4"
"""What manifests called ``Aggregation.MASKS`` when all masks had stride 4."""


class Aggregation(Choice):
    """Where the sum over queries is taken."""

    EXACT = "exact"
    """Mask logits upsampled to the image first, then σ and the sum: the reference (UNO eq. 8)."""
    MASKS = "masks"
    """σ and the sum at the masks' own size (stride 4 or 2): what is deployed."""

    @classmethod
    def _missing_(cls, value: object) -> Aggregation:
        if value == _MASKS_ONCE:
            return cls.MASKS
        return super()._missing_(value)
