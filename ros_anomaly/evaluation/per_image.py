"""Figures of single images, averaged, as the CAOS benchmark has them (StreetHazards, BDD-Anomaly)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ros_anomaly.evaluation.metrics import RECALL, RankingFigures
from ros_anomaly.evaluation.score_keys import score_bins


class PerImageRanking:
    """Mean over images of their exact AP, AUROC and FPR95; 40 bytes an image.

    Images without an anomalous pixel, or with no other, are left out of the mean; if that leaves none, the figures
    are None.
    """

    def __init__(self) -> None:
        self._images: list[tuple[float, ...]] = []

    def add(self, scores: np.ndarray, is_anomaly: np.ndarray) -> None:
        """One image: scores floating, ``is_anomaly`` bool of its shape. Nothing is void."""
        if np.shape(scores) != np.shape(is_anomaly):
            raise ValueError(
                f"expected scores and labels of one shape, found {np.shape(scores)} and {np.shape(is_anomaly)}"
            )
        anomalous_px = int(np.count_nonzero(is_anomaly))
        normal_px = is_anomaly.size - anomalous_px
        if anomalous_px and normal_px:
            self._images.append((*image_figures(scores, is_anomaly), float(anomalous_px), float(normal_px)))

    def figures(self) -> RankingFigures:
        """Means over the images; pixels summed over those that count."""
        if not self._images:
            return RankingFigures(None, None, None, 0, 0)
        table = np.array(self._images)
        ap, auroc, fpr95 = table[:, :3].mean(axis=0).tolist()
        anomalous_px, normal_px = table[:, 3:].sum(axis=0)
        return RankingFigures(ap, auroc, fpr95, int(anomalous_px), int(normal_px))

    def state(self) -> dict[str, np.ndarray]:
        """Everything added, as arrays that ``from_state`` takes."""
        return {"images": np.array(self._images).reshape(-1, 5)}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> PerImageRanking:
        """What ``state`` gave. KeyError if an array is missing."""
        ranking = cls()
        ranking._images = [tuple(row) for row in np.asarray(state["images"]).tolist()]
        return ranking


def image_figures(scores: np.ndarray, is_anomaly: np.ndarray) -> tuple[float, float, float]:
    """(AP, AUROC, FPR at the recall nearest to 0.95) of an image with anomalous and other pixels.

    Equal scores are one step. Thresholds are looked through from the highest that reaches full recall upward; the first
    of the nearest counts, distances compared in double precision. So of two recalls equally near it is the higher one,
    and of thresholds with one recall below 1 the lowest.
    """
    keys, counts = score_bins(scores)
    own_keys, own_counts = score_bins(scores[is_anomaly])
    positive = np.zeros(len(keys), np.int64)
    positive[np.searchsorted(keys, own_keys)] = own_counts
    positive, counts = positive[::-1], counts[::-1]
    true, all_above = np.cumsum(positive), np.cumsum(counts)
    false = all_above - true
    ap = float((positive * (true / all_above)).sum() / true[-1])
    auroc = float(((counts - positive) * (true - positive / 2.0)).sum() / true[-1] / false[-1])
    full = int(np.argmax(true == true[-1]))
    distance = np.abs((true / true[-1])[full::-1] - RECALL)
    return ap, auroc, float(false[full - int(np.argmin(distance))] / false[-1])
