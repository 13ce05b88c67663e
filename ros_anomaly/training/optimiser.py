"""The optimiser of a stage."""

from __future__ import annotations

import torch
from torch import nn

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.training.stage_config import StageConfig


def make_optimiser(network: AnomalyNetwork, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW with a lower rate for the backbone and no weight decay on vectors, embeddings and position tables.

    Groups have their own rate under ``base_lr``, which a schedule multiplies.
    """
    in_backbone = {id(parameter) for parameter in network.backbone.parameters()}
    embeddings = {id(module.weight) for module in network.modules() if isinstance(module, nn.Embedding)}
    members: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            decayed = parameter.ndim >= 2 and id(parameter) not in embeddings and "position_bias_table" not in name
            members.setdefault((id(parameter) in in_backbone, decayed), []).append(parameter)
    groups = [
        {
            "params": parameters,
            "base_lr": stage.learning_rate * (stage.backbone_factor if of_backbone else 1.0),
            "weight_decay": stage.weight_decay if decayed else 0.0,
        }
        for (of_backbone, decayed), parameters in members.items()
    ]
    rate = stage.learning_rate
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def set_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Every group's ``base_lr`` times ``factor``."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor


def trained_parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """All parameters that it steps."""
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
