"""Anomaly scores as functions of the sums over mask queries; higher is more anomalous, all float32 [.., h, w].

L, O and M are the sums of ``aggregation``. Sources:
UNO    Delić, Grcić, Šegvić, "Outlier detection by ensembling uncertainty with negative objectness" (eq. 8)
CAOS   Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings"
RbA    Nayal et al., "RbA: Segmenting Unknown Regions Rejected by All"
EAM    Grcić, Šarić, Šegvić, "On Advantages of Mask-level Recognition for Outlier-aware Segmentation"
Energy Liu et al., "Energy-based Out-of-distribution Detection"
Scores that came from dense classifiers take L in place of their logits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ros_anomaly.scores.aggregation import PixelSums


def uno(sums: PixelSums) -> Tensor:
    """O − M = Σ_i m_i (p_i,outlier − max_k p_ik): UNO eq. 8. Bounded by ±N; overlapping queries pass ±1."""
    return objectness(sums) + unc(sums)


def uno_clamped(sums: PixelSums) -> Tensor:
    """min(O, 1) − min(M, 1): UNO with each part held to what one mask can say. Ours; within ±1.

    Queries that overlap sum above 1 and can push the uncertainty part below −1 on an anomaly.
    """
    return objectness(sums).clamp(max=1.0) - sums.confidence.clamp(max=1.0)


def unc(sums: PixelSums) -> Tensor:
    """−M, the uncertainty part s_Unc of UNO."""
    return -sums.confidence


def objectness(sums: PixelSums) -> Tensor:
    """O, the negative-objectness part s_NO of UNO. ValueError for a head without outlier class."""
    if sums.outlier is None:
        raise ValueError("expected a K+2 head with an outlier class, found a K+1 head without one")
    return sums.outlier


def msp(sums: PixelSums) -> Tensor:
    """−max_k softmax(L)_k: maximum softmax probability, as CAOS compares it."""
    return -torch.softmax(sums.classes, dim=-3).amax(dim=-3)


def max_logit(sums: PixelSums) -> Tensor:
    """−max_k L_k: MaxLogit (CAOS)."""
    return -sums.classes.amax(dim=-3)


def logit_avg(sums: PixelSums) -> Tensor:
    """−mean_k L_k: the logit average that CAOS compares."""
    return -sums.classes.mean(dim=-3)


def entropy(sums: PixelSums) -> Tensor:
    """H(L / ΣL) in nats, from 0 to ln K. A pixel that no mask holds counts as uniform."""
    # Equal shares of almost nothing: keeps the division defined where every mask underflows to 0.
    shares = sums.classes + torch.finfo(torch.float32).tiny
    shares = shares / shares.sum(dim=-3, keepdim=True)
    return -(shares * torch.log(shares.clamp_min(torch.finfo(torch.float32).tiny))).sum(dim=-3)


def energy(sums: PixelSums) -> Tensor:
    """−log Σ_k exp L_k: free energy at temperature 1."""
    return -torch.logsumexp(sums.classes, dim=-3)


def rba(sums: PixelSums) -> Tensor:
    """−Σ_k tanh L_k: rejected by all (RbA)."""
    return -torch.tanh(sums.classes).sum(dim=-3)


def eam(sums: PixelSums) -> Tensor:
    """1 − M: ensemble over anomaly scores of masks (EAM)."""
    return 1.0 - sums.confidence


def class_ids(sums: PixelSums) -> Tensor:
    """Closed-set result argmax_k L_k, uint8 [.., h, w]: never the outlier class or no-object."""
    return sums.classes.argmax(dim=-3).to(torch.uint8)
