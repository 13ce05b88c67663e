"""Weights on disk."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from tiny_network import TINY, tiny_network

from ros_anomaly.network.weights import WeightsError, load_tensors, load_weights, save_weights


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("outlier", [False, True])
def test_round_trip(tmp_path, half, outlier):
    network = tiny_network(outlier)
    path = tmp_path / "weights.safetensors"
    save_weights(path, network, {"iterations": 7}, half=half)
    loaded, info = load_weights(path)
    assert info == {"iterations": 7}
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        expected = tensor.half().float() if half and tensor.ndim >= 2 else tensor
        torch.testing.assert_close(loaded.state_dict()[name], expected, atol=0, rtol=0)
    # A rounded network is stored without further loss.
    again = tmp_path / "again.safetensors"
    save_weights(again, loaded, info, half=half)
    assert all((load_file(path)[name] == tensor).all() for name, tensor in load_file(again).items())
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_tensors_that_do_not_fit_are_named():
    network = tiny_network()
    tensors = network.state_dict()
    del tensors["dense_head.bias"]
    tensors["stranger"] = torch.zeros(1)
    tensors["dense_head.weight"] = torch.zeros(2, 2)
    with pytest.raises(WeightsError) as error:
        load_tensors(network, tensors, "file")
    message = str(error.value)
    assert "missing dense_head.bias" in message
    assert "extra stranger" in message
    assert f"misshapen dense_head.weight: expected ({TINY.inlier_classes}, 32, 1, 1), found (2, 2)" in message


def test_files_that_are_no_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_weights(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not a tensor in sight")
    with pytest.raises(WeightsError, match="expected a safetensors file"):
        load_weights(tmp_path / "text.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors", metadata={"format": "else"})
    with pytest.raises(WeightsError, match="found else"):
        load_weights(tmp_path / "other.safetensors")
