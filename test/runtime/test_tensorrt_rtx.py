"""TensorRT-RTX itself, which builds on machines without a GPU. Skipped where its wheel is not installed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import toy_engine
from onnx import helper

from ros_anomaly.runtime.building.options import BuildOptions, Precision
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt.device import device_identity
from ros_anomaly.runtime.tensorrt.plan import build_plan

rtx = pytest.importorskip("tensorrt_rtx")

SIZE = (32, 64)


def build(path, progress=lambda share: None, targets=("8.6",)):
    return build_plan(path, BuildOptions("tensorrt_rtx", Precision.FP32, targets=targets), progress)


def network(tmp_path, nodes, constants=None, opset=18):
    """An ONNX file of ``nodes`` between the float image ``pixels`` [1, 3, H, W] and ``result``."""
    path = tmp_path / "net.onnx"
    entry = [
        helper.make_node("Cast", ["image"], ["rgb"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["rgb"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "zero"], ["pixels"]),
    ]
    graph = helper.make_graph(
        [*entry, *nodes],
        "net",
        inputs=[helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [*SIZE, 3])],
        outputs=[helper.make_tensor_value_info("result", onnx.TensorProto.FLOAT, None)],
        initializer=[
            onnx.numpy_helper.from_array(np.asarray(value), name)
            for name, value in {"zero": np.array([0]), **(constants or {})}.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.save(model, str(path))
    return path


def test_an_engine_of_the_contract_is_built_for_gpus_that_are_not_here(tmp_path):
    onnx_path = toy_engine.make_toy_engine(tmp_path, SIZE).with_suffix(".onnx")
    seen = []
    plan = build(onnx_path, seen.append, targets=("8.6", "8.9", "12.0"))
    assert plan[:4] == b"vtrt"
    assert seen[0] == 0 and seen[-1] == 1 and seen == sorted(seen) and len(set(seen)) > 10


def test_an_operator_that_is_not_supported_is_named(tmp_path):
    path = network(tmp_path, [helper.make_node("Det", ["square"], ["result"])], {"square": np.eye(3, dtype=np.float32)})
    with pytest.raises(
        EngineError, match=r"expected a network that tensorrt_rtx [\d.]+ takes, found it refusing Det: "
    ):
        build(path)


@pytest.mark.parametrize(("opset", "mode"), [(16, "bilinear"), (20, "linear")])
def test_grid_sample_is_refused_whatever_it_says_of_its_mode(tmp_path, opset, mode):
    grid = np.zeros((1, 4, 4, 2), np.float32)
    node = helper.make_node("GridSample", ["pixels", "grid"], ["result"], mode=mode)
    with pytest.raises(EngineError, match="expected a network without GRID_SAMPLE"):
        build(network(tmp_path, [node], {"grid": grid}, opset))


def test_bytes_go_into_a_cast_and_nowhere_else(tmp_path):
    path = network(tmp_path, [helper.make_node("Relu", ["pixels"], ["result"])])
    model = onnx.load(str(path))
    model.graph.node[0].input[0], model.graph.node[1].input[0] = "planes", "image"
    model.graph.node[0].output[0], model.graph.node[1].output[0] = "float planes", "planes"
    model.graph.node[2].input[0] = "float planes"
    nodes = [model.graph.node[index] for index in (1, 0, 2, 3)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))
    with pytest.raises(EngineError, match="found it refusing Transpose: .*UInt8"):
        build(path)


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(EngineError, match=r"net\.onnx: expected"):
        build(path)
    with pytest.raises(EngineError, match=r"none\.onnx: expected"):
        build(tmp_path / "none.onnx")


def test_targets_that_it_does_not_build_for(tmp_path):
    path = network(tmp_path, [helper.make_node("Relu", ["pixels"], ["result"])])
    with pytest.raises(EngineError, match=r"expected a target among .*SM86.*; found SM87"):
        build(path, targets=("8.7",))


def test_giving_up_ends_the_build(tmp_path):
    path = network(tmp_path, [helper.make_node("Relu", ["pixels"], ["result"])])

    def progress(share):
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(path, progress)


def test_this_machine_is_known_to_it():
    assert device_identity("tensorrt_rtx").backend_version == rtx.__version__
