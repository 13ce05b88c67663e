"""Files of checkpoints: what is read, and what is refused and why."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.checkpoints.files import read_checkpoint
from ros_anomaly.network.weights import WEIGHTS_FORMAT

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(1)}


class Surprise:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("key", ["model", "state_dict", None])
@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch(key, zipped):
    content = STATE if key is None else {key: OrderedDict(STATE), "optimizer": {"lr": 0.1}, "epoch": 3}
    torch.save(content, "file.pth", _use_new_zipfile_serialization=zipped)
    assert torch.equal(read_checkpoint("file.pth").tensors["a.weight"], STATE["a.weight"])


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_plain_pickles_of_arrays(protocol):
    arrays = {name: tensor.numpy() for name, tensor in STATE.items()}
    content = {"model": arrays, "__author__": "someone", "matching_heuristics": True, "lr": np.float64(0.1)}
    Path("file.pkl").write_bytes(pickle.dumps(content, protocol))
    found = read_checkpoint("file.pkl").tensors
    assert set(found) == set(STATE)
    assert torch.equal(found["a.weight"], STATE["a.weight"])


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_pickles_that_could_run_code_are_not_run(how):
    content = {"model": STATE, "callback": Surprise()}
    if how == "torch":
        torch.save(content, "file.pth")
    else:
        Path("file.pth").write_bytes(pickle.dumps({"callback": Surprise()}))
    with pytest.raises(CheckpointImportError, match="could run any code.*convert it where it was made") as caught:
        read_checkpoint("file.pth")
    assert "\n" not in str(caught.value)
    assert "found GLOBAL" in str(caught.value)
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("file.pth", b"no checkpoint at all", "expected a checkpoint, found"),
        ("file.pth", b"", "expected a checkpoint, found"),
        ("file.pth", b"PK\x03\x04 broken", "expected a checkpoint, found"),
        ("file.safetensors", b"nothing", "expected a safetensors file"),
        ("file.pkl", pickle.dumps([1, 2]), "expected a mapping of names to tensors, found list"),
        ("file.pkl", pickle.dumps({"model": {"a": 1, "b": "x"}}), r"tensors alone.*found a \(int\), b \(str\)"),
    ],
)
def test_files_that_are_no_checkpoints(name, content, message):
    Path(name).write_bytes(content)
    with pytest.raises(CheckpointImportError, match=message):
        read_checkpoint(name)


def test_folders():
    with pytest.raises(FileNotFoundError, match="checkpoint nowhere does not exist"):
        read_checkpoint("nowhere")
    Path("hf").mkdir()
    Path("hf/notes.txt").write_text("")
    with pytest.raises(
        CheckpointImportError, match=r"with config\.json and one of model\.safetensors.*found notes\.txt"
    ):
        read_checkpoint("hf")
    Path("hf/config.json").write_text("{")
    with pytest.raises(CheckpointImportError, match="expected JSON"):
        read_checkpoint("hf")
    Path("hf/config.json").write_text("{}")
    index = Path("hf/model.safetensors.index.json")
    index.write_text('{"weight_map": {"a": "one.safetensors", "b": "../two.safetensors"}}')
    save_file({"a": torch.ones(1)}, "hf/one.safetensors")
    with pytest.raises(CheckpointImportError, match=r"expected the file \.\./two\.safetensors beside it"):
        read_checkpoint("hf")
    index.write_text('{"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}}')
    with pytest.raises(CheckpointImportError, match="expected tensors b; found none"):
        read_checkpoint("hf")


def test_weights_of_ours_need_no_import():
    save_file(STATE, "ours.safetensors", metadata={"format": WEIGHTS_FORMAT})
    with pytest.raises(CheckpointImportError, match="found weights of this package"):
        read_checkpoint("ours.safetensors")
