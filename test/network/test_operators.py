"""Graphs that a target must not be given are named, operator and node."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros_anomaly.network.operators import Target, check_graph

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


def graph(*nodes: onnx.NodeProto, opset: int = 18, output: int = FLOAT, domain: str = "") -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("image", UINT8, [4, 4, 3])],
        [helper.make_tensor_value_info("out", output, None)],
        [numpy_helper.from_array(np.zeros((1, 2, 2, 2), np.float32), "grid")],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(made, opset_imports=[*opsets, helper.make_opsetid(domain, 1)] if domain else opsets)


CAST = helper.make_node("Cast", ["image"], ["pixels"], to=FLOAT)
RELU = helper.make_node("Relu", ["pixels"], ["out"])


def grid_sample(**mode: str) -> onnx.NodeProto:
    return helper.make_node("GridSample", ["pixels", "grid"], ["out"], name="sampler", **mode)


def test_what_both_targets_take():
    for target in Target:
        assert check_graph(graph(CAST, RELU), target) == ""
    assert check_graph(graph(CAST, grid_sample(mode="bilinear")), Target.ANY) == ""
    assert check_graph(graph(CAST, grid_sample()), Target.ANY) == ""


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (graph(CAST, grid_sample()), Target.EMBEDDED, "1 x GridSample (sampler)"),
        (
            graph(CAST, grid_sample(mode="nearest")),
            Target.ANY,
            "GridSample of mode linear alone, found another in 'sam",
        ),
        (graph(CAST, helper.make_node("Mish", ["pixels"], ["out"], name="m")), Target.EMBEDDED, "found 1 x Mish (m)"),
        (graph(CAST, helper.make_node("Loop", ["", ""], ["out"], name="l")), Target.ANY, "found 1 x Loop (l)"),
        (graph(CAST, RELU, opset=20), Target.ANY, "expected opset 18 or below, found 20"),
        (graph(CAST, RELU, domain="com.microsoft"), Target.ANY, "found the domain 'com.microsoft'"),
        (
            graph(helper.make_node("Transpose", ["image"], ["out"], name="t"), output=UINT8),
            Target.EMBEDDED,
            "expected uint8 image next to Cast alone, found Transpose (t)",
        ),
        (
            graph(CAST, helper.make_node("ArgMax", ["pixels"], ["out"], name="a"), output=UINT8),
            Target.EMBEDDED,
            "expected uint8 out next to Cast alone, found ArgMax (a)",
        ),
    ],
)
def test_what_a_target_must_not_be_given(model, target, message):
    assert message in check_graph(model, target)


def test_targets_by_name():
    with pytest.raises(ValueError, match="target: expected one of embedded, any; found 'gpu'"):
        Target("gpu")
