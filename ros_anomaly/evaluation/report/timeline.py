"""A drive along time: the hazard level, the score, and what was there and was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ros_anomaly.evaluation.report import charts
from ros_anomaly.evaluation.report.blocks import Chart
from ros_anomaly.hazard.types import HazardLevel

LEVEL_COLOURS: dict[HazardLevel, tuple[int, int, int]] = {
    HazardLevel.CLEAR: (46, 160, 67),
    HazardLevel.CAUTION: (219, 154, 4),
    HazardLevel.HAZARD: (215, 38, 61),
    HazardLevel.UNKNOWN: (110, 118, 129),
}
_MOST_POINTS = 1500
_WIDTH_IN = 11.0


@dataclass(frozen=True)
class Presence:
    """A row below the level, one value a frame: whether something was there, and whether it was found."""

    label: str
    there: Sequence[bool]
    found: Sequence[bool]


@dataclass(frozen=True)
class ScoreTrace:
    """The highest score of each frame (None: no frame was processed) and the threshold it is held against."""

    label: str
    values: Sequence[float | None]
    threshold: float | None = None


@dataclass(frozen=True)
class Timeline:
    """Frames in the order of their times; every sequence has one value a frame.

    Attributes:
        times_s: ascending.
        levels: what the detector said; None leaves a gap.
        period_s: how long a frame stands for.
        score: drawn above the levels if given.
        presences: rows below them.
        unit: what the axis says.
    """

    times_s: Sequence[float]
    levels: Sequence[HazardLevel | None]
    period_s: float
    score: ScoreTrace | None = None
    presences: Sequence[Presence] = ()
    unit: str = "seconds"

    def __post_init__(self) -> None:
        own: dict[str, Sequence[Any]] = {"levels": self.levels, **{p.label: p.there for p in self.presences}}
        own |= {f"{p.label}, found": p.found for p in self.presences}
        if self.score is not None:
            own[self.score.label] = self.score.values
        wrong = {name: len(values) for name, values in own.items() if len(values) != len(self.times_s)}
        if wrong:
            raise ValueError(f"timeline: expected {len(self.times_s)} values, one a frame, found {wrong}")
        if len(self.times_s) and not (self.period_s > 0 and (np.diff(self.times_s) >= 0).all()):
            raise ValueError(f"timeline: expected ascending times and a period above 0, found period {self.period_s}")

    def chart(self, caption: str = "") -> Chart:
        """As a block of the page."""
        low = 0.75 + 0.26 * (len(self.presences) + 1)
        heights = [1.3, low] if self.score else [low]
        figure, first = charts.axes_of(_WIDTH_IN, sum(heights) + 0.3)
        axes = first
        if self.score is not None:
            figure.clear()
            upper, axes = figure.subplots(2, 1, sharex=True, height_ratios=heights)
            _draw_score(upper, self.times_s, self.score)
        self._draw_rows(axes)
        end_s = (self.times_s[-1] if len(self.times_s) else 1.0) + self.period_s
        axes.set_xlim(min(self.times_s[0], 0.0) if len(self.times_s) else 0.0, end_s)
        axes.set_xlabel(self.unit)
        figure.axes[0].legend(
            handles=self._legend(), ncols=7, fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0)
        )
        return charts.chart(figure, caption, wide=True)

    def _draw_rows(self, axes: Axes) -> None:
        for level in HazardLevel:
            axes.broken_barh(self._runs([own is level for own in self.levels]), (-0.4, 0.8), color=hex_of(level), lw=0)
        for row, presence in enumerate(self.presences, 1):
            axes.broken_barh(self._runs(presence.there), (-row - 0.3, 0.6), color=charts.PALE, lw=0)
            axes.broken_barh(self._runs(presence.found), (-row - 0.3, 0.6), color=charts.BLUE, lw=0)
        axes.set_yticks([-row for row in range(len(self.presences) + 1)], ["state", *(p.label for p in self.presences)])
        axes.set_ylim(-len(self.presences) - 0.5, 0.6)

    def _runs(self, wanted: Sequence[bool]) -> list[tuple[float, float]]:
        """(start, length) in seconds of each run of frames that are wanted."""
        runs = []
        for is_wanted, group in groupby(zip(wanted, self.times_s, strict=True), key=lambda item: bool(item[0])):
            if is_wanted:
                times = [time_s for _, time_s in group]
                runs.append((times[0], times[-1] - times[0] + self.period_s))
        return runs

    def _legend(self) -> list[Patch]:
        told = [Patch(color=hex_of(level), label=level.name) for level in HazardLevel]
        if self.presences:
            told += [Patch(color=charts.BLUE, label="found"), Patch(color=charts.PALE, label="in view, not found")]
        return told


def hex_of(level: HazardLevel) -> str:
    """The level's colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*LEVEL_COLOURS[level])


def _draw_score(axes: Axes, times_s: Sequence[float], trace: ScoreTrace) -> None:
    times, values = _peaks(np.asarray(times_s, float), np.array([np.nan if v is None else v for v in trace.values]))
    axes.plot(times, values, color=charts.BLUE, linewidth=1)
    if trace.threshold is not None:
        axes.axhline(trace.threshold, color=charts.SOFT, linewidth=1, linestyle="--")
    axes.set_ylabel(trace.label)


def _peaks(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most ``_MOST_POINTS`` points: of a long drive the highest value of every stretch, as peaks matter."""
    if len(times) <= _MOST_POINTS:
        return times, values
    starts = np.linspace(0, len(times), _MOST_POINTS, endpoint=False).astype(int)
    return times[starts], np.fmax.reduceat(values, starts)
