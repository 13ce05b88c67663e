"""Hungarian matching of queries to ground-truth masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from ros_anomaly.training.targets import MaskTargets

_NO_COST = 1e8


@dataclass(frozen=True)
class MatchWeights:
    """Weights of the parts of cost and loss (Mask2Former's standard: 2, 5, 5)."""

    classification: float = 2.0
    mask: float = 5.0
    dice: float = 5.0


@torch.no_grad()
def match_costs(class_logits: Tensor, mask_logits: Tensor, targets: MaskTargets, weights: MatchWeights) -> list[Tensor]:
    """Cost [N, M_b] of every pair, for each image.

    Cost = -w_cls p(class) + w_mask BCE + w_dice dice, over the valid share of all cells.

    Args:
        class_logits: [B, N, C].
        mask_logits: [B, N, h, w] at the resolution of ``targets``.
    """
    posteriors = class_logits.float().softmax(-1)
    logits = mask_logits.float().flatten(2)
    valid = targets.valid.flatten(1)
    # Void cells enter neither sum: the mask probabilities and softplus are weighted by validity once, for all pairs.
    probabilities = logits.sigmoid() * valid[:, None]
    negative_cost = (F.softplus(logits) * valid[:, None]).sum(-1)
    probability_sums = probabilities.sum(-1)
    costs, start = [], 0
    for image, count in enumerate(targets.counts):
        masks = targets.masks[start : start + count].flatten(1)
        classes = targets.classes[start : start + count]
        start += count
        cells = valid[image].sum().clamp(min=1.0)
        bce = (negative_cost[image][:, None] - logits[image] @ masks.T) / cells
        overlap = probabilities[image] @ masks.T
        dice = 1 - (2 * overlap + 1) / (probability_sums[image][:, None] + masks.sum(1) + 1)
        costs.append(-weights.classification * posteriors[image][:, classes] + weights.mask * bce + weights.dice * dice)
    return costs


def assign_layers(costs: list[list[Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """:func:`assign` for every layer; costs and answers cross from and to a GPU once for all of them."""
    device = costs[0][0].device
    flat = torch.cat([cost.flatten() for layer in costs for cost in layer]).cpu()
    pieces = iter(flat.split([cost.numel() for layer in costs for cost in layer]))
    found = [assign([next(pieces).view(cost.shape) for cost in layer]) for layer in costs]
    queries = torch.stack([queries for queries, _ in found]).to(device)
    return list(zip(queries, queries >= 0, strict=True))


def assign(costs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Cheapest one-to-one assignment for each image.

    Args:
        costs: [N, M_b] of every image, on the CPU.

    Returns:
        ``queries`` int64 [M] in the order of the targets, -1 for a target left over (more targets than queries), and
        ``matched`` bool [M].
    """
    columns = []
    for cost in costs:
        queries = torch.full((cost.shape[1],), -1, dtype=torch.int64)
        # A network that gives NaN must fail by its loss, which the trainer watches, not here.
        rows, cols = linear_sum_assignment(cost.nan_to_num(nan=_NO_COST, posinf=_NO_COST).numpy())
        queries[torch.from_numpy(cols)] = torch.from_numpy(rows)
        columns.append(queries)
    queries = torch.cat(columns)
    return queries, queries >= 0
