"""The GPU kernels against the reference: on a GPU where there is one, else in triton's interpreter, pixel for pixel.

Skipped without triton, which CUDA builds of torch bring along; `pip install --no-deps triton` fetches it for any other.
"""

from __future__ import annotations

import math
import os

import pytest
import torch

from ros_anomaly.scores import gpu, registry
from ros_anomaly.scores.aggregation import pixel_sums
from ros_anomaly.scores.registry import compute_scores

K = 4
ROUNDING = 3e-6
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
needs_triton = pytest.mark.skipif(not gpu.triton_is_installed(), reason="triton is not installed")


@pytest.fixture(autouse=True)
def interpreted_without_a_gpu(monkeypatch):
    # Read when the kernels are defined, which is when they are first used.
    if DEVICE == "cpu":
        monkeypatch.setenv("TRITON_INTERPRET", "1")


def make_logits(seed: int, queries: int, cells: tuple[int, int], leading: tuple[int, ...] = (), outlier: bool = True):
    generator = torch.Generator().manual_seed(seed)
    class_logits = 4 * torch.randn(*leading, queries, K + 1 + outlier, generator=generator)
    class_logits[..., queries // 2 :, -1] += 6
    coarse = torch.randn(math.prod(leading), queries, 4, 5, generator=generator) - 1
    masks = 12 * torch.nn.functional.interpolate(coarse, size=cells, mode="bicubic", align_corners=False)
    return class_logits.to(DEVICE), masks.reshape(*leading, queries, *cells).to(DEVICE)


@needs_triton
@pytest.mark.parametrize("name", gpu.SUMS_OF_TWO)
def test_every_score_is_that_of_its_formula(name):
    logits = make_logits(1, 21, (9, 15), outlier=name != "eam")
    exact, exact_ids = compute_scores([name], *logits, K, (36, 60))
    found, ids = gpu.gpu_score(name, *logits, K, (36, 60))
    assert float((found - exact[name]).abs().max()) <= registry.get_score(name).sensitivity * (1e-6 + ROUNDING)
    assert ids.dtype == torch.uint8
    best = pixel_sums(*logits, K, (36, 60)).classes.topk(2, dim=0).values
    sure = best[0] - best[1] > 1e-5
    assert sure.float().mean() > 0.9
    assert torch.equal(ids[sure], exact_ids[sure])


@needs_triton
@pytest.mark.parametrize(
    ("cells", "size"),
    [
        ((9, 15), (36, 60)),
        ((9, 15), (31, 77)),
        ((9, 15), None),
        ((24, 40), (18, 30)),
        ((1, 1), (5, 40)),
        ((7, 3), (1, 1)),
    ],
)
@pytest.mark.parametrize("epsilon", [0.0, 0.05])
def test_sizes_that_tiles_do_not_divide(cells, size, epsilon):
    logits = make_logits(2, 17, cells)
    exact, _ = compute_scores(["uno"], *logits, K, size)
    found, _ = gpu.gpu_score("uno", *logits, K, size, epsilon)
    error = float((found - exact["uno"]).abs().max())
    assert error <= epsilon + ROUNDING
    if epsilon and min(size or cells) > 8:
        assert error > epsilon / 100


@needs_triton
def test_batches_of_half_precision_are_summed_in_float32():
    class_logits, mask_logits = (own.half() for own in make_logits(3, 5, (6, 10), leading=(2, 1)))
    exact, _ = compute_scores(["uno_clamped"], class_logits, mask_logits, K, (24, 40))
    found, ids = gpu.gpu_score("uno_clamped", class_logits, mask_logits, K, (24, 40))
    assert found.dtype == torch.float32 and found.shape == ids.shape == (2, 1, 24, 40)
    assert float((found - exact["uno_clamped"]).abs().max()) <= 1e-6 + ROUNDING


@needs_triton
def test_what_is_not_a_number_is_not_lost():
    class_logits, mask_logits = make_logits(4, 6, (8, 8))
    mask_logits[2, 3, 3] = torch.nan
    exact, _ = compute_scores(["uno"], class_logits, mask_logits, K, (32, 32))
    found, _ = gpu.gpu_score("uno", class_logits, mask_logits, K, (32, 32), 5.0)
    assert exact["uno"].isnan().any()
    assert torch.equal(found.isnan(), exact["uno"].isnan())


@pytest.mark.skipif(DEVICE == "cpu" or not gpu.triton_is_installed(), reason="needs a GPU and triton")
def test_scores_with_a_bound_take_the_kernels_on_a_gpu(monkeypatch):
    taken = []
    monkeypatch.setattr(registry, "gpu_score", lambda name, *a: taken.append(name) or gpu.gpu_score(name, *a))
    logits = make_logits(6, 6, (8, 8))
    scores, _ = compute_scores(["uno", "eam"], *logits, K, (32, 32), epsilon=1e-6)
    assert taken == list(scores) == ["uno", "eam"]
    # Not among those of the kernels: the whole request goes tile by tile.
    scores, _ = compute_scores(["uno", "energy"], *logits, K, (32, 32), epsilon=1e-6)
    exact, _ = compute_scores(["energy"], *logits, K, (32, 32))
    assert taken == ["uno", "eam"]
    assert float((scores["energy"] - exact["energy"]).abs().max()) <= 1e-6 + 1e-5


def test_what_the_kernels_cannot_give_is_refused(monkeypatch):
    class_logits, mask_logits = make_logits(5, 3, (4, 4))
    with pytest.raises(ValueError, match="expected one of uno, .*; found 'energy'"):
        gpu.gpu_score("energy", class_logits, mask_logits, K)
    with pytest.raises(ValueError, match=r"score 'uno': expected a K\+2 head"):
        gpu.gpu_score("uno", class_logits[:, :-1], mask_logits, K)
    with pytest.raises(ValueError, match="epsilon: expected 0 or more, found -1"):
        gpu.gpu_score("uno", class_logits, mask_logits, K, epsilon=-1)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert os.environ.get("TRITON_INTERPRET") is None
    with pytest.raises(ValueError, match="expected logits on a GPU, found cpu"):
        gpu.gpu_score("uno", class_logits.cpu(), mask_logits.cpu(), K)
