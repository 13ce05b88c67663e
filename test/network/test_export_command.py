"""The export command: an engine that the runtime loads and that gives what the network gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import tiny_network

from ros_anomaly.cli import export_network
from ros_anomaly.network.fused import FusedNetwork
from ros_anomaly.network.weights import load_weights, save_weights
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.manifest import load_manifest
from ros_anomaly.scores.names import Aggregation


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / "trained.safetensors"
    save_weights(path, tiny_network(outlier=True), {"iterations": 5})
    return path


def test_engine_with_its_weights(weights, tmp_path, capsys):
    out = tmp_path / "engines" / "small.json"
    arguments = ["--weights", str(weights), "--out", str(out), "--size", "96x64", "--score", "uno"]
    assert export_network.main([*arguments, "--with-weights", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["max_error"] <= 1e-4
    manifest = load_manifest(out)
    assert (manifest.input_size, manifest.output_size, manifest.num_queries) == ((64, 96), (16, 24), 8)
    assert manifest.info["iterations"] == 5
    rounded, _ = load_weights(manifest.file("weights", out.parent))
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    with torch.no_grad():
        expected, _ = FusedNetwork(rounded, "uno", Aggregation.MASKS)(torch.from_numpy(image))
    engine = load_engine(out, threads=1)
    np.testing.assert_allclose(engine.infer(image).score, expected.numpy(), atol=1e-4)
    engine.close()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--out", "engine.onnx"], "ending in .json"),
        (["--out", "e.json", "--size", "96"], "expected WIDTHxHEIGHT"),
        (["--out", "e.json", "--score", "best"], "invalid choice: 'best'"),
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
