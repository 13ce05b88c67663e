"""Streamed metrics, pooled over the pixels of all frames: AP, AUROC, FPR95, best F1, and IoU from a confusion matrix.

Definitions are those of the road anomaly benchmarks (SegmentMeIfYouCan, Fishyscapes): AP = Σ ΔRecall · Precision
over the distinct scores in descending order, so ties count as one step; FPR95 = FPR at the first threshold with
TPR ≥ 0.95.

*Memory and error.* Scores are counted, not kept (``ScoreCounts``). Up to 2^21 distinct scores of a population all
figures are exact. Beyond, pixels of one cell keep their number and lose their order. AUROC and FPR95 only get better
when an anomalous pixel moves up or a normal one down. So they are worked out twice: anomalous pixels at the upper end
of their cells and normal ones at the lower, and the other way round. AP does so too, but for ties of anomalous pixels,
which a move makes or breaks; there it is bounded pixel by pixel (``_ap_bounds``). The exact figure lies between the
two; the middle is reported, and half of the widest gap as ``max_error``. That bound is proven for the very scores that
were seen, but for the rounding of float64 sums.

It is ≤ 1e-4 beforehand, for any scores in any order, as long as the anomalous pixels have up to 2^21 distinct scores.
T then is exact, and by ``rank_cells`` the two counts of normal pixels above a threshold, F ≤ F', differ by U with
U ≤ 7.9e-4 F' and U ≤ 1.99e-4 N. So FPR and AUROC differ by U / N ≤ 1.99e-4, and the precision, the mean of which over
the anomalous pixels is AP, by T U / ((T + F)(T + F')) ≤ U / F' · max p(1 - p) · (1 + 1e-3) ≤ 1.98e-4. Half of it is
below 1e-4.

With more anomalous scores than that no method of bounded memory can promise as much: let the anomalous pixels come
first, then all normal ones between two neighbouring anomalous scores. Only who remembers which of the two is the last
before 95 % knows FPR95, and which two it will be was not known in time. Scores that are not laid out against the
reader leave ``max_error`` near 1e-5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ros_anomaly.evaluation.score_counts import ScoreCounts
from ros_anomaly.evaluation.score_keys import Bins, key_scores, score_bins, score_keys, sum_runs

__all__ = [
    "ConfusionMatrix",
    "PixelRanking",
    "RankingFigures",
    "ScoreCounts",
    "aligned_counts",
    "best_f1",
    "key_scores",
    "ranking_figures",
    "score_bins",
    "score_keys",
    "sum_runs",
]

RECALL = 0.95
"""Of FPR95."""


@dataclass(frozen=True)
class RankingFigures:
    """Fractions, None where undefined: without anomalous pixels all three, without normal ones AUROC and FPR95.

    ``max_error`` bounds how far any of them may be from the exact figure; 0 if they are exact.
    """

    ap: float | None
    auroc: float | None
    fpr95: float | None
    anomalous_px: int
    normal_px: int
    max_error: float = 0.0


def aligned_counts(
    anomalous: ScoreCounts, normal: ScoreCounts, anomalous_highest: bool = False, normal_highest: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(keys, anomalous, normal) of all occupied bins, highest score first.

    Pixels that share a cell stand at its lowest score, or at its highest.
    """
    own_bins = anomalous.bins(anomalous_highest), normal.bins(normal_highest)
    # Sorting beats np.union1d by far: that hashes what is nearly sorted already.
    merged = np.sort(np.concatenate([keys for keys, _ in own_bins]))
    keys = merged[np.append(merged[1:] != merged[:-1], True)[: len(merged)]][::-1]
    both = []
    for own_keys, own_counts in own_bins:
        column = np.zeros(len(keys), np.int64)
        column[len(keys) - 1 - np.searchsorted(keys[::-1], own_keys)] = own_counts
        both.append(column)
    return keys, both[0], both[1]


def ranking_figures(anomalous: ScoreCounts, normal: ScoreCounts) -> RankingFigures:
    """AP, AUROC and FPR95 of two populations of pixels."""
    if anomalous.is_exact() and normal.is_exact():
        return _figures(*aligned_counts(anomalous, normal)[1:])
    worst = _figures(*aligned_counts(anomalous, normal, normal_highest=True)[1:])
    best = _figures(*aligned_counts(anomalous, normal, anomalous_highest=True)[1:])
    if not anomalous.is_exact():
        low, high = _ap_bounds(anomalous, normal)
        worst, best = replace(worst, ap=low), replace(best, ap=high)
    ends = [(getattr(worst, name), getattr(best, name)) for name in ("ap", "auroc", "fpr95")]
    ap, auroc, fpr95 = (None if low is None else (low + high) / 2.0 for low, high in ends)
    max_error = max((abs(high - low) / 2.0 for low, high in ends if low is not None), default=0.0)
    return RankingFigures(ap, auroc, fpr95, worst.anomalous_px, worst.normal_px, max_error)


def _ap_bounds(anomalous: ScoreCounts, normal: ScoreCounts) -> tuple[float, float]:
    """(lowest, highest) AP that cells allow whose pixels lie anywhere in them, each alone or in ties.

    AP is the mean over the anomalous pixels of T / (T + F), the pixels that score no less than each. An anomalous pixel
    of a known score takes the least T and the most F there for one end, the other way round for the other. Of n in a
    cell the j-th from the top has at least the anomalous pixels above the cell and j of its own, and at most all that
    may lie above the cell's lower end; F likewise, between those above the upper end and those above the lower.
    """
    least, most = anomalous.bins(), anomalous.bins(highest=True)
    fewest, passed_most = normal.bins(), normal.bins(highest=True)
    first, last, shared = anomalous.shared_cells()
    keys, known = least[0], least[1].copy()
    np.subtract.at(known, np.searchsorted(keys, first), shared)
    keys, known = keys[known > 0], known[known > 0]
    low = (known * _precision(_reaching(least, keys), _reaching(passed_most, keys))).sum()
    high = (known * _precision(_reaching(most, keys), _reaching(fewest, keys))).sum()
    above, passed = _reaching(least, last, beyond=True), _reaching(passed_most, first)
    # With j the precision grows, ever more slowly: its mean is not below that of the two ends.
    low += (shared * (_precision(above + 1, passed) + _precision(above + shared, passed)) / 2.0).sum()
    high += (shared * _precision(_reaching(most, first), _reaching(fewest, last))).sum()
    pixels = anomalous.total()
    return float(low / pixels), float(high / pixels)


def _reaching(bins: Bins, keys: np.ndarray, beyond: bool = False) -> np.ndarray:
    """int64 [n]: how many pixels of ``bins`` lie at each key or above it; ``beyond`` leaves out those at it."""
    own, counts = bins
    at_or_above = np.append(np.cumsum(counts[::-1])[::-1], 0)
    return at_or_above[np.searchsorted(own, keys, side="right" if beyond else "left")]


def _precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    return true / (true + false)


def _figures(positive: np.ndarray, negative: np.ndarray) -> RankingFigures:
    """Figures of counts [n], highest score first."""
    positives, negatives = int(positive.sum()), int(negative.sum())
    if positives == 0:
        return RankingFigures(None, None, None, 0, negatives)
    true, false = np.cumsum(positive), np.cumsum(negative)
    ap = float((positive * _precision(true, false)).sum()) / positives
    if negatives == 0:
        return RankingFigures(ap, None, None, positives, 0)
    # A pair is won by the higher score and shared in a tie.
    auroc = float((negative * (true - positive / 2.0)).sum() / positives / negatives)
    first = int(np.argmax(true / positives >= RECALL))
    return RankingFigures(ap, auroc, float(false[first] / negatives), positives, negatives)


def best_f1(anomalous: ScoreCounts, normal: ScoreCounts) -> tuple[float, float] | None:
    """(best F1 over all thresholds, threshold): *strictly* greater scores are the set that reaches it.

    None without anomalous pixels. Of several thresholds that reach it the highest is taken. Cells are never cut: the
    threshold lies below all of a cell or above it, and where cells lie within cells F1 is the least that the counts
    allow. The threshold is the float32 just below the lowest score of the set; -inf if that is the lowest float32.
    """
    keys, positive, negative = aligned_counts(anomalous, normal)
    if positive.sum() == 0:
        return None
    normal_keys, normal_counts = normal.bins(highest=True)
    reached = len(normal_keys) - np.searchsorted(normal_keys, keys)
    false = np.concatenate([[0], np.cumsum(normal_counts[::-1])])[reached]
    true = np.cumsum(positive)
    f1 = 2.0 * true / (true + false + positive.sum())
    best = int(np.argmax(f1))
    edge = key_scores(keys[best : best + 1])[0]
    return float(f1[best]), float(np.nextafter(edge, np.float32(-np.inf)))


class PixelRanking:
    """AP, AUROC and FPR95 of one score, fed frame by frame."""

    def __init__(self, anomalous: ScoreCounts | None = None, normal: ScoreCounts | None = None) -> None:
        self.anomalous = anomalous or ScoreCounts()
        self.normal = normal or ScoreCounts()

    def add(self, scores: np.ndarray, is_anomaly: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Scores floating, ``is_anomaly`` bool and ``valid`` bool (False is void) of one shape."""
        shapes = {np.shape(a) for a in (scores, is_anomaly, valid) if a is not None}
        if len(shapes) > 1:
            raise ValueError(f"expected scores, labels and validity of one shape, found {sorted(shapes)}")
        self.anomalous.add(scores[is_anomaly if valid is None else is_anomaly & valid])
        self.normal.add(scores[~is_anomaly if valid is None else ~is_anomaly & valid])

    def figures(self) -> RankingFigures:
        """Over everything added so far."""
        return ranking_figures(self.anomalous, self.normal)

    def __add__(self, other: PixelRanking) -> PixelRanking:
        return PixelRanking(self.anomalous + other.anomalous, self.normal + other.normal)

    def state(self) -> dict[str, np.ndarray]:
        """Everything counted, as arrays that ``from_state`` takes."""
        parts = {"anomalous": self.anomalous, "normal": self.normal}
        return {f"{name}_{key}": array for name, part in parts.items() for key, array in part.state().items()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> PixelRanking:
        """What ``state`` gave. KeyError if an array is missing."""
        parts = (
            {key[len(name) :]: array for key, array in state.items() if key.startswith(name)}
            for name in ("anomalous_", "normal_")
        )
        return cls(*(ScoreCounts.from_state(part) for part in parts))


class ConfusionMatrix:
    """Counts int64 [K, K], row = ground truth, column = prediction; ground truth ≥ K (anomaly, void) is left out."""

    def __init__(self, num_classes: int) -> None:
        self.counts = np.zeros((num_classes, num_classes), np.int64)

    def add(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Class ids, integer arrays of one shape; ValueError if a prediction is not one of the K classes."""
        k = len(self.counts)
        if truth.shape != predicted.shape:
            raise ValueError(f"expected labels and prediction of one shape, found {truth.shape} and {predicted.shape}")
        if predicted.size and not 0 <= int(predicted.min()) <= int(predicted.max()) < k:
            raise ValueError(
                f"predicted class ids: expected 0 to {k - 1}, found {predicted.min()} to {predicted.max()}"
            )
        known = truth < k
        pairs = truth[known].astype(np.int64) * k + predicted[known]
        self.counts += np.bincount(pairs, minlength=k * k).reshape(k, k)

    def iou(self) -> np.ndarray:
        """float64 [K]: TP / (TP + FP + FN); NaN for a class that neither occurs nor is predicted."""
        hit = np.diag(self.counts).astype(np.float64)
        union = self.counts.sum(0) + self.counts.sum(1) - hit
        return np.divide(hit, union, out=np.full(len(hit), np.nan), where=union > 0)

    def mean_iou(self) -> float | None:
        """Mean over the classes that occur in the ground truth; None if none does."""
        present = self.counts.sum(1) > 0
        return float(self.iou()[present].mean()) if present.any() else None

    def state(self) -> dict[str, np.ndarray]:
        """Everything counted, as arrays that ``from_state`` takes."""
        return {"counts": self.counts.copy()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> ConfusionMatrix:
        """What ``state`` gave. KeyError if an array is missing."""
        confusion = cls(len(state["counts"]))
        confusion.counts += state["counts"]
        return confusion
