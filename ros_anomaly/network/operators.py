"""What an exported graph may be made of: operators, opset and types at its ends, by what is to run it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ros_anomaly.choice import Choice

if TYPE_CHECKING:
    import onnx

MAX_OPSET = 18
"""GridSample of opset 20 was read by TensorRT-RTX 1.5 with another interpolation than written, without a word."""

EMBEDDED_OPERATORS = frozenset(
    (
        # layers
        *("Conv", "Gemm", "MatMul", "Einsum", "LayerNormalization", "InstanceNormalization", "BatchNormalization"),
        *("MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "Softmax", "Pad"),
        # element by element
        *("Add", "Sub", "Mul", "Div", "Neg", "Abs", "Sqrt", "Reciprocal", "Pow", "Exp", "Log", "Min", "Max", "Clip"),
        *("Relu", "LeakyRelu", "Sigmoid", "Tanh", "Erf", "HardSigmoid", "HardSwish", "Floor", "Ceil", "Round"),
        *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Where", "Cast"),
        # over an axis
        *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ArgMax", "ArgMin", "TopK"),
        # places
        *("Concat", "Split", "Slice", "Gather", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Expand"),
        *("Tile", "Identity", "Constant", "ConstantOfShape", "Shape", "DepthToSpace", "SpaceToDepth"),
        # int8 between them
        *("QuantizeLinear", "DequantizeLinear"),
    )
)
"""Operators that TensorRT, OpenVINO and ONNX Runtime have kernels for at fixed shapes, and read alike."""

CONTROL_FLOW = frozenset(("If", "Loop", "Scan"))
_LINEAR = frozenset((b"linear", b"bilinear"))


class Target(Choice):
    """What an export is for."""

    EMBEDDED = "embedded"
    """TensorRT on a vehicle, and everything else: ``EMBEDDED_OPERATORS`` alone."""
    ANY = "any"
    """ONNX Runtime and OpenVINO: any operator of ONNX but control flow; GridSample bilinear."""


def check_graph(model: onnx.ModelProto, target: Target) -> str:
    """What of ``model`` the target must not be given, in one line; empty where there is nothing.

    The message names operators with a node of each.
    """
    if problem := _opset_problem(model):
        return problem
    nodes = model.graph.node
    if target is Target.ANY:
        bad = [node for node in nodes if node.op_type in CONTROL_FLOW]
        if wrong := [node for node in nodes if node.op_type == "GridSample" and not _is_bilinear(node)]:
            return f"expected GridSample of mode linear alone, found another in {wrong[0].name!r}"
        expected = f"no {', '.join(sorted(CONTROL_FLOW))}"
    else:
        bad = [node for node in nodes if node.op_type not in EMBEDDED_OPERATORS]
        expected = "operators of the target embedded alone (another target may have them: any)"
    if bad:
        first = {node.op_type: node.name for node in reversed(bad)}
        counts = Counter(node.op_type for node in bad)
        found = ", ".join(f"{counts[kind]} x {kind} ({first[kind]})" for kind in sorted(counts))
        return f"expected {expected}; found {found}"
    return _bytes_problem(model) if target is Target.EMBEDDED else ""


def _opset_problem(model: onnx.ModelProto) -> str:
    for opset in model.opset_import:
        if opset.domain not in ("", "ai.onnx"):
            return f"expected operators of ONNX itself, found the domain {opset.domain!r}"
        if opset.version > MAX_OPSET:
            return f"expected opset {MAX_OPSET} or below, found {opset.version}"
    return ""


def _bytes_problem(model: onnx.ModelProto) -> str:
    """TensorRT takes uint8 into casts and out of casts alone."""
    graph, uint8 = model.graph, 2  # TensorProto.UINT8
    inputs = {value.name for value in graph.input if value.type.tensor_type.elem_type == uint8}
    outputs = {value.name for value in graph.output if value.type.tensor_type.elem_type == uint8}
    for node in graph.node:
        if node.op_type == "Cast":
            continue
        if found := sorted((inputs & set(node.input)) | (outputs & set(node.output))):
            return f"expected uint8 {found[0]} next to Cast alone, found {node.op_type} ({node.name})"
    return ""


def _is_bilinear(node: onnx.NodeProto) -> bool:
    modes = [attribute.s for attribute in node.attribute if attribute.name == "mode"]
    return not modes or modes[0] in _LINEAR  # linear is the default
