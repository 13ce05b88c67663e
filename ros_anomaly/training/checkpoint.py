"""Checkpoints of a stage: all that an exact continuation needs."""

from __future__ import annotations

import os
import pickle
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import load_tensors


class CheckpointError(ValueError):
    """A checkpoint is unreadable or belongs to another network or stage."""


@dataclass
class Position:
    """Where a stage stands. Data of step i depend on i alone, so this is the data position too."""

    iteration: int = 0
    elapsed_s: float = 0.0
    done: bool = False


def save_checkpoint(
    path: Path, network: AnomalyNetwork, optimiser: torch.optim.Optimizer, position: Position, stage: str
) -> None:
    """Write atomically: a crash leaves the old checkpoint or the new one."""
    state = {
        "stage": stage,
        "network_config": asdict(network.config),
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "position": asdict(position),
        "torch_rng": torch.get_rng_state(),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load_checkpoint(path: Path, network: AnomalyNetwork, optimiser: torch.optim.Optimizer, stage: str) -> Position:
    """Restore network, optimiser and torch's random state; return the position.

    Raises:
        CheckpointError: unreadable, or written for another stage or network.
    """
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path}: expected a checkpoint, found something unreadable")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: expected a checkpoint, found something unreadable ({error})") from error
    if state["stage"] != stage:
        raise CheckpointError(f"{path}: expected stage {stage}, found {state['stage']}")
    if state["network_config"] != asdict(network.config):
        raise CheckpointError(f"{path}: expected network {asdict(network.config)}, found {state['network_config']}")
    load_tensors(network, state["network"], str(path))
    optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["torch_rng"])
    return Position(**state["position"])
