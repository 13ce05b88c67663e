"""A backend is chosen by one text: name, device, mode."""

from __future__ import annotations

import re

import pytest

from ros_anomaly.runtime.backends import BACKEND_NAMES, BACKEND_TEXTS, BACKENDS, BackendChoice, choices
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.manifest import FILE_ROLES


@pytest.mark.parametrize(
    ("text", "name", "device", "mode"),
    [
        ("onnxruntime", "onnxruntime", "cpu", ""),
        ("onnxruntime:cuda", "onnxruntime", "cuda", ""),
        ("openvino", "openvino", "cpu", "f32"),
        ("openvino:bf16", "openvino", "cpu", "bf16"),
        ("torch", "torch", "cpu", "eager"),
        ("torch:cuda:compile", "torch", "cuda", "compile"),
        ("torch:cuda_graph", "torch", "cuda", "cuda_graph"),
        ("tensorrt", "tensorrt", "cuda", ""),
    ],
)
def test_text_and_choice(text, name, device, mode):
    choice = BackendChoice.parse(text)
    assert choice == BackendChoice(name, device, mode)
    assert str(choice) == text
    assert EngineSpec(backend=text).role == BACKENDS[name].role


@pytest.mark.parametrize(
    ("text", "shortest"),
    [("torch:cpu:eager", "torch"), ("torch:compile:cuda", "torch:cuda:compile"), ("openvino:f32", "openvino")]
    + [("torch:cuda:cuda_graph", "torch:cuda_graph"), ("tensorrt:cuda", "tensorrt")],
)
def test_defaults_may_be_said(text, shortest):
    assert str(BackendChoice.parse(text)) == shortest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tensorflow", f"expected one of {', '.join(BACKEND_NAMES)}; found 'tensorflow'"),
        ("", "found ''"),
        (
            "torch:gpu",
            "one of the devices cpu, cuda and one of the modes eager, compile, cuda_graph; found 'torch:gpu'",
        ),
        ("onnxruntime:compile", "at most one of the devices cpu, cuda; found 'onnxruntime:compile'"),
        ("torch:cpu:cuda", "found 'torch:cpu:cuda'"),
        ("torch:", "found 'torch:'"),
        ("torch:cpu:cuda_graph", "expected cuda_graph on device cuda, found it on cpu"),
        ("openvino:f32:bf16", "found 'openvino:f32:bf16'"),
    ],
)
def test_what_a_backend_does_not_know(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        EngineSpec(backend=text)


def test_every_choice_has_a_text_of_its_own():
    assert len(set(BACKEND_TEXTS)) == len(BACKEND_TEXTS) == len(choices())
    assert [BackendChoice.parse(text) for text in BACKEND_TEXTS] == list(choices())
    assert {backend.role for backend in BACKENDS.values()} <= set(FILE_ROLES)
