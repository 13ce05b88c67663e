"""Checkpoints of a stage: all that an exact continuation needs."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig
from ros_anomaly.network.weights import load_tensors

CHECKPOINT_FORMAT = 2
_PREVIOUS = ".previous"


class CheckpointError(ValueError):
    """A checkpoint is unreadable or belongs to another network or stage."""


@dataclass
class Position:
    """Where a stage stands. Data of step i depend on i alone, so this is the data position too.

    Attributes:
        iteration: steps taken.
        elapsed_s: training time over all runs, without the steps that were lost when a run was killed.
        waited_s: share of that spent waiting for data.
        validated_s: ``elapsed_s`` at the last validation.
        best_value, best_iteration: highest validation figure so far and the step it was found at; None before any.
        done: the stage is finished.
    """

    iteration: int = 0
    elapsed_s: float = 0.0
    waited_s: float = 0.0
    validated_s: float = 0.0
    best_value: float | None = None
    best_iteration: int | None = None
    done: bool = False


class _Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


@dataclass
class TrainingState:
    """What a checkpoint holds beside the position.

    Attributes:
        stage: name. network: in training. average: its moving average, None without one.
        optimiser: with its learning rates. scaler: of an fp16 loss, else None.
    """

    stage: str
    network: AnomalyNetwork
    optimiser: _Stateful
    average: AnomalyNetwork | None = None
    scaler: _Stateful | None = None


def previous_path(path: Path) -> Path:
    """Where the checkpoint before the one at ``path`` is kept."""
    return path.with_name(f"{path.stem}{_PREVIOUS}{path.suffix}")


def save_checkpoint(path: Path, state: TrainingState, position: Position, random_states: list[dict[str, Any]]) -> None:
    """Write atomically and durably; the checkpoint that was there becomes the previous one.

    A crash at any moment, of the machine too, leaves a whole checkpoint at ``path``.

    Args:
        random_states: of every process (:func:`ros_anomaly.training.random_state.random_state`).
    """
    contents = {
        "format": CHECKPOINT_FORMAT,
        "stage": state.stage,
        "network_config": asdict(state.network.config),
        "network": state.network.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "scaler": None if state.scaler is None else state.scaler.state_dict(),
        "position": asdict(position),
        "random_states": random_states,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        torch.save(contents, file)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        _keep_as_previous(path)
    os.replace(temporary, path)
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # of runs that were killed while they wrote
        leftover.unlink(missing_ok=True)


def _keep_as_previous(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.previous.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, temporary)
    os.replace(temporary, previous_path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The contents of a checkpoint, on the CPU.

    Raises:
        CheckpointError: unreadable or of another format; names the previous checkpoint where there is one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():  # torch itself reads past wrong checksums
                raise CheckpointError(f"{path}: expected a checkpoint, found {damaged} unreadable{_advice(path)}")
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path}: expected a checkpoint, found something unreadable ({reason}){_advice(path)}"
        ) from error
    found = contents.get("format") if isinstance(contents, dict) else None
    if found != CHECKPOINT_FORMAT:
        raise CheckpointError(f"{path}: expected checkpoint format {CHECKPOINT_FORMAT}, found {found}")
    return contents


def _advice(path: Path) -> str:
    previous = previous_path(path)
    if not previous.exists():
        return ""
    return f"; the one before it is {previous}: rename it to {path.name} to continue from there"


def checkpoint_network(contents: dict[str, Any]) -> NetworkConfig:
    """Architecture of the network in a checkpoint."""
    return NetworkConfig.from_plain(contents["network_config"])


def restore_checkpoint(contents: dict[str, Any], state: TrainingState, where: Path) -> Position:
    """Put the contents of a checkpoint into ``state`` and return its position; random states are left to the caller.

    Raises:
        CheckpointError: written for another stage or network, or with or without what ``state`` has not or has.
    """
    if contents["stage"] != state.stage:
        raise CheckpointError(f"{where}: expected stage {state.stage}, found {contents['stage']}")
    found, expected = checkpoint_network(contents), state.network.config
    if found != expected:
        raise CheckpointError(f"{where}: expected network {asdict(expected)}, found {asdict(found)}")
    for name, part, meaning in (("average", state.average, "ema_decay"), ("scaler", state.scaler, "precision fp16")):
        if (contents[name] is None) != (part is None):
            has = "without" if contents[name] is None else "with"
            raise CheckpointError(f"{where}: expected one of the recipe's {meaning}, found one written {has} it")
    load_tensors(state.network, contents["network"], str(where))
    if state.average is not None:
        load_tensors(state.average, contents["average"], str(where))
    try:
        state.optimiser.load_state_dict(contents["optimiser"])
    except ValueError as error:
        raise CheckpointError(f"{where}: expected the optimiser of this recipe, found another ({error})") from error
    if state.scaler is not None:
        state.scaler.load_state_dict(contents["scaler"])
    return Position(**contents["position"])
