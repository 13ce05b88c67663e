"""Half precision for the builder: what is asked of the exporter, and what becomes of its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import build_engine as build_engine_command
from ros_anomaly.cli import engine_files
from ros_anomaly.cli.half_precision import half_precision
from ros_anomaly.network import parity, weights
from ros_anomaly.network.export import ExportError
from ros_anomaly.runtime import engines
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


def test_an_export_that_is_refused_is_one_line(source, tmp_path, monkeypatch, capsys):
    toy, _ = source
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))

    def refuse(*_arguments: object) -> None:
        raise ExportError("mean error: expected up to 0.01,\nfound 0.02")

    monkeypatch.setattr(engine_files, "write_engine", refuse)
    assert build_engine_command.main([str(toy.path), "--backend", "onnxruntime", "--precision", "fp16"]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("ros-anomaly-build-engine: error:") and said[-1].endswith("up to 0.01, found 0.02")


def test_an_exported_file_that_does_not_run_is_refused(source, tmp_path, monkeypatch):
    class Unwilling:
        def __init__(self, *_arguments: object) -> None:
            pass

        def run(self, image: object) -> None:
            raise KeyError("no kernel")

        def close(self) -> None:
            pass

    toy, _ = source
    monkeypatch.setattr(engines, "session_class", lambda choice: Unwilling)
    monkeypatch.setattr(parity, "measure_parity", lambda reference, run, images, threshold: run(images[0]))
    request = engine_files.EngineRequest(toy.manifest.input_size, "uno", toy.manifest.aggregation)
    with pytest.raises(ExportError, match="toy.onnx in fp32 does not run under onnxruntime: 'no kernel'"):
        engine_files._parity("onnx", tmp_path / "toy.onnx", toy.manifest, None, [None], request)
