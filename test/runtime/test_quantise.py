"""int8 by Q/DQ nodes: what is quantised, how far it agrees, and which images will not do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from conv_engine import make_conv_engine
from onnx import numpy_helper
from toy_engine import make_toy_engine

from ros_anomaly.runtime.building.agreement import agreement_of
from ros_anomaly.runtime.building.builder import BuildRequest, Watch, build_engine
from ros_anomaly.runtime.building.options import BuildOptions, BuildPolicy, Precision
from ros_anomaly.runtime.building.quantise import FEWEST_IMAGES, quantised
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec, load_engine, load_located
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import load_manifest

SIZE = (72, 128)


def pictures(count: int = FEWEST_IMAGES, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Noise with a magenta box, no two alike."""
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(count)]
    for image in images:
        image[20:40, 30:60] = (255, 0, 255)
    return images


def ignore(_fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def conv(tmp_path_factory) -> Path:
    return make_conv_engine(tmp_path_factory.mktemp("conv"))


@pytest.fixture(scope="module")
def int8(conv) -> onnx.ModelProto:
    return onnx.load_from_string(quantised(conv.with_suffix(".onnx"), SIZE, pictures(), ignore))


def test_convolutions_over_all_channels_take_int8_and_depthwise_ones_do_not(int8):
    made_by = {output: node for node in int8.graph.node for output in node.output}
    inputs = {
        node.input[1].split("_")[0]: [made_by[name].op_type for name in node.input[:2] if name in made_by]
        for node in int8.graph.node
        if node.op_type == "Conv"
    }
    assert inputs["spread"] == ["DequantizeLinear"] * 2 == inputs["gather"]
    assert "DequantizeLinear" not in inputs["depthwise"]


def test_ranges_are_symmetric_and_weights_int8_a_channel(int8):
    values = {entry.name: numpy_helper.to_array(entry) for entry in int8.graph.initializer}
    zero_points = [value for name, value in values.items() if name.endswith("zero_point")]
    assert zero_points and all(point.dtype == np.int8 and not point.any() for point in zero_points)
    weights = [value for value in values.values() if value.dtype == np.int8 and value.ndim == 4]
    assert sorted(value.shape for value in weights) == [(1, 8, 1, 1), (8, 3, 3, 3)]
    assert any(value.shape == (8,) for name, value in values.items() if name.endswith("scale"))


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_it_runs_and_agrees_with_what_it_was_built_from(conv, tmp_path, backend):
    if backend == "openvino":
        pytest.importorskip("openvino")
    # OpenVINO leaves the registers of the matrix unit in use on the thread that it runs on; a signal that comes to this
    # thread later may not fit on its small stack for signals, and kills the process. So not on the main thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(runs_and_agrees, conv, tmp_path, backend).result()


def runs_and_agrees(conv, tmp_path, backend):
    told: list[float] = []
    request = BuildRequest(
        open_source(conv, backend), BuildOptions(backend, Precision.INT8), cache=tmp_path, images=pictures()
    )
    built = build_engine(request, Watch(progress=told.append))
    assert told == sorted(told) and len(set(told)) > FEWEST_IMAGES and told[-1] == 1
    manifest = load_manifest(built.path)
    assert manifest.precision is Precision.INT8 and manifest.build is not None
    assert (manifest.build.device_name, manifest.build.source) == ("", "conv")
    assert manifest.threshold is not None and manifest.threshold.inherited_from == "conv"

    reference, engine = load_engine(conv), load_engine(built.path, backend)
    found = agreement_of(reference, engine, pictures(2), manifest.threshold.value)
    assert 0 < found.score_mean_error < 0.02 < found.score_spread
    assert found.class_changes == 0 and found.anomalous_changes is not None and found.anomalous_changes < 0.01
    # By its name and precision too, as the node's parameters give them.
    other = "onnxruntime" if backend == "openvino" else "openvino"
    with pytest.raises(EngineError, match=f"expected backend '{backend}', which it was built for, found '{other}'"):
        load_engine(built.path, other)
    by_name = load_located(EngineSpec(str(conv), backend, 1, build=BuildPolicy(Precision.INT8, cache=tmp_path)))
    assert by_name.manifest.fingerprint == manifest.fingerprint
    for one in (reference, engine, by_name):
        one.close()


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ([], f"at least {FEWEST_IMAGES} images to calibrate on, found 0"),
        (pictures(FEWEST_IMAGES - 1), f"found {FEWEST_IMAGES - 1}"),
        (pictures(1, (36, 64)), r"calibration image 0: expected uint8 \[72, 128, 3\], found uint8 \[36, 64, 3\]"),
        ([image.astype(np.float32) for image in pictures(1)], "found float32"),
    ],
)
def test_images_that_will_not_do(conv, images, says):
    with pytest.raises(EngineError, match=says):
        quantised(conv.with_suffix(".onnx"), SIZE, images, ignore)


def test_a_network_without_convolutions_is_refused(tmp_path):
    toy = make_toy_engine(tmp_path)
    with pytest.raises(EngineError, match="expected convolutions over all channels, found none"):
        quantised(toy.with_suffix(".onnx"), SIZE, pictures(), ignore)


def test_what_progress_raises_passes(conv):
    class Stopped(Exception):
        pass

    def stop(_fraction: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        quantised(conv.with_suffix(".onnx"), SIZE, pictures(), stop)


def test_agreement_needs_images_and_sees_what_differs(conv):
    class Shifted:
        def __init__(self, engine, by: float) -> None:
            self._engine, self._by = engine, by

        def infer(self, image):
            found = self._engine.infer(image)
            return replace(found, score=found.score + np.float32(self._by), class_ids=found.class_ids + np.uint8(1))

    engine = load_engine(conv)
    with pytest.raises(ValueError, match="at least one image, found none"):
        agreement_of(engine, engine, [], None)
    found = agreement_of(engine, Shifted(engine, 10.0), pictures(1), threshold=0.5)
    assert found.score_mean_error == pytest.approx(10) == found.score_max_error
    assert found.class_changes == 1 and found.anomalous_changes > 0.5
    assert "100.00%" in found.text()
    assert agreement_of(engine, engine, pictures(1), None).anomalous_changes is None
    engine.close()


def test_what_the_libraries_raise_is_one_line_and_what_images_raise_passes(conv, monkeypatch):
    from onnxruntime import quantization
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    def fail(*_arguments: object, **_named: object) -> None:
        raise Fail("no kernel")

    def broken_images():
        yield pictures(1)[0]
        raise RuntimeError("the bag ends here")

    with pytest.raises(RuntimeError, match="^the bag ends here$"):
        quantised(conv.with_suffix(".onnx"), SIZE, broken_images(), ignore)
    monkeypatch.setattr(quantization, "quantize_static", fail)
    with pytest.raises(EngineError, match="expected a network that can be quantised, found: .*no kernel"):
        quantised(conv.with_suffix(".onnx"), SIZE, pictures(), ignore)
