"""The loss of a mask classifier with deep supervision, made for the CPU.

transformers' ``Mask2FormerLoss`` follows the paper's code: it samples 12 544 points a mask three times over with
``grid_sample`` for importance sampling, which saves GPU memory at 1024x512 and 100 queries. At the crops used here all
cells of the stride 4 masks are fewer than those points, so everything is computed densely and matching at
stride 8: 4x fewer cells and no scattered reads. The importance sampling's intent stays as a weight on uncertain cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ros_anomaly.data.labels import VOID_ID
from ros_anomaly.network.model import NetworkOutput
from ros_anomaly.training.matching import MatchWeights, assign_layers, match_costs
from ros_anomaly.training.pixel_loss import PixelLossConfig, pixel_loss
from ros_anomaly.training.targets import MaskTargets, mask_targets


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss.

    Attributes:
        weights: classification, mask and dice (cost and loss alike).
        no_object: class weight of no-object; every other class, the outlier too, has 1.
        dense: weight of the auxiliary pixel-wise cross-entropy at stride 8; 0 leaves it out.
        pixels: of the last layer's sums over queries (``ros_anomaly.training.pixel_loss``); ``None`` leaves it out.
        uncertain_logit: cells whose |mask logit| is below count ``1 + uncertain_extra`` times in the mask loss.
        uncertain_extra: see above.
    """

    weights: MatchWeights = field(default_factory=MatchWeights)
    no_object: float = 0.1
    dense: float = 2.0
    pixels: PixelLossConfig | None = None
    uncertain_logit: float = 2.0
    uncertain_extra: float = 3.0


@dataclass(frozen=True)
class LossParts:
    """The total with its value, and the parts of the last layer for the log."""

    total: Tensor
    value: float
    classification: float
    mask: float
    dice: float
    dense: float
    pixels: float
    overlap: float


def segmentation_loss(
    output: NetworkOutput, class_ids: Tensor, inlier_classes: int, outlier_class: bool, config: LossConfig
) -> LossParts:
    """Loss of a batch, summed over prediction layers.

    Args:
        output: of a network in training mode.
        class_ids: uint8 [B, H, W], H and W multiples of 8. Void belongs to no mask and costs nothing; id K
            (anomaly) is the outlier class if ``outlier_class``, else void.
        inlier_classes: K.

    Raises:
        ValueError: the class head does not have the rows that this asks for.
    """
    rows, wanted_rows = output.class_logits[-1].shape[-1], inlier_classes + 1 + int(outlier_class)
    if rows != wanted_rows:
        raise ValueError(f"loss: expected {wanted_rows} class logits a query, found {rows}")
    fine = mask_targets(class_ids, inlier_classes + int(outlier_class))
    middle = fine.halved()
    coarse = middle.halved()
    last = len(output.class_logits) - 1
    zero = torch.zeros((), device=class_ids.device)
    total, parts = zero, (zero,) * 3
    layers = [(c.float(), m.float()) for c, m in zip(output.class_logits, output.mask_logits, strict=True)]
    costs = [match_costs(c, _pooled(m.detach(), coarse), coarse, config.weights) for c, m in layers]
    images = middle.image_index
    for layer, ((class_logits, mask_logits), (queries, matched)) in enumerate(
        zip(layers, assign_layers(costs), strict=True)
    ):
        classification = _classification_loss(class_logits, queries, matched, images, middle.classes, config.no_object)
        chosen = mask_logits[images[matched], queries[matched]]
        # Only the deciding layer pays for stride 2, where thin poles and lines are separable.
        if layer == last and chosen.shape[-2:] != fine.masks.shape[-2:]:
            chosen = F.interpolate(chosen[:, None], scale_factor=2, mode="bilinear", align_corners=False)[:, 0]
        mask, dice = _mask_losses(chosen, fine if layer == last else middle, images, matched, config)
        parts = (classification, mask, dice)
        weights = config.weights
        total = total + weights.classification * classification + weights.mask * mask + weights.dice * dice
    dense = _dense_loss(output.dense_logits, class_ids, inlier_classes) if config.dense else zero
    total = total + config.dense * dense
    pixels = overlap = zero
    if config.pixels is not None:
        targets = fine if output.mask_logits[-1].shape[-2:] == fine.masks.shape[-2:] else middle
        pixels, overlap = pixel_loss(
            output.class_logits[-1],
            output.mask_logits[-1],
            targets,
            inlier_classes if outlier_class else None,
            config.pixels,
        )
        total = total + config.pixels.weight * pixels + config.pixels.overlap * overlap
    values = torch.stack([part.detach() for part in (total, *parts, dense, pixels, overlap)]).tolist()
    return LossParts(total, *values)


def _pooled(mask_logits: Tensor, targets: MaskTargets) -> Tensor:
    """Mean logits over the cells of ``targets``, which are a whole number of times larger."""
    factor = mask_logits.shape[-2] // targets.masks.shape[-2]
    return F.avg_pool2d(mask_logits, factor)


def _classification_loss(
    logits: Tensor, queries: Tensor, matched: Tensor, images: Tensor, classes: Tensor, no_object: float
) -> Tensor:
    rows = logits.shape[-1]
    wanted = torch.full(logits.shape[:2], rows - 1, dtype=torch.int64, device=logits.device)
    wanted[images[matched], queries[matched]] = classes[matched]
    class_weights = torch.ones(rows, device=logits.device)
    class_weights[-1] = no_object
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), class_weights)


def _mask_losses(
    logits: Tensor, targets: MaskTargets, images: Tensor, matched: Tensor, config: LossConfig
) -> tuple[Tensor, Tensor]:
    """Mean BCE and dice of the matched masks. A cell that is part void counts with its valid share."""
    if not bool(matched.any()):
        return logits.sum() * 0.0, logits.sum() * 0.0
    logits = logits.flatten(1)
    wanted = targets.masks[matched].flatten(1)
    valid = targets.valid[images[matched]].flatten(1)
    bce = F.softplus(logits) * valid - logits * wanted
    weight = 1.0 + config.uncertain_extra * (logits.detach().abs() < config.uncertain_logit)
    mask = ((bce * weight).sum(1) / (valid * weight).sum(1).clamp(min=1.0)).mean()
    probability = logits.sigmoid() * valid
    dice = 1 - (2 * (probability * wanted).sum(1) + 1) / (probability.sum(1) + wanted.sum(1) + 1)
    return mask, dice.mean()


def _dense_loss(logits: Tensor | None, class_ids: Tensor, inlier_classes: int) -> Tensor:
    """Pixel-wise cross-entropy at stride 8 on the cells' middle pixels; outliers and void are left out."""
    if logits is None:
        raise ValueError("dense loss: expected a network in training mode, found no dense logits")
    labels = class_ids[:, 4::8, 4::8].long()
    labels = torch.where(labels < inlier_classes, labels, VOID_ID)
    if not bool((labels != VOID_ID).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits.float(), labels, ignore_index=VOID_ID)
