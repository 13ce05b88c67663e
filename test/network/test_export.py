"""The exported network is the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tiny_network import tiny_network

from ros_anomaly.network.export import ExportError, export_onnx, export_program, onnx_output_shape
from ros_anomaly.network.fused import FusedNetwork, RawNetwork
from ros_anomaly.network.operators import EMBEDDED_OPERATORS, Target
from ros_anomaly.network.parity import Run, measure_parity
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import compute_scores

SIZE = (72, 104)  # neither side is a multiple of 16: padding and resizing by uneven factors


def under_onnxruntime(path: Path) -> Run:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda image: dict(zip(names, session.run(names, {"image": image}), strict=True))


def images(count: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_fused_gives_what_network_and_score_give(aggregation):
    network = tiny_network(outlier=True)
    image = images(1)[0]
    with torch.no_grad():
        output = network((torch.from_numpy(image).permute(2, 0, 1)[None].float() - 127) / 128)
        size = SIZE if aggregation is Aggregation.EXACT else None
        expected, ids = compute_scores(["uno"], output.class_logits[-1][0], output.mask_logits[-1][0], image_size=size)
        score, class_ids = FusedNetwork(network, "uno", aggregation)(torch.from_numpy(image))
    assert score.shape == (SIZE if size else (SIZE[0] // 4, SIZE[1] // 4))
    assert class_ids.dtype == torch.uint8
    torch.testing.assert_close(score, expected["uno"], atol=1e-4, rtol=1e-4)
    assert float((class_ids != ids).float().mean()) < 1e-3


def test_onnx_of_a_fused_network(tmp_path):
    module = FusedNetwork(tiny_network(outlier=True), "uno_clamped", Aggregation.MASKS)
    path = tmp_path / "fused.onnx"
    operators = export_onnx(module, SIZE, path)
    assert set(operators) <= EMBEDDED_OPERATORS
    assert onnx_output_shape(path, "score") == (18, 26)
    model = onnx.load(path)
    assert [(o.domain, o.version) for o in model.opset_import if o.domain == ""] == [("", 18)]
    assert [i.name for i in model.graph.input] == ["image"]
    assert [o.name for o in model.graph.output] == ["score", "class_ids"]
    # Attention masks must not carry full tensors of zeros.
    assert all(np.prod(i.dims) < 200_000 or "zeros" not in i.name for i in model.graph.initializer)
    found = measure_parity(module, under_onnxruntime(path), images())
    assert found.max_error <= 1e-4
    assert found.class_changes <= 1e-3


@pytest.fixture(scope="module")
def raw_onnx(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "raw.onnx"
    export_onnx(RawNetwork(tiny_network(outlier=True)), SIZE, path)
    return path


def test_onnx_of_a_raw_network_and_that_parity_sees_a_difference(raw_onnx):
    assert (
        measure_parity(RawNetwork(tiny_network(outlier=True)), under_onnxruntime(raw_onnx), images()).max_error <= 1e-4
    )
    assert (
        measure_parity(RawNetwork(tiny_network(outlier=True, seed=1)), under_onnxruntime(raw_onnx), images(1)).max_error
        > 0.01
    )


def test_program_of_a_raw_network(tmp_path):
    module = RawNetwork(tiny_network(outlier=True))
    export_program(module, SIZE, tmp_path / "raw.pt2")
    loaded = torch.export.load(str(tmp_path / "raw.pt2")).module()
    image = torch.from_numpy(images(1)[0])
    with torch.no_grad():
        for found, expected in zip(loaded(image), module(image), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


class _WithGridSample(torch.nn.Module):
    output_names = ("out",)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
        features = image.permute(2, 0, 1)[None].float()
        grid = (features[:, :2].permute(0, 2, 3, 1) - 127) / 128
        return (torch.nn.functional.grid_sample(features, grid, align_corners=False),)


def test_grid_sample_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"bad\.onnx: expected operators of the target embedded .* 1 x GridSample"):
        export_onnx(_WithGridSample(), (8, 8), tmp_path / "bad.onnx")
    assert not (tmp_path / "bad.onnx").exists()
    assert export_onnx(_WithGridSample(), (8, 8), tmp_path / "any.onnx", Target.ANY)["GridSample"] == 1


def test_scores_that_the_head_cannot_give():
    with pytest.raises(ValueError, match=r"K\+2"):
        FusedNetwork(tiny_network(outlier=False), "uno", Aggregation.MASKS)
    with pytest.raises(ValueError, match="expected one of"):
        FusedNetwork(tiny_network(outlier=True), "nonsense", Aggregation.MASKS)
