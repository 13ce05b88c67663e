"""Devices, number formats, moving averages; several processes that train as one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from tiny_network import tiny_network
from training_rig import records, write_frames

from ros_anomaly.network.weights import save_weights
from ros_anomaly.training.compute import Compute
from ros_anomaly.training.ema import WeightAverage
from ros_anomaly.training.precision import Precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("wanted", "device", "has_bf16", "expected"),
    [
        ("auto", CPU, False, "fp32"),
        ("bf16", CPU, False, "bf16"),
        ("auto", GPU, True, "bf16"),
        ("auto", GPU, False, "fp16"),
        ("fp32", GPU, True, "fp32"),
        ("fp16", GPU, True, "fp16"),
    ],
)
def test_precision_on_devices(monkeypatch, wanted, device, has_bf16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    assert Precision(wanted).on(device) is Precision(expected)


def test_what_a_device_cannot_do_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="expected auto, fp32 or bf16 on the CPU, found fp16"):
        Compute(Precision.FP16, cpu=True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    with pytest.raises(ValueError, match="expected auto, fp32 or fp16 on Tesla T4, found bf16"):
        Precision.BF16.on(GPU)


def test_one_process_takes_whole_batches_and_makes_them_in_the_loop():
    compute = Compute(cpu=True)
    assert (compute.processes, compute.rank, compute.is_main) == (1, 0, True)
    assert compute.slots(3) == range(3)
    assert compute.data_workers(None) == 0 and compute.data_workers(3) == 3
    assert compute.highest(1.5, 0.0) == [1.5, 0.0]


def test_two_processes_share_batches_evenly(monkeypatch):
    monkeypatch.setattr(Compute, "processes", 2)
    monkeypatch.setattr(Compute, "rank", 1)
    assert list(Compute(cpu=True).slots(6)) == [1, 3, 5]
    with pytest.raises(ValueError, match="expected a multiple of the 2 processes, found 3"):
        Compute(cpu=True).slots(3)


def test_moving_average_is_that_of_the_formula():
    network = tiny_network()
    average = WeightAverage(network, 0.9)
    expected = network.dense_head.weight.detach().clone().double()
    for step in range(1, 40):
        with torch.no_grad():
            network.dense_head.weight.add_(0.1)
        average.update(network, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.dense_head.weight.detach().double()
    torch.testing.assert_close(average.network.dense_head.weight.double(), expected, atol=1e-5, rtol=1e-5)
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    with pytest.raises(ValueError, match="between 0 and 1, found 1"):
        WeightAverage(network, 1.0)


RECIPE = """
network: {hidden: 32, mask_features: 16, feedforward: 32, heads: 4, decoder_layers: 2, queries: 8}
closed: {iterations: 3, warmup_iterations: 1, phases: [{until: 1, crop: [32, 64], batch: 2}]}
log: {validation_frames: 1, tensorboard: false}
"""


@pytest.mark.timeout(600)
def test_two_processes_train_one_network(tmp_path):
    write_frames(tmp_path / "frames")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    save_weights(tmp_path / "start.safetensors", tiny_network(), {})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    paths = {"--recipe": "recipe.yaml", "--frames": "frames", "--start": "start.safetensors", "--out": "run"}
    arguments = [text for key, name in paths.items() for text in (key, str(tmp_path / name))]
    command = [sys.executable, "-m", "ros_anomaly.cli.train", *arguments, "--stage", "closed", "--cpu"]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = []
    for rank in ("0", "1"):
        environment = {**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    outputs = [process.communicate(timeout=500)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    assert [record["iteration"] for record in records(tmp_path / "run" / "closed")] == [1, 2, 3]
    contents = torch.load(tmp_path / "run" / "closed" / "checkpoint.pt", weights_only=True)
    assert len(contents["random_states"]) == 2
    assert "wrote" in outputs[0] and "wrote" not in outputs[1]
    trained = load_file(tmp_path / "run" / "closed.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in trained.values())
    assert not torch.equal(trained["dense_head.weight"], tiny_network().dense_head.weight)
