"""SML and KL matching against loops that spell them out; their fit against plain statistics of all pixels at once."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from ros_anomaly.scores.aggregation import PixelSums, pixel_sums
from ros_anomaly.scores.fitting import ScoreFit
from ros_anomaly.scores.names import FITTED_SCORE_NAMES, check_score_name
from ros_anomaly.scores.registry import compute_scores, get_score
from ros_anomaly.scores.statistics import ClassStatistics, ScoreStatistics, load_statistics

K = 4
SHA = "ab" * 32


def some_sums(
    seed: int, height: int = 9, width: int = 11, classes: int = K, leading: tuple[int, ...] = ()
) -> PixelSums:
    generator = torch.Generator().manual_seed(seed)
    sums = torch.rand((*leading, classes, height, width), generator=generator)
    # The first classes win more often, so that classes differ in their number of pixels.
    sums = sums + torch.linspace(0.3, 0, classes)[:, None, None]
    return PixelSums(sums, None, sums.amax(dim=-3))


def fitted(*all_sums: PixelSums, min_pixels: int = 1) -> ScoreStatistics:
    fit = ScoreFit(K)
    for sums in all_sums:
        fit.add(sums)
    return fit.statistics(SHA, "made-up sums", min_pixels)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def pixels_of(*all_sums: PixelSums) -> np.ndarray:
    """float64 [n, K]."""
    parts = [np.moveaxis(s.classes.double().numpy(), -3, -1).reshape(-1, s.classes.shape[-3]) for s in all_sums]
    return np.concatenate(parts)


def assert_statistics_of(statistics: ScoreStatistics, pixels: np.ndarray, rtol: float = 1e-9) -> None:
    posteriors = np.array([softmax(row) for row in pixels])
    for k, own in enumerate(statistics.classes):
        mine = pixels.argmax(1) == k
        assert own is not None and own.pixels == mine.sum()
        np.testing.assert_allclose(own.max_logit_mean, pixels[mine].max(1).mean(), rtol=rtol)
        np.testing.assert_allclose(own.max_logit_variance, pixels[mine].max(1).var(), rtol=rtol)
        np.testing.assert_allclose(own.posterior, posteriors[mine].mean(0), atol=1e-6)


def test_fit_gives_the_statistics_of_all_pixels_at_once():
    frames = [some_sums(seed, height=3 + seed) for seed in range(4)]
    assert_statistics_of(fitted(*frames), pixels_of(*frames))


def test_a_batch_counts_as_its_frames():
    batch = some_sums(1, leading=(2, 3))
    assert_statistics_of(fitted(batch), pixels_of(batch))


def test_shards_add_up_and_stay_as_they_were():
    frames = [some_sums(seed) for seed in range(6)]
    shards = []
    for part in (frames[:1], frames[1:4], frames[4:]):
        shards.append(ScoreFit(K))
        for sums in part:
            shards[-1].add(sums)
    together = shards[0] + shards[1] + shards[2] + ScoreFit(K)
    assert_statistics_of(together.statistics(SHA, "shards", 1), pixels_of(*frames))
    assert shards[0].pixels == 99 and together.pixels == 6 * 99


def test_spread_that_is_small_against_the_mean_is_not_lost():
    frames = [some_sums(seed) for seed in range(5)]
    # A sum of squares minus the square of the sum keeps no digit of this variance.
    shifted = [PixelSums(1e6 + 1e-3 * s.classes.double(), None, s.confidence) for s in frames]
    assert_statistics_of(fitted(*shifted), pixels_of(*shifted), rtol=1e-5)


def test_void_pixels_are_not_counted():
    sums = some_sums(1)
    valid = torch.rand(9, 11, generator=torch.Generator().manual_seed(0)) < 0.5
    fit = ScoreFit(K)
    fit.add(sums, valid)
    assert_statistics_of(fit.statistics(SHA, "valid", 1), pixels_of(sums)[valid.flatten().numpy()])
    empty = ScoreFit(K)
    empty.add(sums, torch.zeros(9, 11, dtype=torch.bool))
    assert empty.pixels == 0
    with pytest.raises(ValueError, match="expected a class of 100 pixels or more, found 0"):
        empty.statistics(SHA, "nothing")


def test_sml_equals_its_formula():
    train, test = some_sums(1), some_sums(2)
    pixels, others = pixels_of(train), pixels_of(test)
    expected = []
    for row in others:
        own = pixels[pixels.argmax(1) == row.argmax()].max(1)
        expected.append(-(row.max() - own.mean()) / own.std())
    score = get_score("sml", fitted(train)).formula(test)
    assert score.dtype == torch.float32
    np.testing.assert_allclose(score.flatten().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_kl_matching_equals_its_formula():
    train, test = some_sums(1), some_sums(2)
    pixels = pixels_of(train)
    posteriors = np.array([softmax(row) for row in pixels])
    templates = [posteriors[pixels.argmax(1) == k].mean(0) for k in range(K)]
    expected = []
    for row in pixels_of(test):
        p = softmax(row)
        expected.append(min(sum(p[j] * math.log(p[j] / d[j]) for j in range(K)) for d in templates))
    score = get_score("kl_matching", fitted(train)).formula(test)
    np.testing.assert_allclose(score.flatten().numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_batches_score_like_single_frames(name):
    score = get_score(name, fitted(some_sums(1)))
    batch = some_sums(2, leading=(3,))
    single = torch.stack([score.formula(PixelSums(own, None, own.amax(0))) for own in batch.classes])
    torch.testing.assert_close(score.formula(batch), single, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_what_is_unlike_the_fit_scores_higher(name):
    """Fitted on pixels that are sure of one class; then one such pixel, and one that no class holds."""
    sure = torch.eye(K).repeat(1, 30)[:, None, :] * 0.95 + 0.01 * torch.rand(K, 1, 30 * K)
    statistics = fitted(PixelSums(sure, None, sure.amax(0)))
    pixels = torch.stack([sure[:, 0, 0], torch.full((K,), 0.02)], dim=1)[:, None]
    score = get_score(name, statistics).formula(PixelSums(pixels, None, pixels.amax(0)))
    assert score[0, 1] > score[0, 0] + 0.01


def test_a_class_of_few_pixels_has_pooled_moments_and_no_template():
    train = some_sums(1)
    pixels = pixels_of(train)
    fewest = int(np.bincount(pixels.argmax(1), minlength=K).argmin())
    count = int((pixels.argmax(1) == fewest).sum())
    statistics = fitted(train, min_pixels=count + 1)
    assert [own is None for own in statistics.classes] == [k == fewest for k in range(K)]
    known = pixels[pixels.argmax(1) != fewest].max(1)
    row = torch.zeros(K, 1, 1)
    row[fewest] = 0.8
    score = get_score("sml", statistics).formula(PixelSums(row, None, row.amax(0)))
    np.testing.assert_allclose(float(score), (known.mean() - 0.8) / known.std(), rtol=1e-4)
    p = softmax(row.flatten().double().numpy())
    templates = [np.array(own.posterior) for own in statistics.classes if own is not None]
    score = get_score("kl_matching", statistics).formula(PixelSums(row, None, row.amax(0)))
    assert float(score) == pytest.approx(min((p * np.log(p / d)).sum() for d in templates), abs=1e-6)


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_scores_stay_finite_where_the_fit_saw_one_value_only(name):
    flat = torch.zeros(K, 5, 5)
    flat[1] = 1.0
    statistics = fitted(PixelSums(flat, None, flat.amax(0)))
    for value in (0.0, 1.0, 40.0):
        sums = torch.full((K, 2, 2), value)
        assert torch.isfinite(get_score(name, statistics).formula(PixelSums(sums, None, sums.amax(0)))).all()


def test_one_pass_gives_fitted_and_other_scores():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(6, K + 2, generator=generator), torch.randn(6, 5, 7, generator=generator)
    statistics = fitted(pixel_sums(*logits, num_classes=K))
    names = ["uno", *FITTED_SCORE_NAMES, "max_logit"]
    scores, _ = compute_scores(names, *logits, num_classes=K, statistics=statistics)
    assert list(scores) == names
    for name in names:
        torch.testing.assert_close(scores[name], get_score(name, statistics)(*logits, num_classes=K))


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_a_fitted_score_without_statistics_is_refused(name):
    assert check_score_name(name) == name
    with pytest.raises(
        ValueError, match=f"score '{name}': expected statistics fitted on anomaly-free frames, found no"
    ):
        get_score(name)
    with pytest.raises(ValueError, match="expected statistics"):
        compute_scores([name], torch.zeros(2, K + 2), torch.zeros(2, 3, 3), num_classes=K)


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_statistics_of_another_network_are_refused(name):
    score = get_score(name, fitted(some_sums(1)))
    with pytest.raises(ValueError, match=f"score '{name}': expected statistics of K = 5 classes, found 4"):
        score(torch.zeros(2, 7), torch.zeros(2, 3, 3), num_classes=5)


@pytest.mark.parametrize("name", FITTED_SCORE_NAMES)
def test_a_fused_network_without_statistics_refuses_the_score(name):
    from tiny_network import tiny_network

    from ros_anomaly.network.fused import FusedNetwork
    from ros_anomaly.scores.names import Aggregation

    with pytest.raises(ValueError, match=f"score '{name}': expected statistics"):
        FusedNetwork(tiny_network(), name, Aggregation.MASKS)


def test_what_cannot_be_fitted_is_refused():
    fit = ScoreFit(K)
    with pytest.raises(ValueError, match="expected sums of K = 4 classes, found 5"):
        fit.add(some_sums(1, classes=5))
    with pytest.raises(ValueError, match=r"expected valid of \[9, 11\], found \[11, 9\]"):
        fit.add(some_sums(1), torch.ones(11, 9, dtype=torch.bool))
    broken = some_sums(1)
    broken.classes[2, 3, 4] = float("nan")
    with pytest.raises(ValueError, match="expected finite sums"):
        fit.add(broken)
    with pytest.raises(ValueError, match="expected another of K = 4, found K = 5"):
        fit + ScoreFit(5)
    assert fit.pixels == 0


def test_statistics_survive_their_file(tmp_path):
    statistics = fitted(some_sums(1), min_pixels=20)
    assert None in statistics.classes
    path = tmp_path / "statistics.json"
    statistics.save(path)
    assert load_statistics(path, K, SHA) == statistics
    assert [p.name for p in tmp_path.iterdir()] == ["statistics.json"]
    assert path.stat().st_size < 4096


def broken_files() -> list[tuple[str, object]]:
    own = {"pixels": 3, "max_logit_mean": 0.5, "max_logit_variance": 0.1, "posterior": [0.25] * K}
    good = {"format": 1, "num_classes": K, "weights_sha256": SHA, "data": "x", "classes": [own] * K}
    return [
        ("expected score statistics of format 1, found 2", {**good, "format": 2}),
        ("expected score statistics of format 1, found 'list'", []),
        ("missing key 'data'", {key: value for key, value in good.items() if key != "data"}),
        ("expected 5 classes as num_classes says, found 4", {**good, "num_classes": 5}),
        ("expected 4 shares a class, found 3", {**good, "classes": [{**own, "posterior": [0.5, 0.25, 0.25]}] * K}),
        ("expected a sum of 1, found 0.5", {**good, "classes": [{**own, "posterior": [0.125] * K}] * K}),
        ("variance: expected 0 or more, found -1", {**good, "classes": [{**own, "max_logit_variance": -1}] * K}),
        ("max_logit_mean: expected a finite", {**good, "classes": [{**own, "max_logit_mean": "high"}] * K}),
        ("pixels: expected a positive", {**good, "classes": [{**own, "pixels": 0}] * K}),
        ("unexpected keyword", {**good, "classes": [{**own, "median": 1}] * K}),
        ("at least one class with pixels", {**good, "classes": [None] * K}),
        ("expected 64 hex digits", {**good, "weights_sha256": "abc"}),
    ]


@pytest.mark.parametrize(("message", "plain"), broken_files())
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path, message, plain):
    path = tmp_path / "statistics.json"
    path.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=rf"statistics\.json: .*{message}"):
        load_statistics(path, K)


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "statistics.json"
    fitted(some_sums(1)).save(path)
    with pytest.raises(ValueError, match=f"statistics.json: .*expected of weights {'cd' * 32}, found of {SHA}"):
        load_statistics(path, K, "cd" * 32)
    with pytest.raises(ValueError, match="expected of a network of K = 13, found K = 4"):
        load_statistics(path)
    with pytest.raises(ValueError, match="found no such file"):
        load_statistics(tmp_path / "none.json", K)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"expected score statistics \(JSON\)"):
        load_statistics(path, K)


def test_statistics_check_themselves():
    with pytest.raises(ValueError, match="shares 0 to 1"):
        ClassStatistics(1, 0.5, 0.1, (1.5, -0.5))
    with pytest.raises(ValueError, match="finite"):
        ClassStatistics(1, math.nan, 0.1, (1.0,))
