"""Points of the precision-recall and ROC curves, from counted scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.metrics import ScoreCounts, aligned_counts, key_scores

_POINTS = 150


@dataclass(frozen=True)
class Curve:
    """Operating points of a score, highest threshold first: arrays float64 [n] of one length.

    At ``thresholds[i]`` and above: the share of anomalous pixels (``recall``), of what is flagged (``precision``), and
    of normal pixels (``fpr``).
    """

    name: str
    thresholds: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    fpr: np.ndarray

    @classmethod
    def of(cls, name: str, anomalous: ScoreCounts, normal: ScoreCounts) -> Curve | None:
        """The curve of two populations of pixels, thinned to a few hundred points; None if one is empty."""
        keys, positive, negative = aligned_counts(anomalous, normal)
        true, false = np.cumsum(positive), np.cumsum(negative)
        if len(keys) == 0 or true[-1] == 0 or false[-1] == 0:
            return None
        recall, fpr = true / true[-1], false / false[-1]
        keep = _spread(recall, fpr)
        precision = true[keep] / (true[keep] + false[keep])
        return cls(name, key_scores(keys[keep]).astype(np.float64), recall[keep], precision, fpr[keep])


def _spread(recall: np.ndarray, fpr: np.ndarray) -> np.ndarray:
    """Indices of points that lie evenly along recall, along FPR and along its logarithm; always both ends."""
    even = np.linspace(0, 1, _POINTS)
    small = np.logspace(-5, 0, _POINTS)
    wanted = [np.searchsorted(recall, even), np.searchsorted(fpr, even), np.searchsorted(fpr, small)]
    indices = np.unique(np.concatenate([[0], *wanted, [len(recall) - 1]]))
    return indices[indices < len(recall)]
