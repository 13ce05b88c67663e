"""From masks to pixels: the weighted sums over mask queries that every score is a function of.

Query i of N has a class posterior p_i (softmax over K inlier classes, the outlier class where the head has one,
no-object last) and a mask m_i = σ(mask logits). A score of the mask network needs, per pixel, only

    L_k = Σ_i m_i p_ik  (k inlier),    O = Σ_i m_i p_i,outlier,    M = Σ_i m_i max_k p_ik,

which one matrix product gives together. Everything here can be exported to ONNX: shapes decide, values never.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES


class PixelSums(NamedTuple):
    """Sums over the mask queries; leading dimensions are those of the logits.

    ``classes`` float32 [.., K, h, w] is L; ``outlier`` [.., h, w] is O, None for a head without outlier class;
    ``confidence`` [.., h, w] is M.
    """

    classes: Tensor
    outlier: Tensor | None
    confidence: Tensor


def has_outlier_class(class_logits: Tensor, num_classes: int) -> bool:
    """Whether a head of this width holds an outlier class: True for K+2, False for K+1, ValueError for any other."""
    width = class_logits.shape[-1]
    if width not in (num_classes + 1, num_classes + 2):
        raise ValueError(
            f"class logits: expected {num_classes + 2} (K+2, with outlier class) or {num_classes + 1} (K+1) values "
            f"a query for K = {num_classes}, found {width}"
        )
    return width == num_classes + 2


def pixel_sums(
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
) -> PixelSums:
    """The sums over queries, in float32 whatever the precision of the logits and under autocast too.

    Args:
        class_logits: [.., N, K+2] or [.., N, K+1].
        mask_logits: [.., N, h, w].
        num_classes: K.
        image_size: (H, W): mask logits are upsampled to it before σ (exact). None: at mask size (stride 4).

    Raises:
        ValueError: the shapes do not fit each other or K.
    """
    check_shapes(class_logits, mask_logits)
    with full_precision(class_logits):
        weights = query_weights(class_logits, num_classes)

        logits = mask_logits.float()
        if image_size is not None:
            logits = upsample(logits, image_size)
        height, width = logits.shape[-2:]
        masks = torch.sigmoid(logits).flatten(-2)
        sums = torch.matmul(weights.transpose(-1, -2), masks).unflatten(-1, (height, width))
    return named_sums(sums, num_classes)


def query_weights(class_logits: Tensor, num_classes: int) -> Tensor:
    """What query i brings to each sum: float32 [.., N, K+1], or K+2 with an outlier class.

    Columns: p_ik of the K inlier classes, max_k p_ik, p_i,outlier.

    Raises:
        ValueError: a head of another width than K+1 or K+2.
    """
    with_outlier = has_outlier_class(class_logits, num_classes)
    posterior = torch.softmax(class_logits.float(), dim=-1)
    inlier = posterior[..., :num_classes]
    columns = [inlier, inlier.amax(dim=-1, keepdim=True)]
    if with_outlier:
        columns.append(posterior[..., num_classes : num_classes + 1])
    return torch.cat(columns, dim=-1)


def named_sums(sums: Tensor, num_classes: int) -> PixelSums:
    """The sums [.., columns, h, w], columns in the order of ``query_weights``, by their names."""
    return PixelSums(
        classes=sums[..., :num_classes, :, :],
        outlier=sums[..., num_classes + 1, :, :] if sums.shape[-3] > num_classes + 1 else None,
        confidence=sums[..., num_classes, :, :],
    )


def upsample(maps: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Bilinear, ``align_corners=False``: [.., C, h, w] → [.., C, H, W]."""
    leading = maps.shape[:-3]
    flat = maps.reshape(-1, *maps.shape[-3:])
    flat = F.interpolate(flat, size=image_size, mode="bilinear", align_corners=False)
    return flat.reshape(*leading, *flat.shape[-3:])


def check_shapes(class_logits: Tensor, mask_logits: Tensor) -> None:
    """ValueError where class logits [.., N, C] and mask logits [.., N, h, w] do not fit each other."""
    if class_logits.ndim < 2 or mask_logits.ndim != class_logits.ndim + 1:
        raise ValueError(
            f"expected class logits [.., N, K+2] and mask logits [.., N, h, w], "
            f"found {list(class_logits.shape)} and {list(mask_logits.shape)}"
        )
    if class_logits.shape[:-1] != mask_logits.shape[:-2]:
        raise ValueError(
            f"expected the same leading sizes and number of queries, "
            f"found class logits {list(class_logits.shape)} and mask logits {list(mask_logits.shape)}"
        )


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Without autocast, on the device of ``tensor``."""
    # Entered only under autocast, so that an export never sees the context.
    if torch.is_autocast_enabled(tensor.device.type):
        return torch.autocast(tensor.device.type, enabled=False)
    return nullcontext()
