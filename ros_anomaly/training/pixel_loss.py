"""The loss of what is deployed: sums over queries, pixel by pixel.

Matched masks are trained one by one; what a vehicle sees is the sum over all of them. Two faults live in between.
A class may lose a pixel to a query that no target was matched to, and overlapping queries may add up to more than
one answer, so that scores with an unnormalised sum (UNO's eq. 8) jump where masks overlap. With

    L_k = sum_i m_i p_ik    (k over the K inlier classes and the outlier class),    T = sum_k L_k,

the posterior of a pixel is L_k / T and the masks are a partition where T = 1. The loss is the negative log of the
first at the true class, and the squared distance of the second from 1. Pixels are weighted by the area of what they
belong to: of their class in the image, or for outliers of their own object, since a bottle far ahead that shares the
picture with a fallen tree would otherwise not be there for the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ros_anomaly.training.targets import MaskTargets


@dataclass(frozen=True)
class PixelLossConfig:
    """Weights of the pixel loss.

    Attributes:
        weight: of the negative log posterior.
        overlap: of the squared distance of the sum from 1.
        balance: 0 counts every pixel alike, 1 every class in the image and every outlier object alike.
        floor: added to sums before the logarithm; bounds the loss of a pixel that no mask covers.
    """

    weight: float = 2.0
    overlap: float = 1.0
    balance: float = 0.5
    floor: float = 0.01

    def __post_init__(self) -> None:
        if self.weight < 0 or self.overlap < 0:
            raise ValueError(f"pixel loss: expected weights from 0 on, found {self.weight} and {self.overlap}")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"pixel loss balance: expected 0..1, found {self.balance}")
        if not 0 < self.floor < 1:
            raise ValueError(f"pixel loss floor: expected a value between 0 and 1, found {self.floor}")


def pixel_loss(
    class_logits: Tensor, mask_logits: Tensor, targets: MaskTargets, outlier: int | None, config: PixelLossConfig
) -> tuple[Tensor, Tensor]:
    """(negative log posterior, overlap), each a mean over images.

    Args:
        class_logits: [B, N, rows + 1], no-object last. mask_logits: [B, N, h, w] at the resolution of ``targets``.
        outlier: class id of the outlier, None for a network without.
    """
    posteriors = class_logits.float().softmax(-1)[..., :-1]
    sums = posteriors.transpose(1, 2) @ mask_logits.float().sigmoid().flatten(2)
    total = sums.sum(1)
    log_total = torch.log(total + sums.shape[1] * config.floor)
    losses, start = [], 0
    for image, count in enumerate(targets.counts):
        chosen = slice(start, start + count)
        start += count
        if count == 0:
            continue
        classes = targets.classes[chosen]
        importance = _importance(targets.masks[chosen], classes, outlier, config.balance)
        log_sums = torch.log(sums[image, classes] + config.floor)
        losses.append((importance * (log_total[image] - log_sums)).sum() / importance.sum())
    valid = targets.valid.flatten(1)
    overlap = ((total - 1).square() * valid).sum() / valid.sum().clamp(min=1.0)
    return (torch.stack(losses).mean() if losses else sums.sum() * 0.0), overlap


def _importance(masks: Tensor, classes: Tensor, outlier: int | None, balance: float) -> Tensor:
    """Weight [M, h w] of every cell for the class of its mask: its share of the cell, by the area to -``balance``."""
    areas = masks.flatten(1).sum(1).clamp(min=1.0)
    importance = masks.flatten(1) * areas[:, None] ** -balance
    for row in (classes == outlier).nonzero().flatten().tolist() if outlier is not None else ():
        importance[row] = masks[row].flatten() * _object_areas(masks[row]).flatten() ** -balance
    return importance


def _object_areas(mask: Tensor) -> Tensor:
    """The area, in cells, of the connected object that each cell of [h, w] belongs to; elsewhere 1."""
    touched = (mask > 0).to(torch.uint8).cpu().numpy()
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(touched, connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA].astype(np.float32)
    areas[0] = 1.0
    return torch.from_numpy(areas[labels]).to(mask.device)
