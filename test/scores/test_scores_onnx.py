"""Every score exports to ONNX and gives there what torch gives; fitted ones with their statistics inside."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from ros_anomaly.scores.names import FITTED_SCORE_NAMES, SCORE_NAMES
from ros_anomaly.scores.registry import compute_scores
from ros_anomaly.scores.statistics import ClassStatistics, ScoreStatistics

pytest.importorskip("onnxscript")
K = 4
NAMES = (*SCORE_NAMES, *FITTED_SCORE_NAMES)
STATISTICS = ScoreStatistics(
    tuple(
        ClassStatistics(9, 0.5 + 0.1 * k, 0.2 + 0.1 * k, tuple(0.4 if k == j else 0.2 for j in range(K)))
        for k in range(K)
    ),
    "ab" * 32,
    "made up",
)


class AllScores(torch.nn.Module):
    def __init__(self, image_size):
        super().__init__()
        self.image_size = image_size

    def forward(self, class_logits, mask_logits):
        scores, class_ids = compute_scores(NAMES, class_logits, mask_logits, K, self.image_size, STATISTICS)
        return (*scores.values(), class_ids)


@pytest.mark.parametrize("image_size", [None, (16, 24)], ids=["masks", "exact"])
def test_export_keeps_every_score(tmp_path, image_size):
    generator = torch.Generator().manual_seed(0)
    inputs = 3 * torch.randn(5, K + 2, generator=generator), 4 * torch.randn(5, 4, 6, generator=generator)
    model = AllScores(image_size).eval()
    path = tmp_path / "scores.onnx"
    names = [*NAMES, "class_ids"]
    torch.onnx.export(
        model,
        inputs,
        str(path),
        dynamo=True,
        opset_version=18,
        external_data=False,
        input_names=["class_logits", "mask_logits"],
        output_names=names,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(names, {"class_logits": inputs[0].numpy(), "mask_logits": inputs[1].numpy()})
    for name, expected, value in zip(names, model(*inputs), found, strict=True):
        np.testing.assert_allclose(value, expected.numpy(), atol=5e-6, err_msg=name)
