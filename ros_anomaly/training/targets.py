"""Label maps to the masks that a mask classifier is trained on: one semantic mask per class present."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class MaskTargets:
    """Targets of a batch at one resolution; M masks in all, image after image.

    Attributes:
        masks: float [M, h, w], share of each cell that the mask covers.
        classes: int64 [M].
        counts: masks of each image; ``sum(counts) == M``.
        valid: float [B, h, w], share of each cell that is not void.
    """

    masks: Tensor
    classes: Tensor
    counts: tuple[int, ...]
    valid: Tensor

    @property
    def image_index(self) -> Tensor:
        """int64 [M]: the image each mask belongs to."""
        index = torch.repeat_interleave(torch.arange(len(self.counts)), torch.tensor(self.counts))
        return index.to(self.classes.device)

    def halved(self) -> MaskTargets:
        """The same targets at half the resolution (exact: the mean of 2x2 cells)."""
        return MaskTargets(
            F.avg_pool2d(self.masks[:, None], 2)[:, 0],
            self.classes,
            self.counts,
            F.avg_pool2d(self.valid[:, None], 2)[:, 0],
        )


def mask_targets(class_ids: Tensor, num_classes: int, min_pixels: int = 12, stride: int = 2) -> MaskTargets:
    """Targets at ``stride`` from label maps.

    Args:
        class_ids: uint8 [B, H, W]; ids of ``num_classes`` and above belong to no mask and are void.
        num_classes: K, or K+1 where the outlier class (id K) has masks too.
        min_pixels: a class with fewer pixels in the image gets no mask (its pixels stay valid background
            of the others), since a handful of pixels would weigh as much as the road.
        stride: side of a cell in pixels; H and W must be its multiples.

    Raises:
        ValueError: H or W is no multiple of ``stride``.
    """
    batch, height, width = class_ids.shape
    if height % stride or width % stride:
        raise ValueError(f"label maps: expected sides that are multiples of {stride}, found {height}x{width}")
    masks, classes, counts = [], [], []
    for image in class_ids:
        histogram = torch.bincount(image.flatten(), minlength=num_classes)[:num_classes]
        present = torch.nonzero(histogram >= min_pixels).flatten()
        classes.append(present)
        counts.append(len(present))
        masks.append(image[None] == present.to(torch.uint8)[:, None, None])
    cells = F.avg_pool2d(torch.cat(masks).float()[:, None], stride)[:, 0]
    valid = F.avg_pool2d((class_ids < num_classes).float()[:, None], stride)[:, 0]
    return MaskTargets(cells, torch.cat(classes), tuple(counts), valid)
