"""Half precision for the builder: what is asked of the exporter, and what becomes of its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import engine_files
from ros_anomaly.cli.half_precision import half_precision
from ros_anomaly.network import weights
from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
from ros_anomaly.runtime.building.options import BuildOptions, Precision
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import file_entry, load_manifest


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A toy engine with weights beside it, and an exporter that notes what it is asked for."""
    path = make_toy_engine(tmp_path)
    (tmp_path / "toy.safetensors").write_bytes(b"weights")
    manifest = load_manifest(path)
    replace(manifest, files={**manifest.files, "weights": file_entry(tmp_path / "toy.safetensors")}).save(path)
    asked: list[engine_files.EngineRequest] = []

    def write_engine(network: object, out: Path, request: engine_files.EngineRequest) -> None:
        assert network == tmp_path / "toy.safetensors"
        asked.append(request)
        out.with_suffix(".onnx").write_bytes(path.with_suffix(".onnx").read_bytes())

    monkeypatch.setattr(engine_files, "write_engine", write_engine)
    monkeypatch.setattr(weights, "load_weights", lambda file: (file, {}))
    return open_source(path, "onnxruntime"), asked


def test_an_engine_with_its_weights_is_built_in_half_precision(source, tmp_path):
    toy, asked = source
    request = BuildRequest(toy, BuildOptions("onnxruntime", Precision.FP16), cache=tmp_path / "cache")
    with pytest.raises(EngineError, match="--precision fp16"):
        build_engine(request)
    built = build_engine(replace(request, export=half_precision))
    assert [(one.precision, one.size, one.score, one.program) for one in asked] == [("fp16", (72, 128), "uno", False)]
    assert asked[0].thresholds == toy.manifest.thresholds and asked[0].classes == toy.manifest.class_set
    assert built.manifest.precision is Precision.FP16 and built.manifest.build.source_sha256 == toy.sha256
    load_engine(built.path).close()


def test_other_weights_are_refused_by_hash(source, tmp_path):
    toy, asked = source
    (tmp_path / "toy.safetensors").write_bytes(b"others")
    with pytest.raises(EngineError, match="toy.safetensors: expected sha256"):
        half_precision(toy)
    assert not asked
