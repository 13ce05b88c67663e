"""Mask→pixel aggregation as the original code of mask networks has it, to compare with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ros_anomaly.scores.aggregation import PixelSums, has_outlier_class, upsample
from ros_anomaly.scores.formulas import class_ids


def full_size_einsum(
    class_logits: Tensor,
    mask_logits: Tensor,
    inlier_classes: int,
    formula: Callable[[PixelSums], Tensor],
    image_size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """(score float32 [H, W], class ids uint8 [H, W]) by way of N masks of the image's size and einsums over them.

    Args:
        class_logits: float32 [N, K+1 or K+2].
        mask_logits: float32 [N, h, w].
        inlier_classes: K.
        formula: of the score.
        image_size: (H, W).
    """
    posterior = torch.softmax(class_logits, dim=-1)[:, :-1]  # without no-object
    masks = torch.sigmoid(upsample(mask_logits, image_size))
    semantic = torch.einsum("qc,qhw->chw", posterior, masks)
    confidence = torch.einsum("q,qhw->hw", posterior[:, :inlier_classes].amax(dim=-1), masks)
    outlier = semantic[inlier_classes] if has_outlier_class(class_logits, inlier_classes) else None
    sums = PixelSums(semantic[:inlier_classes], outlier, confidence)
    return formula(sums), class_ids(sums)
