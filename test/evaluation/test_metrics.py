"""Streamed metrics against slow, exact ones, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ros_anomaly.evaluation.metrics import (
    ConfusionMatrix,
    PixelRanking,
    ScoreCounts,
    best_f1,
    key_scores,
    score_keys,
)


def exact(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float, float]:
    """AP, AUROC and FPR95 straight from their definitions, one threshold (distinct score) at a time."""
    ap = auroc = previous_recall = previous_fpr = 0.0
    fpr95 = None
    for threshold in np.unique(scores)[::-1]:
        chosen = scores >= threshold
        recall = (chosen & positive).sum() / positive.sum()
        fpr = (chosen & ~positive).sum() / (~positive).sum()
        ap += (recall - previous_recall) * (chosen & positive).sum() / chosen.sum()
        auroc += (fpr - previous_fpr) * (recall + previous_recall) / 2
        if fpr95 is None and recall >= 0.95:
            fpr95 = fpr
        previous_recall, previous_fpr = recall, fpr
    assert fpr95 is not None
    return float(ap), float(auroc), float(fpr95)


def streamed(scores: np.ndarray, positive: np.ndarray, chunks: int = 7) -> tuple[float, float, float]:
    ranking = PixelRanking()
    for part, labels in zip(np.array_split(scores, chunks), np.array_split(positive, chunks), strict=True):
        ranking.add(part, labels)
    figures = ranking.figures()
    assert figures.anomalous_px == positive.sum() and figures.normal_px == (~positive).sum()
    return figures.ap, figures.auroc, figures.fpr95


def exact_by_sorting(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float, float]:
    """The same figures for many pixels: every distinct float64 score is a step."""
    distinct, index = np.unique(-scores.astype(np.float64), return_inverse=True)
    gained = np.bincount(index, weights=positive, minlength=len(distinct))
    false = np.bincount(index, weights=~positive, minlength=len(distinct)).cumsum()
    true = gained.cumsum()
    recall, fpr = true / true[-1], false / false[-1]
    ap = float((gained * true / (true + false)).sum() / true[-1])
    auroc = float(np.trapezoid(np.r_[0, recall], np.r_[0, fpr]))
    return ap, auroc, float(fpr[np.argmax(recall >= 0.95)])


def population(rng, normal, anomalous):
    scores = np.concatenate([normal, anomalous]).astype(np.float32)
    positive = np.arange(len(scores)) >= len(normal)
    order = rng.permutation(len(scores))
    return scores[order], positive[order]


N, A = 200_000, 4_000
DISTRIBUTIONS = {
    # what each imitates: (normal, anomalous)
    "separated": lambda r: (r.normal(0, 1, N), r.normal(2, 1, A)),
    "hopeless": lambda r: (r.normal(0, 1, N), r.normal(0, 1, A)),
    "sums of masks, crowded at -1": lambda r: (-1 + r.exponential(2e-2, N), -1 + r.exponential(6e-2, A)),
    "posteriors near 0": lambda r: (10 ** r.uniform(-9, -2, N), 10 ** r.uniform(-7, 0, A)),
    "both signs": lambda r: (r.uniform(-3, 3, N), r.uniform(-1, 4, A)),
    "ties": lambda r: (r.integers(0, 6, N), r.integers(2, 8, A)),
    "off zero": lambda r: (100 + r.normal(0, 1, N), 100 + r.normal(1.5, 1, A)),
    "crowded within 1e-3 of -1": lambda r: (-1 + r.exponential(1e-4, N), -1 + r.exponential(3e-4, A)),
    "crowded within 1e-6 of 1": lambda r: (1 + r.uniform(0, 1e-6, N), 1 + r.uniform(2e-7, 1.2e-6, A)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_within_1e4_of_the_exact_figures(name):
    rng = np.random.default_rng(3)
    scores, positive = population(rng, *DISTRIBUTIONS[name](rng))
    assert streamed(scores, positive) == pytest.approx(exact_by_sorting(scores, positive), abs=1e-4)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_reference_by_sorting_is_the_definition(name):
    rng = np.random.default_rng(4)
    scores, positive = population(rng, *DISTRIBUTIONS[name](rng))
    scores, positive = scores[:2000], positive[:2000]
    assert exact_by_sorting(scores, positive) == pytest.approx(exact(scores, positive), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=2, max_size=60), st.integers(1, 5))
def test_exact_on_scores_that_fill_bins_of_their_own(pairs, chunks):
    scores = np.array([s / 8 for s, _ in pairs], np.float32)
    positive = np.array([p for _, p in pairs])
    if positive.all() or not positive.any():
        return
    assert streamed(scores, positive, chunks) == pytest.approx(exact(scores, positive), abs=1e-12)


def test_constant_score_has_the_prevalence_as_ap():
    assert streamed(np.zeros(1000), np.arange(1000) < 10) == pytest.approx((0.01, 0.5, 1.0))


def test_perfect_and_reversed_ranking():
    positive = np.arange(1000) >= 900
    assert streamed(positive.astype(float), positive) == (1.0, 1.0, 0.0)
    _, auroc, fpr95 = streamed(-positive.astype(float), positive)
    assert (auroc, fpr95) == (0.0, 1.0)


def test_fpr95_at_the_first_threshold_that_reaches_95_per_cent():
    # 20 anomalous pixels: the 19th is exactly 95 %, and three normal ones score above it.
    scores = np.concatenate([np.arange(20.0, 0.0, -1.0), [30.0, 19.5, 2.5, 1.5, 0.5]])
    assert streamed(scores, np.arange(25) < 20)[2] == pytest.approx(3 / 5)


def test_undefined_figures_are_none():
    normal_only, anomalous_only = PixelRanking(), PixelRanking()
    normal_only.add(np.arange(5.0), np.zeros(5, bool))
    anomalous_only.add(np.arange(5.0), np.ones(5, bool))
    assert normal_only.figures().ap is None and normal_only.figures().fpr95 is None
    assert (anomalous_only.figures().ap, anomalous_only.figures().auroc) == (1.0, None)
    assert PixelRanking().figures().ap is None


def test_void_pixels_do_not_count():
    ranking = PixelRanking()
    ranking.add(np.array([9.0, 1.0, 0.0]), np.array([False, True, False]), np.array([False, True, True]))
    assert ranking.figures().ap == 1.0
    assert ranking.figures().normal_px == 1


def test_scores_must_be_finite_and_of_the_labels_shape():
    with pytest.raises(ValueError, match="finite values, found 2"):
        PixelRanking().add(np.array([np.nan, np.inf, 0.0]), np.ones(3, bool))
    with pytest.raises(ValueError, match="one shape"):
        PixelRanking().add(np.zeros((2, 3)), np.zeros((3, 2), bool))


@settings(max_examples=200, deadline=None)
@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
def test_keys_are_the_scores_in_order(a, b):
    scores = np.array([a, b], np.float32)
    keys = score_keys(scores)
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (a < b, a == b)
    np.testing.assert_array_equal(key_scores(keys), scores)


def test_merging_is_counting_everything_at_once():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=5000).astype(np.float32) for _ in range(4)]
    together, left, right = ScoreCounts(), ScoreCounts(), ScoreCounts()
    for i, part in enumerate(parts):
        together.add(part)
        (left if i < 2 else right).add(part)
    for ours, theirs in zip((left + right).bins(), together.bins(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert together.total() == 20_000


def test_best_f1_is_reached_by_the_set_above_its_threshold():
    rng = np.random.default_rng(5)
    scores, positive = population(rng, *DISTRIBUTIONS["separated"](rng))
    ranking = PixelRanking()
    ranking.add(scores, positive)
    f1, threshold = best_f1(ranking.anomalous, ranking.normal)
    cut = scores > np.float32(threshold)
    assert f1 == pytest.approx(2 * (cut & positive).sum() / (cut.sum() + positive.sum()), abs=1e-12)
    every = [2 * (positive & (scores >= t)).sum() / ((scores >= t).sum() + positive.sum()) for t in scores[::2000]]
    assert f1 >= max(every)


def test_accumulators_go_on_from_their_state():
    rng = np.random.default_rng(6)
    whole, first = PixelRanking(), PixelRanking()
    for half in range(2):
        scores, positive = rng.normal(size=4000), rng.random(4000) < 0.1
        whole.add(scores, positive)
        if half == 0:
            first.add(scores, positive)
            first = PixelRanking.from_state(first.state())
        else:
            second = PixelRanking()
            second.add(scores, positive)
    assert (first + second).figures() == whole.figures()
    confusion = ConfusionMatrix(3)
    confusion.add(np.array([0, 1, 2]), np.array([0, 1, 1]))
    again = ConfusionMatrix.from_state(confusion.state())
    again.add(np.array([2]), np.array([2]))
    assert again.counts.sum() == 4 and confusion.counts.sum() == 3


def test_one_frame_that_is_refused_is_not_counted_in_part():
    counts = ScoreCounts()
    scores = np.zeros((1 << 20) + 5)
    scores[-1] = np.nan
    with pytest.raises(ValueError, match="found 1 that are not"):
        counts.add(scores)
    assert counts.total() == 0


def test_confusion_matrix_by_hand():
    confusion = ConfusionMatrix(3)
    truth = np.array([[0, 0, 1, 1], [13, 255, 1, 0]], np.uint8)
    predicted = np.array([[0, 1, 1, 1], [2, 2, 1, 0]], np.uint8)
    confusion.add(truth, predicted)
    iou = confusion.iou()
    assert iou[:2] == pytest.approx([2 / 3, 3 / 4])
    assert np.isnan(iou[2])  # predicted only where the truth is anomaly or void
    assert confusion.mean_iou() == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert ConfusionMatrix(3).mean_iou() is None


def test_confusion_matrix_refuses_unknown_classes():
    with pytest.raises(ValueError, match="expected 0 to 2, found 0 to 5"):
        ConfusionMatrix(3).add(np.zeros(2, np.uint8), np.array([0, 5], np.uint8))
