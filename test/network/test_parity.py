"""Figures of parity, by hand, and the bounds that refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ros_anomaly.network.parity import BOUNDS, RAW_BOUNDS, ExportParity, measure_parity


class _Fused(torch.nn.Module):
    output_names = ("score", "class_ids")

    def forward(self, image):
        return image[..., 0].float() / 100, image[..., 1]


class _Raw(torch.nn.Module):
    output_names = ("class_logits", "mask_logits")

    def forward(self, image):
        return image[:, :, 0].float(), image.permute(2, 0, 1).float() - 100


IMAGE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def test_of_a_fused_network():
    score, classes = IMAGE[..., 0] / np.float32(100), IMAGE[..., 1].copy()
    score[0, 0] += 1.0  # over the threshold
    score[3, 4] -= 0.1  # stays over it
    classes[1, :2] += 1
    found = measure_parity(_Fused(), lambda image: {"score": score, "class_ids": classes}, [IMAGE], threshold=0.3)
    assert found.max_error == pytest.approx(1.0)
    assert found.mean_error == pytest.approx(1.1 / 20)
    assert (found.decision_changes, found.class_changes) == (1 / 20, 2 / 20)
    assert (found.threshold, found.frames) == (0.3, 1)


def test_without_a_threshold_the_highest_hundredth_decides():
    run = {"score": IMAGE[..., 0] / np.float32(100), "class_ids": IMAGE[..., 1]}
    found = measure_parity(_Fused(), lambda image: run, [IMAGE, IMAGE])
    assert found == ExportParity(0.0, 0.0, 0.0, 0.0, found.threshold, 2)
    assert found.threshold == pytest.approx(float(np.quantile([run["score"]] * 2, 0.99)))


def test_of_a_raw_network():
    logits, masks = IMAGE[:, :, 0].astype(np.float32), IMAGE.transpose(2, 0, 1).astype(np.float32) - 100
    logits[0, 0] = 99.0  # another class for one of four queries
    masks[0, 0, 0] = 1.0  # on the other side of σ = 1/2
    found = measure_parity(_Raw(), lambda image: {"class_logits": logits, "mask_logits": masks}, [IMAGE])
    assert (found.class_changes, found.decision_changes, found.threshold) == (1 / 4, 1 / 60, None)
    assert found.max_error == 101.0
    assert found.mean_error == pytest.approx(200 / 80)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"score": np.zeros((4, 5), np.float32)}, r"class_ids: expected uint8 \[4, 5\], found none"),
        ({"score": np.zeros((4, 5)), "class_ids": IMAGE[..., 1]}, r"score: expected float32 \[4, 5\], found float64"),
    ],
)
def test_other_outputs(outputs, message):
    with pytest.raises(ValueError, match=message):
        measure_parity(_Fused(), lambda image: outputs, [IMAGE])
    with pytest.raises(ValueError, match="expected images"):
        measure_parity(_Fused(), lambda image: outputs, [])


@pytest.mark.parametrize("bounds", [*BOUNDS.values(), *RAW_BOUNDS.values()])
@pytest.mark.parametrize("figure", ["max_error", "mean_error", "decision_changes", "class_changes"])
def test_every_figure_has_its_bound(bounds, figure):
    fine = ExportParity(bounds.max_error, bounds.mean_error, bounds.decision_changes, bounds.class_changes, None, 1)
    assert bounds.broken(fine) == ""
    most = getattr(bounds, figure)
    for bad in (most * 1.01, float("nan")):
        assert f"{figure.replace('_', ' ')}: expected up to {most:g}" in bounds.broken(replace(fine, **{figure: bad}))


def test_halves_have_more_room():
    for figure in ("max_error", "mean_error", "decision_changes", "class_changes"):
        for bounds in (BOUNDS, RAW_BOUNDS):
            assert getattr(bounds["fp32"], figure) < getattr(bounds["fp16"], figure)
