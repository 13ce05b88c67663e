"""The scores of one frame as bins, by what they count for, and the figures of that frame alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.metrics import RankingFigures, ScoreCounts, key_scores, ranking_figures, score_bins
from ros_anomaly.evaluation.score_keys import Bins
from ros_anomaly.evaluation.strata import FIRST_PART, NORMAL_OFF_ROAD, NORMAL_ON_ROAD, AnomalousPart, Strata

_TAIL = 1e-3


@dataclass(frozen=True)
class FrameBins:
    """Bins of one frame.

    Attributes:
        normal: by whether the pixels are of the road region; nothing where there are none.
        anomalous: of each part that is in view, in any order.
    """

    normal: dict[bool, Bins]
    anomalous: tuple[tuple[AnomalousPart, Bins], ...]

    @classmethod
    def of(cls, score: np.ndarray, strata: Strata) -> FrameBins:
        """Count floating [H, W] scores. ValueError for another shape or scores that are not finite."""
        codes = strata.codes
        if score.shape != codes.shape:
            raise ValueError(f"expected score and labels of one shape, found {score.shape} and {codes.shape}")
        normal = {}
        for on_road, code in ((False, NORMAL_OFF_ROAD), (True, NORMAL_ON_ROAD)):
            if len(own := score[codes == code]):
                normal[on_road] = score_bins(own)
        anomalous = tuple(
            (part, score_bins(score[codes == code])) for code, part in enumerate(strata.parts, FIRST_PART)
        )
        return cls(normal, anomalous)

    def normal_bins(self, road_only: bool) -> list[Bins]:
        """Bins of the normal pixels, of the road region alone or of all."""
        return [bins for on_road, bins in self.normal.items() if on_road or not road_only]

    def anomalous_bins(self, road_only: bool) -> list[Bins]:
        """Bins of the anomalous pixels, of the road region alone or of all."""
        return [bins for part, bins in self.anomalous if part.on_road or not road_only]

    def figures(self) -> RankingFigures:
        """Figures of the frame alone, on the full image."""
        return ranking_figures(_counted(self.anomalous_bins(False)), _counted(self.normal_bins(False)))

    def normal_tail(self) -> float | None:
        """What one in a thousand normal pixels of the frame scores or more; None without normal pixels."""
        keys, counts = _counted(self.normal_bins(False)).bins()
        if len(keys) == 0:
            return None
        above = np.cumsum(counts[::-1])
        first = int(np.argmax(above >= _TAIL * above[-1]))
        return float(key_scores(keys[len(keys) - 1 - first : len(keys) - first])[0])


def _counted(parts: Iterable[Bins]) -> ScoreCounts:
    counts = ScoreCounts()
    for bins in parts:
        counts.add_bins(*bins)
    return counts
