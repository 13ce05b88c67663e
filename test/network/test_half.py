"""A network in half precision: float16 where it says so, float32 where it must be, and still the same network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import pytest
import torch
from tiny_network import TINY_RESNET, tiny_network

from ros_anomaly.network.export import export_onnx
from ros_anomaly.network.folding import folded_copy
from ros_anomaly.network.fused import FusedNetwork, RawNetwork
from ros_anomaly.network.half import HalfNetwork
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.parity import measure_parity
from ros_anomaly.scores.names import Aggregation

SIZE = (72, 104)
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


@pytest.fixture(scope="module")
def half_onnx(tmp_path_factory):
    path = tmp_path_factory.mktemp("half") / "half.onnx"
    export_onnx(FusedNetwork(tiny_network(outlier=True), "uno", Aggregation.EXACT, half=True), SIZE, path)
    return path


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(count)]


def test_the_network_is_half_and_the_sums_are_not(half_onnx):
    model = onnx.shape_inference.infer_shapes(onnx.load(half_onnx), strict_mode=True)
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    types |= {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    types |= {value.name: value.data_type for value in model.graph.initializer}
    made_by = {name: node for node in model.graph.node for name in node.output}
    assert types["score"] == FLOAT
    kernels = [types[node.input[1]] for node in model.graph.node if node.op_type == "Conv"]
    assert kernels and set(kernels) == {HALF}
    # From the score back to where the halves end: softmax, upsampling, σ and the sum are on this side of it.
    passed = {node.op_type for node in _upstream(made_by, "score", stop=lambda node: HALF in _types(types, node.input))}
    assert {"Softmax", "Sigmoid", "MatMul", "Resize"} <= passed
    # Attention is on the other side.
    softmaxes = [types[node.output[0]] for node in model.graph.node if node.op_type == "Softmax"]
    assert HALF in softmaxes and softmaxes.count(FLOAT) == 1


def test_it_gives_what_the_network_gives(half_onnx):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(half_onnx), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    reference = FusedNetwork(tiny_network(outlier=True), "uno", Aggregation.EXACT, folded=False)
    found = measure_parity(
        reference, lambda image: dict(zip(names, session.run(names, {"image": image}), strict=True)), images(2)
    )
    # Random weights with nothing settled; those of a trained network are held to BOUNDS whenever they are exported.
    assert 1e-5 < found.mean_error < 0.05  # below that it was not half at all
    assert found.class_changes < 0.01


@pytest.mark.parametrize("kind", ["fpn", "deformable"])
def test_in_torch(kind):
    if kind == "fpn":
        network = tiny_network(outlier=True)
    else:
        torch.manual_seed(0)
        network = AnomalyNetwork(TINY_RESNET).eval()
        with torch.no_grad():  # places that matter: at zero every query reads one cell
            for name, parameter in network.named_parameters():
                if "sampling_offsets.weight" in name:
                    parameter.normal_(std=0.05)
    image = torch.from_numpy(images(1)[0])
    with torch.no_grad():
        expected = RawNetwork(network, folded=False)(image)
        found = RawNetwork(network, half=True)(image)
    for ours, theirs in zip(expected, found, strict=True):
        assert theirs.dtype == torch.float32
        spread = float(ours.std()) + float(ours.mean().abs())
        assert 0 < float((ours - theirs).abs().mean()) < 0.05 * spread  # random weights tip attention masks


def test_the_image_is_normalised_in_full():
    network = tiny_network(outlier=True)
    half = HalfNetwork(folded_copy(network))
    assert half.network.input_mean.dtype == torch.float32
    image = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(half.prepare(image), network.prepare(image).half(), atol=0, rtol=0)


def test_what_cannot_be_half():
    network = tiny_network(outlier=True)
    with torch.no_grad():
        network.class_head.bias[0] = 1e5
    with pytest.raises(ValueError, match=r"parameters up to 65504, found 100000 in .*class_predictor\.bias"):
        FusedNetwork(network, "uno", Aggregation.MASKS, half=True)
    with pytest.raises(ValueError, match="expected a folded copy"):
        RawNetwork(tiny_network(), folded=False, half=True)


def _types(types, names) -> set[int]:
    return {types[name] for name in names if name in types}


def _upstream(made_by, name, stop) -> Iterator[onnx.NodeProto]:
    node = made_by.get(name)
    if node is None or stop(node):
        return
    yield node
    for source in node.input:
        yield from _upstream(made_by, source, stop)
