"""The calibration rule: events, not pixels, decide where the threshold lies.

At the threshold, false HAZARDs number at most so many per simulated time of anomaly-free driving, counted after
regions, corridor and confirmation. Of the thresholds that keep the rule the lowest is taken, because it finds most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationRule:
    """At most ``max_false_hazards`` in ``per_minutes`` of anomaly-free driving."""

    max_false_hazards: float = 1.0
    per_minutes: float = 10.0

    def __post_init__(self) -> None:
        if not (self.max_false_hazards >= 0 and self.per_minutes > 0):
            raise ValueError(
                "CalibrationRule: expected max_false_hazards >= 0 and per_minutes > 0, "
                f"found {self.max_false_hazards} and {self.per_minutes}"
            )

    def allowed(self, minutes: float) -> int:
        """Events that ``minutes`` of driving may have."""
        return math.floor(self.max_false_hazards * minutes / self.per_minutes + 1e-9)

    def __str__(self) -> str:
        return (
            f"false HAZARDs <= {self.max_false_hazards:g} per {self.per_minutes:g} simulated minutes of anomaly-free "
            "driving, after regions, corridor and confirmation"
        )


@dataclass(frozen=True)
class CalibrationResult:
    """The threshold, what it costs, and all (threshold, false hazards) that were tried, highest first."""

    threshold: float
    false_hazards: int
    minutes: float
    tried: tuple[tuple[float, int], ...]


def choose_threshold(
    count_false_hazards: Callable[[float], int],
    minutes: float,
    lowest: float,
    highest: float,
    rule: CalibrationRule | None = None,
    coarse_steps: int = 32,
    fine_steps: int = 8,
) -> CalibrationResult:
    """Search downwards from ``highest`` in even steps to the first that breaks the rule, then halve between the two.

    Counts are nearly but not quite monotone (regions merge as the threshold falls), hence the walk from above: a
    quiet spot below a noisy one is never taken for calm.

    Args:
        count_false_hazards: events of the whole anomaly-free material at a threshold.
        minutes: simulated time of that material.
        lowest, highest: range of thresholds; ``highest`` should be the highest score seen, at which there are none.

    Raises:
        ValueError: empty range or no time; or the rule is broken already at ``highest``.
    """
    rule = rule or CalibrationRule()
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise ValueError(f"thresholds: expected lowest < highest, found {lowest} and {highest}")
    if minutes <= 0:
        raise ValueError(f"minutes: expected more than 0, found {minutes}")
    allowed = rule.allowed(minutes)
    tried: dict[float, int] = {}

    def keeps(threshold: float) -> bool:
        tried[threshold] = count_false_hazards(threshold)
        return tried[threshold] <= allowed

    if not keeps(highest):
        raise ValueError(
            f"calibration: expected at most {allowed} false hazards at the highest threshold {highest:g}, "
            f"found {tried[highest]}"
        )
    kept = broken = highest
    for step in range(1, coarse_steps + 1):
        broken = highest + (lowest - highest) * step / coarse_steps
        if not keeps(broken):
            break
        kept = broken
    for _ in range(fine_steps if broken < kept else 0):
        middle = (kept + broken) / 2
        if keeps(middle):
            kept = middle
        else:
            broken = middle
    return CalibrationResult(kept, tried[kept], minutes, tuple(sorted(tried.items(), reverse=True)))
