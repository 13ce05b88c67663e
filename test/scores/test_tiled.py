"""Sums tile by tile against the exact ones: within ε at every pixel, for any size, any masks, any tiles."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ros_anomaly.scores import tiled
from ros_anomaly.scores.aggregation import PixelSums, pixel_sums
from ros_anomaly.scores.formulas import class_ids
from ros_anomaly.scores.names import OUTLIER_SCORE_NAMES, SCORE_NAMES
from ros_anomaly.scores.registry import compute_scores, get_score, tiled_scores

K = 4
ROUNDING = 3e-6


def make_logits(seed: int, queries: int, cells: tuple[int, int], outlier: bool = True, sharpness: float = 12.0):
    """Blobs as a trained network draws them: far below 0 nearly everywhere, above it in one place, steep between."""
    generator = torch.Generator().manual_seed(seed)
    class_logits = 4 * torch.randn(queries, K + 1 + outlier, generator=generator)
    class_logits[queries // 2 :, -1] += 6
    coarse = torch.randn(queries, 1, 4, 5, generator=generator) - 1
    masks = torch.nn.functional.interpolate(coarse, size=cells, mode="bicubic", align_corners=False)[:, 0]
    return class_logits, sharpness * masks


def whole(strips, size) -> PixelSums:
    """The strips of an image put together."""
    classes, outlier, confidence = (
        torch.full((K, *size), torch.nan),
        torch.full(size, torch.nan),
        torch.full(size, torch.nan),
    )
    for strip in strips:
        classes[:, strip.rows] = strip.image(strip.sums.classes)
        confidence[strip.rows] = strip.image(strip.sums.confidence)
        if strip.sums.outlier is not None:
            outlier[strip.rows] = strip.image(strip.sums.outlier)
    return PixelSums(classes, outlier, confidence)


def differences(found: PixelSums, exact: PixelSums) -> tuple[float, float]:
    """Largest Σ_k |ΔL_k| + |ΔO| and |ΔO| + |ΔM| of a pixel."""
    outlier = 0.0 if exact.outlier is None else (found.outlier - exact.outlier).abs()
    classes = (found.classes - exact.classes).abs().sum(0) + outlier
    return float(classes.max()), float(((found.confidence - exact.confidence).abs() + outlier).max())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 999),
    queries=st.integers(1, 30),
    cells=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    size=st.none() | st.tuples(st.integers(1, 70), st.integers(1, 70)),
    tile=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    epsilon=st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 5.0]),
    outlier=st.booleans(),
)
def test_every_sum_is_within_the_bound(seed, queries, cells, size, tile, epsilon, outlier):
    logits = make_logits(seed, queries, cells, outlier)
    exact = pixel_sums(*logits, K, size)
    found = whole(tiled.strips(*logits, K, size, epsilon, tile), size or cells)
    assert (exact.outlier is None) == (not outlier)
    assert max(differences(found, exact)) <= epsilon + ROUNDING * max(1, queries / 10)


def test_the_bound_is_used_up_and_not_passed():
    """A looser ε leaves more out, or the pruning would be none and the test above empty."""
    logits = make_logits(1, 40, (24, 40))
    exact = pixel_sums(*logits, K, (96, 160))
    errors = [
        max(differences(whole(tiled.strips(*logits, K, (96, 160), e), (96, 160)), exact)) for e in (1e-4, 1e-2, 1)
    ]
    for error, epsilon in zip(errors, (1e-4, 1e-2, 1), strict=True):
        assert epsilon / 20 < error <= epsilon + ROUNDING


def test_masks_that_are_constant_in_a_tile_are_not_summed_pixel_by_pixel(monkeypatch):
    """One mask ends in one of four tiles; the others are everywhere or nowhere."""
    masks = torch.full((6, 16, 16), -200.0)
    masks[:3] = 200.0
    masks[5, :5, :5] = 200.0
    upsampled = []
    monkeypatch.setattr(
        tiled._TileRow, "_windows", lambda *a, inner=tiled._TileRow._windows: upsampled.append(a[2]) or inner(*a)
    )
    class_logits = torch.randn(6, K + 2)
    found = whole(tiled.strips(class_logits, masks, K, (64, 64), 0.0, (32, 32)), (64, 64))
    assert torch.cat(upsampled).tolist() == [5]
    assert max(differences(found, pixel_sums(class_logits, masks, K, (64, 64)))) < ROUNDING


@pytest.mark.parametrize("name", SCORE_NAMES)
@pytest.mark.parametrize("epsilon", [0.0, 1e-3, 0.03])
def test_every_score_is_within_the_bound_of_its_exact_map(name, epsilon):
    class_logits, mask_logits = make_logits(3, 25, (18, 30), outlier=name in OUTLIER_SCORE_NAMES)
    exact, exact_ids = compute_scores([name], class_logits, mask_logits, K, (72, 120))
    found, ids = compute_scores([name], class_logits, mask_logits, K, (72, 120), epsilon=epsilon)
    assert found[name].dtype == torch.float32 and ids.dtype == torch.uint8
    bound = (0.0 if math.isinf(get_score(name).sensitivity) else epsilon) + 1e-5
    assert float((found[name] - exact[name]).abs().max()) <= bound

    best = pixel_sums(class_logits, mask_logits, K, (72, 120)).classes.topk(2, dim=0).values
    sure = best[0] - best[1] > bound
    assert sure.float().mean() > 0.5
    assert torch.equal(ids[sure], exact_ids[sure])


def test_which_scores_have_no_bound():
    assert [name for name in SCORE_NAMES if math.isinf(get_score(name).sensitivity)] == ["entropy"]


def test_class_ids_are_those_of_the_formula_the_first_of_equals_too():
    classes = torch.randint(0, 3, (2, 13, 7, 9)).float()
    assert torch.equal(tiled._class_ids(classes), class_ids(PixelSums(classes, None, classes[:, 0])))


def test_batches_and_half_precision():
    frames = [make_logits(seed, 8, (6, 10)) for seed in (4, 5)]
    class_logits, mask_logits = (torch.stack(own)[:, None].bfloat16() for own in zip(*frames, strict=True))
    (found,), ids = tiled_scores([get_score("uno")], class_logits, mask_logits, K, (24, 40), 1e-4)
    exact, _ = compute_scores(["uno"], class_logits, mask_logits, K, (24, 40))
    assert found.shape == ids.shape == (2, 1, 24, 40)
    assert float((found - exact["uno"]).abs().max()) <= 1e-4 + ROUNDING


def test_autocast_changes_nothing():
    class_logits, mask_logits = make_logits(7, 12, (9, 15))
    exact = pixel_sums(class_logits, mask_logits, K, (36, 60))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = whole(tiled.strips(class_logits, mask_logits, K, (36, 60)), (36, 60))
    assert max(differences(found, exact)) <= ROUNDING


def test_class_logits_that_are_not_numbers_show_in_the_score():
    class_logits, mask_logits = make_logits(8, 12, (9, 15))
    class_logits[3, 1] = torch.nan
    found, _ = compute_scores(["uno"], class_logits, mask_logits, K, (36, 60), epsilon=1.0)
    assert found["uno"].isnan().all()


def test_logits_that_cannot_be_summed_are_refused():
    class_logits, mask_logits = make_logits(6, 4, (5, 7))
    for bad in (torch.nan, torch.inf, -torch.inf):
        broken = mask_logits.clone()
        broken[1, 4, 2] = bad
        with pytest.raises(ValueError, match="expected finite values"):
            compute_scores(["uno"], class_logits, broken, K, (20, 28), epsilon=0.0)
    for epsilon in (-1e-3, float("nan")):
        with pytest.raises(ValueError, match="epsilon: expected 0 or more"):
            compute_scores(["uno", "entropy"], class_logits, mask_logits, K, epsilon=epsilon)
    with pytest.raises(ValueError, match="same leading sizes"):
        compute_scores(["uno"], class_logits[:3], mask_logits, K, epsilon=0.0)
    with pytest.raises(ValueError, match=r"of one image, found \[1, 4, 6\]"):
        next(tiled.strips(class_logits[None], mask_logits[None], K))
    with torch.inference_mode():
        compute_scores(["uno"], class_logits, mask_logits, K, (11, 13), epsilon=0.0)
    with pytest.raises(ValueError, match=r"under torch.no_grad\(\)"):
        compute_scores(["uno"], class_logits, mask_logits.requires_grad_(), K, (11, 13), epsilon=0.0)
