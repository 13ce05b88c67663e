"""Scores against slow loops that spell the formulas out, query by query and pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ros_anomaly.scores.aggregation import pixel_sums, upsample
from ros_anomaly.scores.names import SCORE_NAMES, Aggregation
from ros_anomaly.scores.registry import blank_score, closed_set_class_ids, compute_scores, get_score

K = 4
OUTLIER, NO_OBJECT = K, K + 1


def make_logits(seed: int, queries: int = 6, height: int = 3, width: int = 5, classes: int = K + 2):
    generator = torch.Generator().manual_seed(seed)
    class_logits = 3 * torch.randn(queries, classes, generator=generator)
    mask_logits = 4 * torch.randn(queries, height, width, generator=generator)
    return class_logits, mask_logits


def softmax(row: list[float]) -> list[float]:
    top = max(row)
    powers = [math.exp(value - top) for value in row]
    return [power / sum(powers) for power in powers]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def score_of_pixel(name: str, posteriors: list[list[float]], masks: list[float]) -> float:
    """The formula of ``name`` from the class posteriors [N][K+2] and the mask values [N] of one pixel."""
    queries = range(len(masks))
    sums = [sum(masks[i] * posteriors[i][k] for i in queries) for k in range(K)]
    confidence = sum(masks[i] * max(posteriors[i][:K]) for i in queries)
    outlier = sum(masks[i] * posteriors[i][OUTLIER] for i in queries)
    if name == "uno":
        return sum(masks[i] * (-max(posteriors[i][:K]) + posteriors[i][OUTLIER]) for i in queries)
    if name == "uno_clamped":
        return min(outlier, 1) - min(confidence, 1)
    if name == "uno_normalised":
        return (outlier - confidence) / max(outlier + confidence, 0.5)
    if name == "unc":
        return -confidence
    if name == "objectness":
        return outlier
    if name == "msp":
        return -max(softmax(sums))
    if name == "max_logit":
        return -max(sums)
    if name == "logit_avg":
        return -sum(sums) / K
    if name == "entropy":
        shares = [value / sum(sums) for value in sums]
        return -sum(share * math.log(share) for share in shares)
    if name == "energy":
        return -math.log(sum(math.exp(value) for value in sums))
    if name == "rba":
        return -sum(math.tanh(value) for value in sums)
    if name == "eam":
        return 1 - confidence
    if name == "background":
        return softmax(sums)[0]
    raise AssertionError(f"the test knows no formula for {name}")


def loop_score(name: str, class_logits: torch.Tensor, mask_logits: torch.Tensor) -> np.ndarray:
    posteriors = [softmax(row) for row in class_logits.tolist()]
    _, height, width = mask_logits.shape
    score = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            score[y, x] = score_of_pixel(name, posteriors, [sigmoid(v) for v in mask_logits[:, y, x].tolist()])
    return score


@pytest.mark.parametrize("name", SCORE_NAMES)
def test_score_equals_its_formula(name):
    class_logits, mask_logits = make_logits(seed=1)
    score = get_score(name)(class_logits, mask_logits, num_classes=K)
    assert score.dtype == torch.float32
    np.testing.assert_allclose(score.numpy(), loop_score(name, class_logits, mask_logits), atol=2e-6)


@pytest.mark.parametrize("name", SCORE_NAMES)
def test_exact_score_upsamples_mask_logits_before_the_sigmoid(name):
    class_logits, mask_logits = make_logits(seed=2)
    score = get_score(name)(class_logits, mask_logits, num_classes=K, image_size=(12, 20))
    full = torch.nn.functional.interpolate(mask_logits[None], size=(12, 20), mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(score.numpy(), loop_score(name, class_logits, full), atol=2e-6)


@pytest.mark.parametrize("name", SCORE_NAMES)
def test_batches_score_like_single_frames(name):
    frames = [make_logits(seed) for seed in (3, 4)]
    class_logits = torch.stack([c for c, _ in frames])
    mask_logits = torch.stack([m for _, m in frames])
    for size in (None, (6, 10)):
        batch = get_score(name)(class_logits, mask_logits, num_classes=K, image_size=size)
        single = torch.stack([get_score(name)(c, m, num_classes=K, image_size=size) for c, m in frames])
        torch.testing.assert_close(batch, single, atol=1e-6, rtol=1e-6)


def test_stride_4_is_exact_where_masks_are_flat_and_near_it_on_smooth_ones():
    class_logits, _ = make_logits(seed=5)
    flat = torch.randn(6, 1, 1).expand(6, 8, 8).contiguous()
    uno = get_score("uno")
    exact = uno(class_logits, flat, num_classes=K, image_size=(32, 32))
    deployed = upsample(uno(class_logits, flat, num_classes=K)[None], (32, 32))[0]
    torch.testing.assert_close(exact, deployed, atol=1e-5, rtol=1e-5)

    ramp = torch.linspace(-4, 4, 16).expand(6, 16, 16).contiguous()
    exact = uno(class_logits, ramp, num_classes=K, image_size=(64, 64))
    deployed = upsample(uno(class_logits, ramp, num_classes=K)[None], (64, 64))[0]
    spread = float(exact.max() - exact.min())
    assert 0 < float((exact - deployed).abs().max()) < 0.02 * spread


def test_class_ids_are_the_best_inlier_even_where_the_outlier_wins():
    class_logits, mask_logits = make_logits(seed=6)
    class_logits[:, OUTLIER] += 10
    ids = closed_set_class_ids(class_logits, mask_logits, num_classes=K)
    posterior = torch.softmax(class_logits, -1)[:, :K]
    expected = torch.einsum("nk,nhw->khw", posterior, mask_logits.sigmoid()).argmax(0)
    assert ids.dtype == torch.uint8
    assert torch.equal(ids.long(), expected)


def test_several_scores_from_one_pass_equal_single_ones():
    class_logits, mask_logits = make_logits(seed=7)
    scores, ids = compute_scores(SCORE_NAMES, class_logits, mask_logits, num_classes=K)
    assert tuple(scores) == SCORE_NAMES
    for name, score in scores.items():
        assert torch.equal(score, get_score(name)(class_logits, mask_logits, num_classes=K))
    assert torch.equal(ids, closed_set_class_ids(class_logits, mask_logits, num_classes=K))


def test_higher_is_more_anomalous_for_every_score():
    """Left: a query that is sure of class 1. Right: a query that is sure of nothing and leans to the outlier."""
    class_logits = torch.tensor([[0, 9.0, 0, 0, 0, 0], [0, 0, 0, 0, 2.0, 0]])
    mask_logits = torch.full((2, 1, 2), -9.0)
    mask_logits[0, 0, 0] = mask_logits[1, 0, 1] = 9.0
    scores, _ = compute_scores(SCORE_NAMES, class_logits, mask_logits, num_classes=K)
    for name, score in scores.items():
        assert score[0, 1] > score[0, 0], name


@pytest.mark.parametrize("name", SCORE_NAMES)
@pytest.mark.parametrize("mask_logit", [-200.0, 200.0])
def test_scores_stay_finite_where_no_mask_or_every_mask_holds_the_pixel(name, mask_logit):
    class_logits, _ = make_logits(seed=8)
    assert torch.isfinite(get_score(name)(class_logits, torch.full((6, 2, 2), mask_logit), num_classes=K)).all()


def test_half_precision_logits_and_autocast_are_summed_in_float32():
    class_logits, mask_logits = make_logits(seed=9)
    halves = class_logits.bfloat16(), mask_logits.bfloat16()
    expected = pixel_sums(halves[0].float(), halves[1].float(), num_classes=K)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pixel_sums(*halves, num_classes=K)
    assert found.classes.dtype == torch.float32
    torch.testing.assert_close(found.classes, expected.classes, atol=0, rtol=0)


def test_head_without_outlier_class():
    class_logits, mask_logits = make_logits(seed=10, classes=K + 1)
    for name in SCORE_NAMES:
        if get_score(name).needs_outlier_class:
            with pytest.raises(ValueError, match=rf"score '{name}': expected a K\+2 head \(6 class .*found 5"):
                get_score(name)(class_logits, mask_logits, num_classes=K)
        else:
            assert torch.isfinite(get_score(name)(class_logits, mask_logits, num_classes=K)).all()


def test_unknown_score_names_the_legal_ones():
    with pytest.raises(ValueError, match="expected one of uno, uno_clamped.*found 'unoo'"):
        get_score("unoo")
    with pytest.raises(ValueError, match="found 'nearest'"):
        Aggregation("nearest")


@pytest.mark.parametrize(
    ("class_shape", "mask_shape"),
    [((6, K + 3), (6, 3, 5)), ((6, K + 2), (5, 3, 5)), ((6, K + 2), (1, 6, 3, 5)), ((6,), (6, 3))],
)
def test_shapes_that_do_not_fit_are_refused(class_shape, mask_shape):
    with pytest.raises(ValueError, match="expected"):
        get_score("uno")(torch.zeros(class_shape), torch.zeros(mask_shape), num_classes=K)


@pytest.mark.parametrize("name", SCORE_NAMES)
def test_blank_score_is_that_of_a_pixel_no_mask_holds(name):
    class_logits, mask_logits = make_logits(3)
    nowhere = get_score(name)(class_logits, torch.full_like(mask_logits, -200.0), K)
    np.testing.assert_allclose(nowhere.numpy(), blank_score(name, K), atol=1e-6)
