"""Streamed metrics, pooled over the pixels of all frames: AP, AUROC, FPR95, and IoU from a confusion matrix.

Definitions are those of the road anomaly benchmarks (SegmentMeIfYouCan, Fishyscapes): AP = Σ ΔRecall · Precision
over the distinct scores in descending order, so ties count as one step; FPR95 = FPR at the first threshold with
TPR ≥ 0.95.

Scores are counted, not kept. A bin is a float32 with its lowest 5 bits cut off: 2^18 bins an octave on either side
of zero, 2e-6 wide near ±1, not far above the rounding of the scores themselves. Bins follow the order of the
numbers, so all that changes is that scores of one bin become ties: FPR95 moves by at most the share of pixels in one
bin, AP and AUROC by less. The tests hold all three to 1e-4 where scores spread over 0.01 or more (5000 bins), and to
2e-3 where they crowd within 0.001 of -1. Memory grows with the occupied bins, 8 bytes each: some ten MB a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CUT_BITS = 5
KEY_BITS = 32 - _CUT_BITS
"""Bits of a bin's key."""
_MERGE_AT = 1 << 20
_COUNT_BITS = np.uint64(36)  # 7e10 pixels a bin; the key takes the other 28 at most
_COUNT_MASK = np.uint64((1 << 36) - 1)


def score_keys(scores: np.ndarray) -> np.ndarray:
    """Bins of finite scores, uint32 of the same shape, in the order of the scores. ValueError if one is not finite."""
    values = np.asarray(scores, np.float32) + np.float32(0.0)  # -0.0 and 0.0 are one score
    if not np.isfinite(values).all():
        raise ValueError(f"scores: expected finite values, found {int((~np.isfinite(values)).sum())} that are not")
    bits = values.view(np.uint32)
    ordered = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(0x80000000))
    return ordered >> np.uint32(_CUT_BITS)


def key_scores(keys: np.ndarray) -> np.ndarray:
    """The lower edge of each bin, float32: the smallest score that falls into it."""
    ordered = np.asarray(keys, np.uint32) << np.uint32(_CUT_BITS)
    return (
        np.where(ordered >> np.uint32(31), ordered & np.uint32(0x7FFFFFFF), ~ordered).astype(np.uint32).view(np.float32)
    )


class ScoreCounts:
    """How many pixels scored what: a growing, sparse histogram over score bins."""

    def __init__(self) -> None:
        # One number a bin, key above count: sorting these is many times faster than sorting keys along with counts.
        self._packed = np.zeros(0, np.uint64)
        self._new: list[np.ndarray] = []
        self._new_bins = 0

    def add(self, scores: np.ndarray) -> None:
        """Count scores of any shape."""
        self.add_bins(*np.unique(score_keys(scores), return_counts=True))

    def add_bins(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Count bins directly: keys uint32 [n], counts [n]."""
        if len(keys) == 0:
            return
        self._new.append((keys.astype(np.uint64) << _COUNT_BITS) | counts.astype(np.uint64))
        self._new_bins += len(keys)
        if self._new_bins > max(_MERGE_AT, len(self._packed)):
            self._merge()

    def bins(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys uint32 [n] ascending, counts int64 [n])."""
        self._merge()
        return (self._packed >> _COUNT_BITS).astype(np.uint32), (self._packed & _COUNT_MASK).astype(np.int64)

    def total(self) -> int:
        """Pixels counted."""
        return int(self.bins()[1].sum())

    def __add__(self, other: ScoreCounts) -> ScoreCounts:
        both = ScoreCounts()
        both.add_bins(*self.bins())
        both.add_bins(*other.bins())
        return both

    def _merge(self) -> None:
        if not self._new:
            return
        packed = np.sort(np.concatenate([self._packed, *self._new]))
        keys, counts = sum_runs(packed >> _COUNT_BITS, packed & _COUNT_MASK)
        self._packed = (keys << _COUNT_BITS) | counts
        self._new, self._new_bins = [], 0


def sum_runs(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys of an ascending array, and the sums of their counts."""
    if len(keys) == 0:
        return keys, counts
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


@dataclass(frozen=True)
class RankingFigures:
    """Fractions, None where undefined: without anomalous pixels all three, without normal ones AUROC and FPR95."""

    ap: float | None
    auroc: float | None
    fpr95: float | None
    anomalous_px: int
    normal_px: int


def aligned_counts(anomalous: ScoreCounts, normal: ScoreCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(keys, anomalous, normal) of all occupied bins, highest score first."""
    (keys_a, counts_a), (keys_n, counts_n) = anomalous.bins(), normal.bins()
    # Sorting beats np.union1d by far: that hashes what is nearly sorted already.
    merged = np.sort(np.concatenate([keys_a, keys_n]))
    keys = merged[np.append(merged[1:] != merged[:-1], True)[: len(merged)]][::-1]
    both = []
    for own_keys, own_counts in ((keys_a, counts_a), (keys_n, counts_n)):
        column = np.zeros(len(keys), np.int64)
        column[len(keys) - 1 - np.searchsorted(keys[::-1], own_keys)] = own_counts
        both.append(column)
    return keys, both[0], both[1]


def ranking_figures(anomalous: ScoreCounts, normal: ScoreCounts) -> RankingFigures:
    """AP, AUROC and FPR95 of two populations of pixels."""
    _, positive, negative = aligned_counts(anomalous, normal)
    positives, negatives = int(positive.sum()), int(negative.sum())
    if positives == 0:
        return RankingFigures(None, None, None, 0, negatives)
    true, false = np.cumsum(positive), np.cumsum(negative)
    ap = float((positive * (true / (true + false))).sum() / positives)
    if negatives == 0:
        return RankingFigures(ap, None, None, positives, 0)
    # A pair is won by the higher score and shared in a tie.
    auroc = float((negative * (true - positive / 2.0)).sum() / positives / negatives)
    first = int(np.argmax(true >= 0.95 * positives))
    return RankingFigures(ap, auroc, float(false[first] / negatives), positives, negatives)


def best_f1(anomalous: ScoreCounts, normal: ScoreCounts) -> tuple[float, float] | None:
    """(best F1 over all thresholds, threshold): *strictly* greater scores are the set that reaches it.

    None without anomalous pixels. Of several thresholds that reach it the highest is taken.
    """
    keys, positive, negative = aligned_counts(anomalous, normal)
    if positive.sum() == 0:
        return None
    true, false = np.cumsum(positive), np.cumsum(negative)
    f1 = 2.0 * true / (true + false + positive.sum())
    best = int(np.argmax(f1))
    edge = key_scores(keys[best : best + 1])[0]
    return float(f1[best]), float(np.nextafter(edge, np.float32(-np.inf)))


class PixelRanking:
    """AP, AUROC and FPR95 of one score, fed frame by frame."""

    def __init__(self) -> None:
        self.anomalous = ScoreCounts()
        self.normal = ScoreCounts()

    def add(self, scores: np.ndarray, is_anomaly: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Scores floating, ``is_anomaly`` bool and ``valid`` bool (False is void) of one shape."""
        shapes = {np.shape(a) for a in (scores, is_anomaly, valid) if a is not None}
        if len(shapes) > 1:
            raise ValueError(f"expected scores, labels and validity of one shape, found {sorted(shapes)}")
        keep = np.ones(np.shape(scores), bool) if valid is None else valid
        self.anomalous.add(scores[keep & is_anomaly])
        self.normal.add(scores[keep & ~is_anomaly])

    def figures(self) -> RankingFigures:
        """Over everything added so far."""
        return ranking_figures(self.anomalous, self.normal)


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
