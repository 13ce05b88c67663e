"""Anomaly scores as functions of the sums over mask queries; higher is more anomalous, all float32 [.., h, w].

L, O and M are the sums of ``aggregation``. Sources:
UNO    Delić, Grcić, Šegvić, "Outlier detection by ensembling uncertainty with negative objectness" (eq. 8)
CAOS   Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings"
RbA    Nayal et al., "RbA: Segmenting Unknown Regions Rejected by All"
EAM    Grcić, Šarić, Šegvić, "On Advantages of Mask-level Recognition for Outlier-aware Segmentation"
Energy Liu et al., "Energy-based Out-of-distribution Detection"
SML    Jung et al., "Standardized Max Logits: A Simple yet Effective Approach for Identifying Unexpected Road Obstacles"
Scores that came from dense classifiers take L in place of their logits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ros_anomaly.data.labels import StreetClass
from ros_anomaly.scores.aggregation import PixelSums

_TINY = torch.finfo(torch.float32).tiny
_LEAST_DEVIATION = 1e-6
LEAST_MASS = 0.5
"""Floor of O + M in ``uno_normalised``."""
NORMALISED_SENSITIVITY = 2 / LEAST_MASS
"""Of ``uno_normalised`` to O or M: its derivatives are 2M / (O + M)² and −2O / (O + M)², or ±1 / ``LEAST_MASS``."""


def uno(sums: PixelSums) -> Tensor:
    """O − M = Σ_i m_i (p_i,outlier − max_k p_ik): UNO eq. 8. Bounded by ±N; overlapping queries pass ±1."""
    return objectness(sums) + unc(sums)


def uno_clamped(sums: PixelSums) -> Tensor:
    """min(O, 1) − min(M, 1): UNO with each part held to what one mask can say. Ours; within ±1.

    Queries that overlap sum above 1 and can push the uncertainty part below −1 on an anomaly.
    """
    return objectness(sums).clamp(max=1.0) - sums.confidence.clamp(max=1.0)


def uno_normalised(sums: PixelSums) -> Tensor:
    """(O − M) / max(O + M, ½): UNO as shares of what the queries say about a pixel at all. Ours; within ±1.

    Where queries overlap their sums pass 1, where none is sure they stay near 0; the order of pixels should depend on
    neither. The floor keeps a pixel that hardly any mask holds from being judged by the remains.
    """
    difference, mass = objectness(sums) - sums.confidence, objectness(sums) + sums.confidence
    return difference / mass.clamp(min=LEAST_MASS)


def unc(sums: PixelSums) -> Tensor:
    """−M, the uncertainty part s_Unc of UNO."""
    return -sums.confidence


def objectness(sums: PixelSums) -> Tensor:
    """O, the negative-objectness part s_NO of UNO. ValueError for a head without outlier class."""
    if sums.outlier is None:
        raise ValueError("expected a K+2 head with an outlier class, found a K+1 head without one")
    return sums.outlier


def posterior(sums: PixelSums) -> Tensor:
    """Class posterior P = softmax(L) of a pixel, float32 [.., K, h, w].

    Flatter than the shares L / ΣL (the surest pixel has 0.18 of K = 13), but shares forget how much of the pixel the
    inlier classes hold at all, and that is what gives anomalies away.
    """
    return torch.softmax(sums.classes, dim=-3)


def msp(sums: PixelSums) -> Tensor:
    """−max_k P_k: maximum softmax probability, as CAOS compares it; P is the ``posterior``."""
    return -posterior(sums).amax(dim=-3)


def max_logit(sums: PixelSums) -> Tensor:
    """−max_k L_k: MaxLogit (CAOS)."""
    return -sums.classes.amax(dim=-3)


def logit_avg(sums: PixelSums) -> Tensor:
    """−mean_k L_k: the logit average that CAOS compares."""
    return -sums.classes.mean(dim=-3)


def entropy(sums: PixelSums) -> Tensor:
    """H(L / ΣL) in nats, from 0 to ln K. A pixel that no mask holds counts as uniform."""
    # Equal shares of almost nothing: keeps the division defined where every mask underflows to 0.
    shares = sums.classes + _TINY
    return -_negative_entropy(shares / shares.sum(dim=-3, keepdim=True))


def background(sums: PixelSums) -> Tensor:
    """P of the background class, P the ``posterior``: CAOS' baseline of that name. No-object is not background."""
    return posterior(sums)[..., int(StreetClass.BACKGROUND), :, :]


def energy(sums: PixelSums) -> Tensor:
    """−log Σ_k exp L_k: free energy at temperature 1."""
    return -torch.logsumexp(sums.classes, dim=-3)


def rba(sums: PixelSums) -> Tensor:
    """−Σ_k tanh L_k: rejected by all (RbA)."""
    return -torch.tanh(sums.classes).sum(dim=-3)


def eam(sums: PixelSums) -> Tensor:
    """1 − M: ensemble over anomaly scores of masks (EAM)."""
    return 1.0 - sums.confidence


def sml(sums: PixelSums, mean: Tensor, deviation: Tensor) -> Tensor:
    """−(max_k L_k − μ_c) / σ_c with c = argmax_k L_k: standardized max logits (SML).

    Args:
        mean, deviation: μ and σ of the max logit by predicted class, float32 [K]; σ below 1e-6 counts as 1e-6.
    """
    top, predicted = sums.classes.amax(dim=-3), sums.classes.argmax(dim=-3)
    mean, deviation = mean.to(top.device), deviation.to(top.device)
    return (mean[predicted] - top) / deviation.clamp_min(_LEAST_DEVIATION)[predicted]


def kl_matching(sums: PixelSums, templates: Tensor) -> Tensor:
    """min_k KL(P ‖ d_k) in nats, P the ``posterior``: KL matching (CAOS).

    Args:
        templates: d_k, the mean posterior of pixels predicted k; float32 [templates, K].
    """
    own = posterior(sums)
    # KL(P ‖ d) = Σ P log P − Σ P log d, and the second sum is one matrix product for all templates.
    logs = torch.log(templates.to(own.device).clamp_min(_TINY))
    likelihoods = torch.matmul(logs, own.flatten(-2)).unflatten(-1, own.shape[-2:])
    return _negative_entropy(own) - likelihoods.amax(dim=-3)


def _negative_entropy(shares: Tensor) -> Tensor:
    """Σ_k P_k log P_k, [.., K, h, w] → [.., h, w]."""
    return (shares * torch.log(shares.clamp_min(_TINY))).sum(dim=-3)


def class_ids(sums: PixelSums) -> Tensor:
    """Closed-set result argmax_k L_k, uint8 [.., h, w]: never the outlier class or no-object."""
    return sums.classes.argmax(dim=-3).to(torch.uint8)
