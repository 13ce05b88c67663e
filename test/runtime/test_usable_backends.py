"""Which backends are usable here, and why the others are not."""

from __future__ import annotations

import sys

import onnxruntime
import pytest
import torch
import toy_engine

from ros_anomaly.runtime.backends import BACKEND_TEXTS
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.onnxruntime_session import OnnxRuntimeSession
from ros_anomaly.runtime.usable import usable_backends


@pytest.fixture
def toy(tmp_path):
    return toy_engine.make_toy_engine(tmp_path, (24, 32))


def reasons(engine=None) -> dict[str, str]:
    return {str(found.choice): found.reason for found in usable_backends(engine)}


def test_libraries_and_files(toy):
    found = reasons(toy)
    assert tuple(found) == BACKEND_TEXTS
    assert found["onnxruntime"] == found["openvino"] == ""
    assert "expected a torch program in fp32, found none at all" in found["torch"]
    if not torch.cuda.is_available():
        assert "expected a build of torch with CUDA and a GPU" in found["torch:cuda_graph"]
    assert reasons()["torch"] == ""
    with pytest.raises(EngineError, match="expected a manifest"):
        usable_backends(toy.with_name("none.json"))


def test_a_file_that_is_not_the_manifest_s(toy):
    toy.with_suffix(".onnx").write_bytes(b"another")
    assert "expected sha256" in reasons(toy)["onnxruntime"]


def test_a_library_that_is_not_there(toy, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "ros_anomaly.runtime.openvino_session", raising=False)
    assert "expected its library to be installed (pip install openvino)" in reasons(toy)["openvino"]
    with pytest.raises(EngineError, match="backend openvino: expected its library to be installed"):
        load_engine(toy, "openvino")


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="has the provider")
def test_onnx_runtime_never_falls_back_to_the_cpu(toy, monkeypatch):
    with pytest.raises(EngineError, match=r"expected CUDAExecutionProvider \(pip install onnxruntime-gpu\)"):
        load_engine(toy, "onnxruntime:cuda")
    monkeypatch.setattr(OnnxRuntimeSession, "obstacle", classmethod(lambda cls, options: ""))
    with pytest.raises(EngineError, match="expected CUDAExecutionProvider to start, found CPUExecutionProvider alone"):
        load_engine(toy, "onnxruntime:cuda")
