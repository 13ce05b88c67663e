"""All figures of one anomaly score over the frames of a source, streamed frame by frame.

*Memory and error.* Of every score four populations are counted closely: anomalous and normal pixels, on the road
region and off it. All that is broken down (distance, size, kind, weather) is counted ``_COARSENESS`` times more
coarsely, so that a score takes some tens of megabytes whatever the number of frames and rows. Pooled figures are exact
up to ``_EXACT_SCORES`` distinct scores of either population, and beyond within 1e-4 as long as the anomalous pixels
have no more than that; where these share cells too, ``max_error`` proves the bound that was kept, near 1e-5. Figures of
a row are within 1e-4 · (1 + coarseness) by the same reasoning (``metrics``), and some 5e-4 in practice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ros_anomaly.evaluation.bootstrap import ApReplicas, FrameBootstrap
from ros_anomaly.evaluation.conventions import Measurement
from ros_anomaly.evaluation.frame_bins import FrameBins
from ros_anomaly.evaluation.labelled.checkpoint import State, prefixed, text_array, text_of, without_prefix
from ros_anomaly.evaluation.metrics import RankingFigures, ScoreCounts, best_f1, ranking_figures
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.score_keys import Bins
from ros_anomaly.evaluation.strata import DISTANCE_NAMES, SIZE_NAMES, UNKNOWN_DISTANCE, Strata

_EXACT_SCORES = 1 << 18
_COARSENESS = 32.0
_EXACT_SCORES_OF_A_ROW = 1 << 12

_Population = tuple[str, bool]
"""``anomalous`` or ``normal``, and whether on the road region."""

_POPULATIONS: tuple[_Population, ...] = tuple((who, road) for who in ("anomalous", "normal") for road in (False, True))


@dataclass(frozen=True)
class ScoreReport:
    """Figures of one score; intervals are 95 % bootstrap intervals of AP over frames.

    Attributes:
        full, full_ap_ci: over all pixels.
        road, road_ap_ci: over the road region; None in sources that do not know it.
        best_f1, threshold: over all pixels; strictly greater scores are the set that reaches it.
        by_distance, by_size, by_kind: anomalous pixels of one band against all normal pixels.
        by_weather: frames of one weather among themselves.
        curve: thinned operating points over all pixels.
        by_convention: by the definitions of a benchmark; None on a street protocol, which has its own.
        per_image: whether these are means over frames and not of pooled pixels.
        replicas: AP over all pixels in the draws of the bootstrap, to be compared with another score's; None where
            there is no interval.
    """

    full: RankingFigures
    full_ap_ci: tuple[float, float] | None
    road: RankingFigures | None
    road_ap_ci: tuple[float, float] | None
    best_f1: float | None
    threshold: float | None
    by_distance: dict[str, RankingFigures]
    by_size: dict[str, RankingFigures]
    by_weather: dict[str, RankingFigures]
    curve: Curve | None
    by_convention: Measurement | None = None
    per_image: bool = False
    by_kind: dict[str, RankingFigures] = field(default_factory=dict)
    replicas: ApReplicas | None = field(default=None, compare=False, repr=False)

    @property
    def headline(self) -> RankingFigures:
        """What the score is reported with: by convention where there is one, else over all pixels."""
        return self.full if self.by_convention is None else self.by_convention.ranking

    @property
    def headline_ap_ci(self) -> tuple[float, float] | None:
        """The interval of the headline's AP; None for a mean over frames, of which it is not."""
        return None if self.per_image else self.full_ap_ci


class ScoreFigures:
    """Accumulates one score."""

    def __init__(self) -> None:
        self._pooled = {population: ScoreCounts(_EXACT_SCORES) for population in _POPULATIONS}
        self._rows: dict[tuple[str, str], ScoreCounts] = {}  # (axis, row)
        self._bootstrap = {False: FrameBootstrap(), True: FrameBootstrap()}

    def add(self, score: np.ndarray, strata: Strata, weather: str = "") -> FrameBins:
        """Count one frame, floating [H, W] scores and its strata; returns its bins.

        ``weather`` names what the frames of one table row have in common; empty where nothing is known.
        """
        frame = FrameBins.of(score, strata)
        for on_road, bins in frame.normal.items():
            _add(self._pooled["normal", on_road], bins)
            if weather:
                self._add_to_row("weather_normal", weather, bins)
        for part, bins in frame.anomalous:
            _add(self._pooled["anomalous", part.on_road], bins)
            self._add_to_row("distance", part.distance, bins)
            self._add_to_row("size", part.size, bins)
            for kind in part.kinds:
                self._add_to_row("kind", kind, bins)
            if weather:
                self._add_to_row("weather", weather, bins)
        for road_only, bootstrap in self._bootstrap.items():
            bootstrap.add_frame(frame.anomalous_bins(road_only), frame.normal_bins(road_only))
        return frame

    def report(self, name: str, with_road: bool = True) -> ScoreReport:
        """Over everything added so far; ``name`` is the curve's."""
        anomalous = self._pooled["anomalous", False] + self._pooled["anomalous", True]
        normal = self._pooled["normal", False] + self._pooled["normal", True]
        full, best = ranking_figures(anomalous, normal), best_f1(anomalous, normal)
        road = ranking_figures(self._pooled["anomalous", True], self._pooled["normal", True]) if with_road else None
        replicas = self._bootstrap[False].replicas()
        road_replicas = self._bootstrap[True].replicas() if road else None
        return ScoreReport(
            full=full,
            full_ap_ci=replicas.interval(full.ap) if replicas else None,
            road=road,
            road_ap_ci=road_replicas.interval(road.ap) if road and road_replicas else None,
            best_f1=best[0] if best else None,
            threshold=best[1] if best else None,
            by_distance=self._against(normal, "distance", DISTANCE_NAMES),
            by_size=self._against(normal, "size", SIZE_NAMES),
            by_weather=self._by_weather(),
            curve=Curve.of(name, anomalous, normal),
            by_kind=self._against(normal, "kind", sorted(self._names("kind"))),
            replicas=replicas,
        )

    def state(self) -> State:
        """Arrays that ``from_state`` takes."""
        state: State = {"rows": text_array(list(self._rows))}
        for (who, on_road), counts in self._pooled.items():
            state |= prefixed(f"pooled_{who}_{int(on_road)}", counts.state())
        for i, counts in enumerate(self._rows.values()):
            state |= prefixed(f"row_{i}", counts.state())
        for road_only, bootstrap in self._bootstrap.items():
            state |= prefixed(f"bootstrap_{int(road_only)}", bootstrap.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> ScoreFigures:
        """Go on where ``state`` was taken: the figures will be those of a run without a break."""
        figures = cls()
        for who, on_road in _POPULATIONS:
            own = without_prefix(f"pooled_{who}_{int(on_road)}", state)
            figures._pooled[who, on_road] = ScoreCounts.from_state(own)
        for i, (axis, row) in enumerate(text_of(state["rows"])):
            figures._rows[axis, row] = ScoreCounts.from_state(without_prefix(f"row_{i}", state))
        for road_only in figures._bootstrap:
            own = without_prefix(f"bootstrap_{int(road_only)}", state)
            figures._bootstrap[road_only] = FrameBootstrap.from_state(own)
        return figures

    def _add_to_row(self, axis: str, row: str, bins: Bins) -> None:
        if (axis, row) not in self._rows:
            self._rows[axis, row] = ScoreCounts(_EXACT_SCORES_OF_A_ROW, _COARSENESS)
        _add(self._rows[axis, row], bins)

    def _names(self, axis: str) -> list[str]:
        return [row for own, row in self._rows if own == axis]

    def _against(self, normal: ScoreCounts, axis: str, names: Iterable[str]) -> dict[str, RankingFigures]:
        """Figures of the rows that have anomalous pixels; nothing where they tell nothing apart."""
        found = {name: ranking_figures(self._rows[axis, name], normal) for name in names if (axis, name) in self._rows}
        return {} if set(found) == {UNKNOWN_DISTANCE} else found

    def _by_weather(self) -> dict[str, RankingFigures]:
        """Also of a weather that shows no anomaly."""
        nothing = ScoreCounts()
        names = sorted({*self._names("weather"), *self._names("weather_normal")})
        return {
            name: ranking_figures(
                self._rows.get(("weather", name), nothing), self._rows.get(("weather_normal", name), nothing)
            )
            for name in names
        }


def _add(counts: ScoreCounts, bins: Bins) -> None:
    counts.add_bins(*bins)
    counts.total()  # settles them at once: what many counts let wait would take ten times the memory of what they hold
