"""The optimiser of a stage."""

from __future__ import annotations

import torch
from torch import nn

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.training.stage_config import StageConfig


def make_optimiser(network: AnomalyNetwork, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW with a lower rate for the backbone and no weight decay on vectors and embeddings.

    Groups have their own rate under ``base_lr``, which a schedule multiplies.
    """
    backbone, decayed, plain = [], [], []
    in_backbone = {id(parameter) for parameter in network.backbone.parameters()}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in in_backbone:
            backbone.append(parameter)
        elif parameter.ndim < 2 or "embed" in name or "queries" in name:
            plain.append(parameter)
        else:
            decayed.append(parameter)
    rate = stage.learning_rate
    groups = [
        {"params": backbone, "base_lr": rate * stage.backbone_factor, "weight_decay": stage.weight_decay},
        {"params": decayed, "base_lr": rate, "weight_decay": stage.weight_decay},
        {"params": plain, "base_lr": rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def set_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Every group's ``base_lr`` times ``factor``."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor


def trained_parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """All parameters that it steps."""
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
