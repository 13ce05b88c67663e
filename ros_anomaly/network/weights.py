"""Weights on disk: safetensors with the architecture in the metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig

WEIGHTS_FORMAT = "ros_anomaly-network-1"


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


def load_weights(path: str | Path) -> tuple[AnomalyNetwork, dict[str, Any]]:
    """The float32 network of a file and its ``info``.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not a weights file of this format; tensors missing, extra or misshapen are named.
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
    network = AnomalyNetwork(NetworkConfig(**json.loads(metadata["config"])))
    load_tensors(network, tensors, str(path))
    return network, json.loads(metadata["info"])


def load_tensors(network: AnomalyNetwork, tensors: Mapping[str, Tensor], where: str) -> None:
    """Copy ``tensors`` into ``network``; WeightsError names all that are missing, extra or misshapen."""
    wanted = network.state_dict()
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"extra {name}" for name in tensors if name not in wanted]
    problems += [
        f"misshapen {name}: expected {tuple(wanted[name].shape)}, found {tuple(tensors[name].shape)}"
        for name in wanted
        if name in tensors and wanted[name].shape != tensors[name].shape
    ]
    if problems:
        raise WeightsError(f"{where}: weights do not fit the network: {'; '.join(problems)}")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[name])
