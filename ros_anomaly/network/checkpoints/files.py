"""Tensors of a checkpoint on disk: Hugging Face folders, safetensors, and pickles that hold tensors alone."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.checkpoints.plain_pickle import load_plain_pickle
from ros_anomaly.network.weights import WEIGHTS_FORMAT

_FOLDER_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# Where training frameworks keep the network among optimiser and counters: detectron2, Lightning.
_STATE_KEYS = ("model", "state_dict")


@dataclass(frozen=True)
class CheckpointFile:
    """What a checkpoint holds.

    Attributes:
        path: the folder or file.
        tensors: by the name that the file gives them.
        config: of a Hugging Face folder (``config.json``), else None.
        preprocessor: its ``preprocessor_config.json``, or None.
    """

    path: Path
    tensors: dict[str, Tensor]
    config: Mapping[str, Any] | None = None
    preprocessor: Mapping[str, Any] | None = None


def read_checkpoint(path: str | Path) -> CheckpointFile:
    """Read a Hugging Face folder or a single file; pickles are read without running what they name.

    Raises:
        FileNotFoundError: no such file or folder.
        CheckpointImportError: a folder without the files of a model, an unreadable file, a pickle that holds more
            than tensors and plain values, or weights of ours, which need no import.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"checkpoint {path} does not exist")
    if path.is_dir():
        return _read_folder(path)
    return CheckpointFile(path, _read_file(path))


def _read_folder(folder: Path) -> CheckpointFile:
    config = _read_json(folder / "config.json")
    name = next((name for name in _FOLDER_FILES if (folder / name).is_file()), None)
    if config is None or name is None:
        found = ", ".join(sorted(entry.name for entry in folder.iterdir())[:12]) or "an empty folder"
        raise CheckpointImportError(
            f"{folder}: expected a Hugging Face folder with config.json and one of {', '.join(_FOLDER_FILES)}; "
            f"found {found}"
        )
    tensors = _read_shards(folder, name) if name.endswith(".index.json") else _read_file(folder / name)
    return CheckpointFile(folder, tensors, config, _read_json(folder / "preprocessor_config.json"))


def _read_shards(folder: Path, index_name: str) -> dict[str, Tensor]:
    """All tensors that an index names, each from the file that it says."""
    index = _read_json(folder / index_name) or {}
    places = index.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointImportError(f"{folder / index_name}: expected a weight_map, found keys {sorted(index)}")
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(places.values())):
        if Path(name).name != name or not (folder / name).is_file():
            raise CheckpointImportError(f"{folder / index_name}: expected the file {name} beside it, found none")
        tensors.update(_read_file(folder / name))
    if missing := sorted(set(places) - set(tensors)):
        raise CheckpointImportError(
            f"{folder / index_name}: expected tensors {', '.join(missing)}; found none in files"
        )
    return tensors


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointImportError(f"{path}: expected JSON, found {error}") from error
    if not isinstance(value, dict):
        raise CheckpointImportError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def _read_file(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        content = _read_pickle(path)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "Unsupported" in str(error):
            raise CheckpointImportError(_refusal(path, str(error))) from error
        raise CheckpointImportError(f"{path}: expected a checkpoint, found no pickle of one ({error})") from error
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointImportError(f"{path}: expected a checkpoint, found an unreadable file ({error})") from error
    return _state_of(content, path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") == WEIGHTS_FORMAT:
                raise CheckpointImportError(f"{path}: expected a checkpoint to import, found weights of this package")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise CheckpointImportError(f"{path}: expected a safetensors file, found something else ({error})") from error


def _read_pickle(path: Path) -> Any:
    """Content of a file of ``torch.save``, or of a plain pickle as detectron2's model zoo has them."""
    with path.open("rb") as file:
        # The old format of torch.save is a row of pickles that begins with this number.
        old_torch = file.read(64).find(b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") >= 0
        file.seek(0)
        if zipfile.is_zipfile(path) or old_torch:
            return torch.load(file, map_location="cpu", weights_only=True)
        return load_plain_pickle(file)


def _refusal(path: Path, reason: str) -> str:
    """Why a pickle is not read, and the way out; one line."""
    first = " ".join(reason.split())
    named = first[first.find("GLOBAL") :].split(" was not ")[0] if "GLOBAL" in first else first[:160]
    convert = (
        f"import torch; s = torch.load({path.name!r}, map_location='cpu', weights_only=False); "
        f"s = s.get('model', s.get('state_dict', s)); "
        f"torch.save({{k: torch.as_tensor(v) for k, v in s.items()}}, 'tensors.pth')"
    )
    return (
        f"{path}: expected a pickle of tensors and plain values alone, found {named}; reading it could run any "
        f'code, so it is not read. If you trust its source, convert it where it was made: python -c "{convert}"'
    )


def _state_of(content: Any, path: Path) -> dict[str, Tensor]:
    """The tensors of a network in what a checkpoint holds besides."""
    state = content
    if isinstance(content, Mapping):
        state = next((content[key] for key in _STATE_KEYS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(state, Mapping) or not state:
        raise CheckpointImportError(f"{path}: expected a mapping of names to tensors, found {type(state).__name__}")
    tensors, others = {}, []
    for name, value in state.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            tensors[str(name)] = torch.from_numpy(np.ascontiguousarray(value))
        elif isinstance(value, Tensor):
            tensors[str(name)] = value
        else:
            others.append(f"{name} ({type(value).__name__})")
    if others:
        keys = " or ".join(repr(key) for key in _STATE_KEYS)
        raise CheckpointImportError(
            f"{path}: expected tensors alone, at top level or under {keys}; found {', '.join(others)}"
        )
    return tensors
