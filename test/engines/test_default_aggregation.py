"""Exact sums tile by tile on what the default network really gives: masks of two frames, a hundred or so together."""

from __future__ import annotations

import math

import engine_reference
import pytest
import torch

from ros_anomaly.network.fused import RawNetwork
from ros_anomaly.network.weights import load_weights
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.scores import tiled
from ros_anomaly.scores.aggregation import PixelSums, pixel_sums
from ros_anomaly.scores.names import SCORE_NAMES
from ros_anomaly.scores.registry import get_score, tiled_scores

SIZE = (360, 640)
ROUNDING = 1e-5


@pytest.fixture(scope="module")
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    weights, _ = load_weights(manifest_path("default").with_suffix(".safetensors"))
    network = RawNetwork(weights.eval())
    with torch.inference_mode():
        paths = engine_reference.frame_paths()[:2]
        frames = [network(torch.from_numpy(engine_reference.read_frame(path))) for path in paths]
    return torch.cat([own[0] for own in frames]), torch.cat([own[1] for own in frames])


@pytest.fixture(scope="module")
def exact(logits) -> PixelSums:
    return pixel_sums(*logits, image_size=SIZE)


@pytest.mark.parametrize("epsilon", [0.0, 1e-6, 1e-3])
def test_every_score_is_within_the_bound(logits, exact, epsilon):
    scores = [get_score(name) for name in SCORE_NAMES if math.isfinite(get_score(name).sensitivity)]
    maps, class_ids = tiled_scores(scores, *logits, image_size=SIZE, epsilon=epsilon)
    for score, found in zip(scores, maps, strict=True):
        assert float((found - score.formula(exact)).abs().max()) <= epsilon + score.sensitivity * ROUNDING, score.name
    best = exact.classes.topk(2, dim=0)
    sure = best.values[0] - best.values[1] > epsilon + ROUNDING
    assert torch.equal(class_ids[sure].long(), best.indices[0][sure])


def test_few_masks_are_summed_pixel_by_pixel(logits, monkeypatch):
    """What makes it fast holds for this network: it draws masks that end sharply."""
    windows = []
    monkeypatch.setattr(
        tiled._TileRow, "_windows", lambda *a, inner=tiled._TileRow._windows: windows.append(len(a[2])) or inner(*a)
    )
    tiles = sum(len(strip.sums.confidence) for strip in tiled.strips(*logits, image_size=SIZE, epsilon=1e-6))
    assert 0 < sum(windows) < 0.5 * tiles * len(logits[0])
