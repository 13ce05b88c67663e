"""Component metrics against a plain reading of their definitions, and what their conventions make of edges."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation.components import ComponentMetrics, component_figures
from ros_anomaly.evaluation.conventions import CONVENTIONS, Convention, measure


def plain(truth: np.ndarray, found: np.ndarray) -> tuple[list[float], list[float]]:
    """sIoU and PPV by sets of pixels."""
    pixels = range(len(truth))
    siou, ppv = [], []
    for k in sorted(set(truth) - {0}):
        own = {p for p in pixels if truth[p] == k}
        touching = {found[p] for p in own} - {0}
        predicted = {p for p in pixels if found[p] in touching}
        elsewhere = {p for p in predicted if truth[p] not in (0, k)}
        siou.append(len(own & predicted) / len((own | predicted) - elsewhere))
    for j in sorted(set(found) - {0}):
        own = [p for p in pixels if found[p] == j]
        ppv.append(sum(truth[p] > 0 for p in own) / len(own))
    return siou, ppv


@pytest.mark.parametrize("seed", range(10))
def test_components_as_defined(seed):
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 4, 60), rng.integers(0, 5, 60)
    siou, ppv = component_figures(truth, found)
    expected_siou, expected_ppv = plain(truth, found)
    assert siou == pytest.approx(expected_siou) and ppv == pytest.approx(expected_ppv)


def blocks(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


def test_two_objects_under_one_prediction_are_not_held_against_each_other():
    metrics = ComponentMetrics(1, 1)
    labels = blocks((10, 20, 0, 10), (10, 20, 20, 30)).astype(np.uint8)
    metrics.add(blocks((10, 20, 0, 30)), labels)
    figures = metrics.figures()
    assert figures.siou == pytest.approx(100 / 200)  # 100 of its own, 100 of road between; not the other's 100
    assert figures.ppv == pytest.approx(2 / 3)
    # F1 at each level: both hit up to 0.50; the prediction is false from 0.70 on.
    expected = [1.0 if level <= 0.51 else 0.0 for level in np.arange(0.25, 0.76, 0.05)]
    assert figures.f1_star == pytest.approx(np.mean(expected))


def test_small_components_do_not_count():
    metrics = ComponentMetrics(min_predicted_px=50, min_true_px=20)
    labels = blocks((0, 10, 0, 10), (30, 33, 30, 33)).astype(np.uint8)
    metrics.add(blocks((0, 10, 0, 10), (30, 33, 30, 33), (20, 24, 50, 54)), labels)
    figures = metrics.figures()
    assert (figures.true_components, figures.predicted_components) == (1, 1)
    assert (figures.siou, figures.ppv, figures.f1_star) == (1.0, 1.0, 1.0)


def test_void_is_left_out_of_every_count():
    metrics = ComponentMetrics(1, 1)
    labels = blocks((0, 10, 0, 10)).astype(np.uint8)
    labels[:, 10:30] = 255
    metrics.add(blocks((0, 10, 0, 30)), labels)
    assert (metrics.figures().siou, metrics.figures().ppv) == (1.0, 1.0)


def test_nothing_to_average_is_none_and_false_alarms_alone_are_zero():
    nothing, alarms = ComponentMetrics(1, 1), ComponentMetrics(1, 1)
    empty = np.zeros((40, 60), np.uint8)
    nothing.add(empty > 0, empty)
    alarms.add(blocks((0, 5, 0, 5)), empty)
    assert (nothing.figures().siou, nothing.figures().ppv, nothing.figures().f1_star) == (None, None, None)
    assert (alarms.figures().siou, alarms.figures().ppv, alarms.figures().f1_star) == (None, 0.0, 0.0)


def test_best_f1_and_its_cut():
    score = np.array([[0.9, 0.8, 0.7, 0.1, 0.0]], np.float32)
    labels = np.array([[1, 0, 1, 0, 255]], np.uint8)
    result = measure(lambda: [(score, labels)], Convention("tiny", 1, 1))
    assert result.best_f1 == pytest.approx(0.8) and (score > result.threshold).sum() == 3
    assert result.threshold == pytest.approx(0.7, abs=1e-5)
    assert (result.frames, result.pixels) == (1, 4)


def test_perfect_binary_map_is_perfect():
    labels = blocks((0, 30, 0, 30)).astype(np.uint8)
    result = measure(lambda: [(labels.astype(np.float16), labels)], CONVENTIONS["smiyc-anomaly"])
    assert (result.ranking.ap, result.best_f1) == (1.0, 1.0)
    assert (result.components.siou, result.components.f1_star) == (1.0, 1.0)


def test_conventions_and_undefined_figures():
    labels = blocks((0, 30, 0, 30)).astype(np.uint8)
    assert measure(lambda: [(labels / 1.0, labels)], CONVENTIONS["fishyscapes"]).components is None
    normal = measure(lambda: [(labels / 1.0, labels * 0)], CONVENTIONS["smiyc-anomaly"])
    assert (normal.ranking.ap, normal.best_f1, normal.threshold, normal.components) == (None,) * 4
    with pytest.raises(ValueError, match="expected 0, 1 or 255, found 2"):
        measure(lambda: [(labels / 1.0, labels * 2)], CONVENTIONS["fishyscapes"])
    with pytest.raises(ValueError, match="at least one"):
        measure(lambda: [], CONVENTIONS["fishyscapes"])


def test_predicted_pixels_on_void_are_no_part_of_a_component():
    # Joined across void the two halves would have 10 pixels; without it each has 4 and is dropped.
    labels = np.zeros((5, 12), np.uint8)
    labels[:, 4:6] = 255
    predicted = np.zeros(labels.shape, bool)
    predicted[2, 0:10] = True
    for smallest, components in ((5, 0), (4, 2)):
        metrics = ComponentMetrics(smallest, 1)
        metrics.add(predicted, labels)
        assert metrics.figures().predicted_components == components


def test_many_components_need_no_table_of_all_pairs():
    rng = np.random.default_rng(0)
    metrics = ComponentMetrics(1, 1)
    labels = (np.indices((600, 600)) % 2 == 0).all(axis=0).astype(np.uint8)  # 90 000 single pixels
    metrics.add((labels == 1) & (rng.random(labels.shape) < 0.5), labels)
    figures = metrics.figures()
    assert figures.true_components == 90_000 and figures.ppv == 1.0
    assert figures.siou == pytest.approx(figures.predicted_components / 90_000)


def test_components_go_on_from_their_state():
    whole, part = ComponentMetrics(3, 2), ComponentMetrics(3, 2)
    frames = [(blocks((0, 5, i, i + 9)), blocks((2, 7, 4, 12)).astype(np.uint8)) for i in range(4)]
    for number, frame in enumerate(frames):
        whole.add(*frame)
        if number == 2:
            part = ComponentMetrics.from_state(part.state())
        part.add(*frame)
    assert part.figures() == whole.figures()
