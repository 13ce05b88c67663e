"""The export command: an engine that the runtime loads and that gives what the network gives."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import toy_engine
from tiny_network import tiny_network

from ros_anomaly.cli import export_network
from ros_anomaly.network import export, parity
from ros_anomaly.network.fused import FusedNetwork
from ros_anomaly.network.weights import load_weights, save_weights
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.manifest import load_manifest
from ros_anomaly.runtime.threshold import Threshold
from ros_anomaly.scores.names import Aggregation

SIZE = (64, 96)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "trained.safetensors"
    network = tiny_network(outlier=True)
    with torch.no_grad():
        network.class_head.weight.mul_(0.1)  # not as sure of everything as random weights are
    save_weights(path, network, {"iterations": 5})
    return path


@pytest.fixture(scope="module")
def small(weights, tmp_path_factory) -> Path:
    """Manifest of an engine with its weights and a threshold."""
    out = tmp_path_factory.mktemp("engines") / "new" / "small.json"
    arguments = ["--weights", str(weights), "--out", str(out), "--size", "96x64", "--score", "uno"]
    assert export_network.main([*arguments, "--with-weights"]) == 0
    manifest = load_manifest(out)
    replace(manifest, thresholds={"uno": Threshold(0.25, "by hand", "none")}).save(out)
    return out


def test_a_threshold_that_an_export_replaces_is_told(weights, small, tmp_path, capsys):
    out = tmp_path / small.name
    for file in small.parent.iterdir():
        shutil.copy(file, tmp_path)
    arguments = ["--weights", str(weights), "--out", str(out), "--size", "96x64", "--score", "uno"]
    assert export_network.main(arguments) == 0
    assert "had a threshold for uno; this one has none" in capsys.readouterr().err
    assert load_manifest(out).threshold is None
    assert export_network.main(arguments) == 0
    assert "had a threshold" not in capsys.readouterr().err


def test_engine_with_its_weights(small):
    manifest = load_manifest(small)
    assert (manifest.input_size, manifest.output_size, manifest.num_queries) == (SIZE, (16, 24), 8)
    assert manifest.precision is Precision.FP32
    assert manifest.info["iterations"] == 5
    found = manifest.info["parity"]["onnx"]
    assert found["max_error"] <= 1e-4 and found["frames"] == 3
    rounded, _ = load_weights(manifest.file("weights", small.parent))
    with torch.no_grad():
        expected, _ = FusedNetwork(rounded, "uno", Aggregation.MASKS)(torch.from_numpy(IMAGE))
    engine = load_engine(small, threads=1)
    np.testing.assert_allclose(engine.infer(IMAGE).score, expected.numpy(), atol=1e-4)
    engine.close()


def test_half_precision_with_inherited_thresholds_on_pictures(small, tmp_path, monkeypatch, capsys):
    # Random weights have no settled masks: their scores move by more than those of a trained network may.
    monkeypatch.setitem(parity.BOUNDS, "fp16", parity.ParityBounds(0.1, 0.05, 0.05, 0.05))
    for i in range(2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), IMAGE[::-1] if i else IMAGE)
    out = tmp_path / "half.json"
    arguments = ["--weights", str(small.with_suffix(".safetensors")), "--out", str(out), "--size", "96x64"]
    options = ["--score", "uno", "--precision", "fp16", "--program", "--thresholds-of", str(small)]
    assert export_network.main([*arguments, *options, "--frames", str(tmp_path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    manifest = load_manifest(out)
    assert manifest.precision is Precision.FP16
    assert (manifest.thresholds["uno"].value, manifest.thresholds["uno"].inherited_from) == (0.25, "small")
    found = manifest.info["parity"]
    assert set(found) == {"onnx", "torch_program"}
    assert {**found["onnx"], "manifest": str(out)} == figures
    assert (figures["frames"], figures["threshold"]) == (2, 0.25)
    assert 1e-6 < figures["mean_error"] < 0.05
    full = load_engine(small, threads=1).infer(IMAGE)
    for backend in ("onnxruntime", "openvino", "torch"):
        engine = load_engine(out, backend, threads=1)
        assert np.abs(engine.infer(IMAGE).score - full.score).mean() < 0.05
        engine.close()


def test_a_network_that_gives_something_else_leaves_what_was_there(small, tmp_path, monkeypatch, capsys):
    toy = toy_engine.make_toy_engine(tmp_path, SIZE).with_suffix(".onnx")
    monkeypatch.setattr(export, "export_onnx", lambda module, size, path, target: shutil.copy(toy, path))
    before = {path: path.read_bytes() for path in small.parent.iterdir()}
    arguments = ["--weights", str(small.with_suffix(".safetensors")), "--out", str(small), "--size", "96x64"]
    assert export_network.main([*arguments, "--score", "uno"]) == 1
    assert "small.onnx in fp32 under onnxruntime against torch in fp32: max error: expected" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in small.parent.iterdir()} == before


def test_thresholds_of_other_weights(small, weights, tmp_path, capsys):
    arguments = ["--weights", str(weights), "--out", str(tmp_path / "e.json"), "--size", "96x64"]
    assert export_network.main([*arguments, "--thresholds-of", str(small)]) == 1
    assert "thresholds say nothing of other weights; expected weights with sha256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--out", "engine.onnx"], "ending in .json"),
        (["--out", "e.json", "--size", "96"], "expected WIDTHxHEIGHT"),
        (["--out", "e.json", "--score", "best"], "invalid choice: 'best'"),
        (["--out", "e.json", "--precision", "int8"], "invalid choice: 'int8'"),
        (["--out", "e.json", "--frames", "none"], "a folder of pictures or a bag, found nothing at none"),
    ],
)
def test_mistakes_are_one_line(weights, tmp_path, monkeypatch, capsys, extra, message):
    monkeypatch.chdir(tmp_path)
    try:
        status = export_network.main(["--weights", str(weights), *extra])
    except SystemExit as stopped:
        status = stopped.code
    assert status != 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert list(tmp_path.glob("e.*")) == []


def test_weights_that_are_none(tmp_path, capsys):
    (tmp_path / "bad.safetensors").write_text("nothing")
    arguments = ["--weights", str(tmp_path / "bad.safetensors"), "--out", str(tmp_path / "e.json")]
    assert export_network.main(arguments) == 1
    assert "expected a safetensors file" in capsys.readouterr().err
