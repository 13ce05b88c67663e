"""Weights on disk: safetensors with the architecture in the metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig

WEIGHTS_FORMAT = "ros_anomaly-network-1"
OPTIONAL_LAYERS = ("fine_masks.",)
"""Layers that a network may be trained with or without from the same start weights."""
# What training alone knows of (drop_path), what only says whether there are optional layers, what changes no tensor.
_FREE_TO_DIFFER = {"fine_features", "drop_path", "input_scale"}


class WeightsError(ValueError):
    """A weights file is unreadable, of another format, or does not fit the network."""


def save_weights(path: str | Path, network: AnomalyNetwork, info: Mapping[str, Any], half: bool = False) -> None:
    """Write the network with its configuration, atomically.

    Args:
        info: what else is to be known of the weights (data, figures); JSON-serialisable.
        half: store matrices and kernels in float16. Loading such a file gives the rounded float32 network;
            to have the network in memory agree with it, load it back.
    """
    path = Path(path)
    tensors = {}
    for name, tensor in network.state_dict().items():
        tensor = tensor.detach().contiguous().clone()
        # Vectors (norm statistics, biases) stay exact: they are few and their range may exceed float16's.
        tensors[name] = tensor.half() if half and tensor.ndim >= 2 and tensor.is_floating_point() else tensor
    metadata = {
        "format": WEIGHTS_FORMAT,
        "config": json.dumps(asdict(network.config)),
        "info": json.dumps(dict(info)),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata=metadata)
    temporary.chmod(0o644)  # safetensors makes files that only their owner can read
    os.replace(temporary, path)


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds: the architecture, the tensors by name, and what else was said of them."""

    config: NetworkConfig
    tensors: dict[str, Tensor]
    info: dict[str, Any]


def read_weights(path: str | Path) -> WeightsFile:
    """The contents of a weights file.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not a weights file of this format.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"weights file {path} does not exist")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise WeightsError(f"{path}: expected a safetensors file, found something else ({error})") from error
    if metadata.get("format") != WEIGHTS_FORMAT:
        raise WeightsError(f"{path}: expected format {WEIGHTS_FORMAT}, found {metadata.get('format')}")
    try:
        config = NetworkConfig.from_plain(json.loads(metadata["config"]))
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from error
    return WeightsFile(config, tensors, json.loads(metadata["info"]))


def load_weights(path: str | Path) -> tuple[AnomalyNetwork, dict[str, Any]]:
    """The float32 network of a file and its ``info``.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not a weights file of this format; tensors missing, extra or misshapen are named.
    """
    file = read_weights(path)
    network = AnomalyNetwork(file.config)
    load_tensors(network, file.tensors, str(path))
    return network, file.info


def load_tensors(network: AnomalyNetwork, tensors: Mapping[str, Tensor], where: str) -> None:
    """Copy ``tensors`` into ``network``; WeightsError names all that are missing, extra or misshapen."""
    wanted = network.state_dict()
    if problems := _differences(wanted, tensors):
        raise WeightsError(f"{where}: weights do not fit the network: {'; '.join(problems)}")
    _copy(wanted, tensors)


@dataclass(frozen=True)
class StartReport:
    """Tensors by name that a network has and its start weights lack (``new``), and the reverse (``left_out``)."""

    new: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def start_from(network: AnomalyNetwork, file: WeightsFile, where: str) -> StartReport:
    """Copy the tensors of ``file`` into a network that may have other layers among :data:`OPTIONAL_LAYERS`.

    New layers keep the values that they start with, which leave the network's answers as they were.

    Raises:
        WeightsError: names every other difference in architecture, and all tensors missing, extra or misshapen.
    """
    wanted, tensors = network.state_dict(), file.tensors
    report = StartReport(
        tuple(name for name in wanted if name not in tensors and name.startswith(OPTIONAL_LAYERS)),
        tuple(name for name in tensors if name not in wanted and name.startswith(OPTIONAL_LAYERS)),
    )
    expected, found = asdict(network.config), asdict(file.config)
    problems = [
        f"{key}: expected {expected[key]}, found {found[key]}"
        for key in expected
        if expected[key] != found[key] and key not in _FREE_TO_DIFFER
    ]
    wanted = {name: tensor for name, tensor in wanted.items() if name not in report.new}
    tensors = {name: tensor for name, tensor in tensors.items() if name not in report.left_out}
    problems += _differences(wanted, tensors)
    if problems:
        raise WeightsError(f"{where}: weights do not fit the network of the recipe: {'; '.join(problems)}")
    _copy(wanted, tensors)
    return report


def _differences(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"extra {name}" for name in tensors if name not in wanted]
    problems += [
        f"misshapen {name}: expected {tuple(wanted[name].shape)}, found {tuple(tensors[name].shape)}"
        for name in wanted
        if name in tensors and wanted[name].shape != tensors[name].shape
    ]
    return problems


@torch.no_grad()
def _copy(targets: Mapping[str, Tensor], sources: Mapping[str, Tensor]) -> None:
    for name, target in targets.items():
        target.copy_(sources[name])
