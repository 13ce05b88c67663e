"""The OpenVINO backend gives what ONNX Runtime gives, in the precision that was asked for."""

from __future__ import annotations

import json

import numpy as np
import openvino
import pytest
import toy_engine

from ros_anomaly.runtime import openvino_session
from ros_anomaly.runtime.engines import load_engine, load_raw_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import file_entry
from ros_anomaly.runtime.session import SessionOptions

SIZE = (24, 32)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_engine.make_toy_engine(tmp_path_factory.mktemp("engines"), SIZE)


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*SIZE, 3), np.uint8) for _ in range(count)]


def test_both_backends_agree_and_results_stay(toy):
    first, second = images(2)
    first.flags.writeable = False
    engine = load_engine(toy, "openvino", threads=1)
    found = engine.infer(first)
    again = engine.infer(second)  # must not change what the caller has
    engine.close()
    reference = load_engine(toy, "onnxruntime", threads=1)
    for image, result in ((first, found), (second, again)):
        expected = reference.infer(image)
        np.testing.assert_allclose(result.score, expected.score, atol=1e-6)
        np.testing.assert_array_equal(result.class_ids, expected.class_ids)
        assert (result.score.dtype, result.class_ids.dtype) == (np.float32, np.uint8)


def test_raw_engine(tmp_path):
    engine = load_raw_engine(toy_engine.make_toy_raw_engine(tmp_path, SIZE), "openvino", threads=1)
    assert engine.infer(images(1)[0]).mask_logits.shape == (toy_engine.NUM_QUERIES, 6, 8)
    engine.close()


@pytest.mark.parametrize("mode", ["f32", "bf16"])
def test_the_precision_is_the_one_asked_for(toy, mode, monkeypatch):
    asked = []
    compile_model = openvino.Core.compile_model

    def compile_in_f32(core, network, device, settings):
        asked.append(settings["INFERENCE_PRECISION_HINT"])
        return compile_model(core, network, device, {**settings, "INFERENCE_PRECISION_HINT": "f32"})

    monkeypatch.setattr(openvino.Core, "compile_model", compile_in_f32)  # bf16 is not on every machine
    monkeypatch.setattr(openvino.Core, "get_property", lambda core, device, name: ["FP32", "BF16"])
    load_engine(toy, f"openvino:{mode}", threads=1).close()
    assert asked == [mode]


def test_bfloat16_needs_a_cpu_that_has_it(toy, monkeypatch):
    monkeypatch.setattr(openvino.Core, "get_property", lambda core, device, name: ["FP32", "INT8"])
    with pytest.raises(EngineError, match="expected a CPU with bfloat16, found FP32, INT8"):
        load_engine(toy, "openvino:bf16")
    assert openvino_session.OpenVinoSession.obstacle(SessionOptions(mode="f32")) == ""


def test_networks_that_are_none_or_take_other_images(toy, tmp_path):
    plain = json.loads(toy.read_text())
    (tmp_path / "toy.onnx").write_bytes(b"no network")
    plain["files"]["onnx"]["sha256"] = file_entry(tmp_path / "toy.onnx").sha256
    (tmp_path / "toy.json").write_text(json.dumps(plain))
    with pytest.raises(EngineError, match="expected an ONNX network, found one that does not load"):
        load_engine(tmp_path / "toy.json", "openvino")
    other = toy_engine.make_toy_engine(tmp_path, (28, 32), name="other")
    entry = file_entry(other.with_suffix(".onnx"))
    plain["files"]["onnx"] = {"name": entry.name, "sha256": entry.sha256}
    (tmp_path / "toy.json").write_text(json.dumps(plain))
    with pytest.raises(EngineError, match=r"expected the input .*24, 32, 3.* found .*28, 32, 3"):
        load_engine(tmp_path / "toy.json", "openvino")
