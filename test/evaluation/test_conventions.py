"""Every convention against a slow, plain reading of its rules: sorted pixels, flood fill, sets of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation.conventions import CONVENTIONS, Convention, measure
from ros_anomaly.evaluation.per_image import PerImageRanking, image_figures

SMALL = {  # the rules of the benchmarks on small images: the same code with smaller sizes
    "smiyc-anomaly": Convention("smiyc-anomaly", 12, 6),
    "smiyc-obstacle": Convention("smiyc-obstacle", 5, 2),
    "fishyscapes": CONVENTIONS["fishyscapes"],
    "caos": CONVENTIONS["caos"],
}
HEIGHT, WIDTH = 24, 32


def test_sizes_and_rules_are_those_of_the_benchmarks():
    rules = {name: (c.min_predicted_px, c.min_true_px, c.per_image) for name, c in CONVENTIONS.items()}
    assert rules == {
        "smiyc-anomaly": (500, 100, False),
        "smiyc-obstacle": (50, 10, False),
        "fishyscapes": (None, None, False),
        "caos": (None, None, True),
    }
    with pytest.raises(ValueError, match="both component sizes or neither"):
        Convention("half", 5)
    with pytest.raises(ValueError, match="no component sizes beside per_image"):
        Convention("both", 5, 5, per_image=True)


def curve(scores: np.ndarray, positive: np.ndarray) -> list[tuple[float, int, int]]:
    """(threshold, true, false) of every distinct score, highest first."""
    points = []
    for threshold in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= threshold
        points.append((threshold, int((chosen & positive).sum()), int((chosen & ~positive).sum())))
    return points


def pixel_figures(scores: np.ndarray, positive: np.ndarray, nearest: bool = False):
    """AP, AUROC, FPR95, best F1 from their definitions."""
    points = curve(scores, positive)
    positives, negatives = points[-1][1:]
    if positives == 0:
        return None, None, None, None
    ap = auroc = last_true = last_false = 0.0
    for _, true, false in points:
        ap += (true - last_true) / positives * true / (true + false)
        auroc += (false - last_false) * (true + last_true) / 2
        last_true, last_false = true, false
    best = max(2 * true / (true + false + positives) for _, true, false in points)
    if negatives == 0:
        return ap, None, None, best
    if nearest:
        until = next(i for i, (_, true, _) in enumerate(points) if true == positives)
        candidates = [(abs(true / positives - 0.95), false) for _, true, false in reversed(points[: until + 1])]
        fpr = min(candidates, key=lambda pair: pair[0])[1] / negatives
    else:
        fpr = next(false for _, true, false in points if true / positives >= 0.95) / negatives
    return ap, auroc / positives / negatives, fpr, best


def flood(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """8-connected components as sets of pixels."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    components = []
    while left:
        front = [left.pop()]
        component = set(front)
        while front:
            y, x = front.pop()
            around = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= around
            component |= around
            front += around
        components.append(component)
    return components


def component_reference(frames, threshold: float, convention: Convention):
    """sIoU, PPV, F1* by sets of pixels."""
    siou, ppv = [], []
    for score, labels in frames:
        void = {(int(y), int(x)) for y, x in zip(*np.nonzero(labels == 255), strict=True)}
        predicted = [c for c in flood((score > threshold) & (labels != 255)) if len(c) >= convention.min_predicted_px]
        every = flood(labels == 1)
        truth = [c for c in every if len(c) >= convention.min_true_px]
        void |= {pixel for c in every if len(c) < convention.min_true_px for pixel in c}
        predicted = [c - void for c in predicted if c - void]
        anomalous = set().union(*truth)
        for own in truth:
            touching = set().union(*(c for c in predicted if c & own))
            siou.append(len(own & touching) / len((own | touching) - (anomalous - own)))
        ppv += [len(c & anomalous) / len(c) for c in predicted]
    if not siou and not ppv:
        return None, None, None
    scores = []
    for level in np.linspace(0.25, 0.75, 11):
        hits = sum(s >= level for s in siou)
        false = sum(p < level for p in ppv)
        scores.append(2 * hits / (hits + len(siou) + false))
    return np.mean(siou) if siou else None, np.mean(ppv) if ppv else None, np.mean(scores)


def blobs(rng, count: int, largest: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for _ in range(count):
        y, x = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
        h, w = rng.integers(1, largest, 2)
        mask[y : y + h, x : x + w] |= rng.random(mask[y : y + h, x : x + w].shape) < 0.85
    return mask


def case(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ten kinds of frames; what is random about them hangs on the number alone."""
    rng = np.random.default_rng(number)
    frames = []
    for _ in range(4):
        anomalous = blobs(rng, 4, 8)
        score = rng.normal(0, 0.6, anomalous.shape) + 2.0 * (anomalous ^ blobs(rng, 3, 6))
        labels = np.where(blobs(rng, 2, 9), 255, anomalous).astype(np.uint8)
        frames.append((score.astype(np.float32), labels))
    if number == 1:  # heavy ties
        frames = [(np.round(score), labels) for score, labels in frames]
    elif number == 2:  # 90 % of all pixels have one score
        frames = [(np.where(rng.random(s.shape) < 0.9, np.float32(0.5), s), labels) for s, labels in frames]
    elif number == 3:  # narrow clusters
        frames = [((0.5 + 1e-6 * score).astype(np.float32), labels) for score, labels in frames]
    elif number == 4:  # one anomalous pixel in all
        frames = [(score, np.where(labels == 1, 0, labels).astype(np.uint8)) for score, labels in frames]
        frames[2][1][5, 5] = 1
    elif number == 5:  # frames without anomaly, and one all void
        frames[0][1][frames[0][1] == 1] = 0
        frames[1][1][:] = 255
    elif number == 6:  # constant score
        frames = [(np.full_like(score, 0.25), labels) for score, labels in frames]
    elif number == 7:  # perfect binary map
        frames = [((labels == 1).astype(np.float32), labels) for _, labels in frames]
    elif number == 8:  # half precision, all negative
        frames = [((score - 9).astype(np.float16), labels) for score, labels in frames]
    elif number == 9:  # nothing anomalous at all
        frames = [(score, np.where(labels == 1, 0, labels).astype(np.uint8)) for score, labels in frames]
    return frames


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("name", ["smiyc-anomaly", "smiyc-obstacle", "fishyscapes"])
def test_pooled_conventions(name, number):
    frames = case(number)
    result = measure(lambda: iter(frames), SMALL[name])
    scores = np.concatenate([score[labels != 255] for score, labels in frames])
    positive = np.concatenate([labels[labels != 255] == 1 for _, labels in frames])
    found = (result.ranking.ap, result.ranking.auroc, result.ranking.fpr95, result.best_f1)
    assert found == pytest.approx(pixel_figures(scores, positive), abs=1e-9)
    assert (result.frames, result.pixels) == (4, len(scores))
    if result.threshold is not None:
        cut = scores.astype(np.float32) > np.float32(result.threshold)
        assert result.best_f1 == pytest.approx(2 * (cut & positive).sum() / (cut.sum() + positive.sum()))
    if name == "fishyscapes" or result.threshold is None:
        assert result.components is None
        return
    components = (result.components.siou, result.components.ppv, result.components.f1_star)
    plain = [(score.astype(np.float32), labels) for score, labels in frames]
    expected = component_reference(plain, np.float32(result.threshold), SMALL[name])
    assert components == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("number", range(10))
def test_caos(number):
    frames = case(number)
    result = measure(lambda: iter(frames), SMALL["caos"])
    images = [pixel_figures(s.ravel(), labels.ravel() == 1, nearest=True)[:3] for s, labels in frames]
    images = [image for image in images if None not in image]
    expected = np.mean(images, axis=0) if images else (None, None, None)
    assert (result.ranking.ap, result.ranking.auroc, result.ranking.fpr95) == pytest.approx(tuple(expected), abs=1e-9)
    assert (result.best_f1, result.threshold, result.components) == (None, None, None)
    assert (result.frames, result.pixels) == (4, len(images) * HEIGHT * WIDTH)


def test_nearest_recall_may_lie_below_and_at_its_lowest_threshold():
    # With eleven anomalous pixels 10/11 is nearer to 0.95 than 1. A normal pixel between the scores of the tenth and
    # the last makes a second threshold of recall 10/11, and the lower one counts; one level with the last does not.
    eleven = np.arange(11.0, 0.0, -1.0)
    assert image_figures(np.r_[eleven, 1.5, 0.5], np.arange(13) < 11)[2] == pytest.approx(1 / 2)
    assert image_figures(np.r_[eleven, 1.0, 0.5], np.arange(13) < 11)[2] == 0.0
    # With 25 it is 24/25, above; at full recall the highest threshold counts.
    assert image_figures(np.r_[np.arange(25.0, 0.0, -1.0), 2.5, 1.5], np.arange(27) < 25)[2] == 1.0
    assert image_figures(np.r_[5.0, 4.0, 3.0], np.arange(3) < 1)[2] == 0.0


def test_images_that_lack_either_kind_do_not_count():
    ranking = PerImageRanking()
    ranking.add(np.arange(4.0), np.zeros(4, bool))
    ranking.add(np.arange(4.0), np.ones(4, bool))
    assert ranking.figures().ap is None
    ranking.add(np.arange(4.0), np.arange(4) == 3)
    assert (ranking.figures().ap, ranking.figures().normal_px) == (1.0, 3)
    with pytest.raises(ValueError, match="one shape"):
        ranking.add(np.zeros(4), np.zeros(3, bool))


def test_prevalence_of_1e5_on_images_of_full_size():
    rng = np.random.default_rng(11)
    frames = []
    for _ in range(2):
        labels = np.zeros((400, 500), np.uint8)
        labels[rng.integers(0, 400), rng.integers(0, 500)] = 1
        frames.append((rng.normal(size=labels.shape).astype(np.float32) + 3 * labels, labels))
    result = measure(lambda: iter(frames), CONVENTIONS["smiyc-obstacle"])
    scores = np.concatenate([s.ravel() for s, _ in frames])
    positive = np.concatenate([labels.ravel() == 1 for _, labels in frames])
    at = np.sort(scores[positive])[::-1]
    above = np.array([(scores >= t).sum() for t in at])
    true = np.arange(1, 3)
    assert result.ranking.ap == pytest.approx((true / above).mean(), abs=1e-9)
    assert result.ranking.fpr95 == pytest.approx((above[1] - 2) / (~positive).sum(), abs=1e-9)
    # Both are single pixels: too small for a component, so there is none to miss.
    assert result.components.siou is None


def test_second_pass_must_bring_the_same_frames():
    frames = case(0)
    figures = SMALL["smiyc-obstacle"].accumulator()
    for frame in frames:
        figures.add(*frame)
    assert figures.result().components is None
    with pytest.raises(ValueError, match="expected the same 4 frames again, found 3"):
        figures.result(iter(frames[:3]))


@pytest.mark.parametrize("name", SMALL)
def test_goes_on_from_its_state(name):
    frames = case(0)
    first = SMALL[name].accumulator()
    first.add(*frames[0])
    second = SMALL[name].accumulator()
    second.load(first.state())
    for frame in frames[1:]:
        second.add(*frame)
    assert second.result(iter(frames)) == measure(lambda: iter(frames), SMALL[name])
