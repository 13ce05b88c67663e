"""Which masks of a tile need no pixels, and what stands for them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Needed(NamedTuple):
    """``kept`` bool [N, tiles]: masks that are summed pixel by pixel. ``constant`` float32 [tiles, columns, 1]: what
    the others bring to the sums of every pixel of a tile."""

    kept: Tensor
    constant: Tensor


def choose(lowest: Tensor, highest: Tensor, weights: Tensor, totals: Tensor, epsilon: float) -> Needed:
    """Leave out as many masks a tile as ε pays for, the cheapest first.

    A mask between σ(lo) and σ(hi) is replaced by the middle of them, at an error of a_i (σ(hi) − σ(lo)) / 2.

    Args:
        lowest, highest: [N, tiles], least and greatest mask logit in a tile.
        weights: [N, columns], see ``aggregation.query_weights``.
        totals: [N], a_i.
        epsilon: what the errors of a tile may sum up to.
    """
    low, high = lowest.sigmoid(), highest.sigmoid()
    error = totals[:, None] * (high - low) / 2
    ascending, order = error.sort(dim=0)
    paid_for = ascending.cumsum(dim=0) <= epsilon
    kept = torch.ones_like(error, dtype=torch.bool).scatter_(0, order, ~paid_for)
    middle = ((low + high) / 2).masked_fill_(kept, 0.0)
    return Needed(kept, torch.matmul(middle.T, weights)[:, :, None])
