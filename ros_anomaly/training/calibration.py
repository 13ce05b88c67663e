"""The calibration rule: events, not pixels, decide where the threshold lies.

At the threshold, false HAZARDs number at most so many per time of anomaly-free driving, counted after regions, corridor
and confirmation. Of the thresholds that keep the rule the lowest is taken, because it finds most.

Counts are nearly but not quite monotone: as the threshold falls, regions merge, reach into the corridor, and two events
become one long one. So the rule must hold at the threshold that is taken and at every higher one of a fixed grid; a
quiet spot below a noisy one is never taken for calm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

CONFIDENCE = 0.95
_SINGLE_STEPS = 48
_GROWTH = 1.08
_FINE_STEPS = 16


@dataclass(frozen=True)
class CalibrationRule:
    """At most ``max_false_hazards`` in ``per_minutes`` of anomaly-free driving."""

    max_false_hazards: float = 1.0
    per_minutes: float = 10.0

    def __post_init__(self) -> None:
        if not (0 <= self.max_false_hazards < math.inf and 0 < self.per_minutes < math.inf):
            raise ValueError(
                "CalibrationRule: expected max_false_hazards >= 0 and per_minutes > 0, "
                f"found {self.max_false_hazards} and {self.per_minutes}"
            )

    def allowed(self, minutes: float) -> int:
        """Events that ``minutes`` of driving may have: their share of the rule, rounded down."""
        return math.floor(self.max_false_hazards * minutes / self.per_minutes + 1e-6)

    def __str__(self) -> str:
        return (
            f"false HAZARDs <= {self.max_false_hazards:g} per {self.per_minutes:g} minutes of anomaly-free driving "
            "(rounded down for the minutes at hand), after regions, corridor and confirmation, at this threshold and "
            "every higher one of the search grid"
        )


@dataclass(frozen=True)
class CalibrationResult:
    """The threshold, what it costs, and all (threshold, false hazards) that were tried, highest first."""

    threshold: float
    false_hazards: int
    minutes: float
    tried: tuple[tuple[float, int], ...]

    @property
    def rate_bound_per_10_min(self) -> float:
        """The true rate is lower than this with ``CONFIDENCE``, false hazards per 10 minutes."""
        return 10.0 * rate_bound(self.false_hazards, self.minutes)


def rate_bound(events: int, minutes: float, confidence: float = CONFIDENCE) -> float:
    """Upper one-sided bound of an event rate, per minute, after ``events`` in ``minutes``: exact for a Poisson process.

    The rate at which so few events would have a chance of 1 - ``confidence`` (Garwood 1936); of none in m minutes
    3.0 / m at 95 %.
    """
    if events < 0 or not minutes > 0 or not 0 < confidence < 1:
        raise ValueError(
            "rate_bound: expected events >= 0, minutes > 0, 0 < confidence < 1, "
            f"found {events}, {minutes}, {confidence}"
        )
    return float(gammaincinv(events + 1, confidence)) / minutes


def threshold_grid(highest: np.ndarray) -> np.ndarray:
    """Thresholds to try, descending float64: where frames of the anomaly-free drives begin to score higher.

    The first is the highest score of all, above which there is nothing. Every frame among the highest gives one,
    further down one in several: the grid is as fine as the material, whatever the scale of the score.

    Args:
        highest: [n], the highest score of every frame.

    Raises:
        ValueError: no frame, or scores that are not finite.
    """
    if len(highest) == 0 or not np.isfinite(highest).all():
        raise ValueError(f"threshold_grid: expected finite scores of at least one frame, found {len(highest)} frames")
    descending = np.sort(np.asarray(highest, np.float64))[::-1]
    places = [len(descending) - 1]
    place = 0.0
    while round(place) < len(descending):
        places.append(round(place))
        place = max(place + 1.0, place * _GROWTH if place >= _SINGLE_STEPS else 0.0)
    return np.unique(descending[places])[::-1]


def choose_threshold(
    count_false_hazards: Callable[[float], int],
    minutes: float,
    grid: np.ndarray,
    rule: CalibrationRule | None = None,
) -> CalibrationResult:
    """Walk down ``grid`` to the first threshold that breaks the rule, then in even steps from the last that kept it.

    Args:
        count_false_hazards: events of the whole anomaly-free material at a threshold.
        minutes: time of that material.
        grid: thresholds, descending; at the first, the highest score seen, there should be no event.

    Raises:
        ValueError: a grid that is empty or does not descend, or no time; or the rule is broken at its first threshold.
    """
    rule = rule or CalibrationRule()
    if len(grid) == 0 or not np.isfinite(grid).all() or (np.diff(grid) >= 0).any():
        raise ValueError(f"thresholds: expected a descending grid of finite values, found {np.asarray(grid)[:5]}")
    if not minutes > 0:
        raise ValueError(f"minutes: expected more than 0, found {minutes}")
    allowed = rule.allowed(minutes)
    tried: dict[float, int] = {}

    def last_that_keeps(thresholds: np.ndarray) -> tuple[float | None, float | None]:
        """(lowest threshold down to which the rule holds, first that breaks it); either may be missing."""
        kept = None
        for threshold in map(float, thresholds):
            tried[threshold] = count_false_hazards(threshold)
            if tried[threshold] > allowed:
                return kept, threshold
            kept = threshold
        return kept, None

    kept, broken = last_that_keeps(grid)
    if kept is None:
        raise ValueError(
            f"calibration: expected at most {allowed} false hazards at the highest threshold {grid[0]:g}, "
            f"found {tried[float(grid[0])]}"
        )
    if broken is not None:
        finer, _ = last_that_keeps(np.linspace(kept, broken, _FINE_STEPS + 1)[1:-1])
        kept = kept if finer is None else finer
    return CalibrationResult(kept, tried[kept], minutes, tuple(sorted(tried.items(), reverse=True)))
