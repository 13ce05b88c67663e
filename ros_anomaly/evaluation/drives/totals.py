"""Several drives in one figure each: sums that can be added up in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
from ros_anomaly.evaluation.drives.tally import rows_by_level
from ros_anomaly.evaluation.drives.truth import DriveTruth
from ros_anomaly.hazard.types import HazardLevel

_NS_PER_S = 1e9


def _no_levels() -> dict[HazardLevel, int]:
    return dict.fromkeys(HazardLevel, 0)


@dataclass
class DriveTotals:
    """Sums over the cameras of drives; ``truth`` is None where nothing is labelled.

    ``hazards`` are the rises to HAZARD, ``alarms`` are counted as calibration counts them.
    """

    drives: int = 0
    images: int = 0
    processed: int = 0
    hazards: int = 0
    alarms: int = 0
    frames: dict[HazardLevel, int] = field(default_factory=_no_levels)
    duration_ns: dict[HazardLevel, int] = field(default_factory=_no_levels)
    truth: DriveTruth | None = None

    @classmethod
    def of(cls, drive: EvaluatedDrive) -> DriveTotals:
        """The sums of one drive."""
        total = cls(drives=1)
        for tally in drive.tallies:
            total.images += len(tally.rows)
            total.processed += len(tally.rows) - tally.dropped
            total.hazards += len(tally.levels.hazards)
            total.alarms += tally.alarms
            for level, count in rows_by_level(tally.rows).items():
                total.frames[level] += count
                total.duration_ns[level] += tally.levels.duration_ns[level]
            total.truth = _both(total.truth, tally.truth)
        return total

    def __add__(self, other: DriveTotals) -> DriveTotals:
        return DriveTotals(
            drives=self.drives + other.drives,
            images=self.images + other.images,
            processed=self.processed + other.processed,
            hazards=self.hazards + other.hazards,
            alarms=self.alarms + other.alarms,
            frames={level: self.frames[level] + other.frames[level] for level in HazardLevel},
            duration_ns={level: self.duration_ns[level] + other.duration_ns[level] for level in HazardLevel},
            truth=_both(self.truth, other.truth),
        )

    def figures(self) -> dict[str, Any]:
        """Plain values."""
        seconds = sum(self.duration_ns.values()) / _NS_PER_S
        return {
            "drives": self.drives,
            "images": self.images,
            "processed": self.processed,
            "seconds": seconds,
            "hazards": self.hazards,
            "alarms": self.alarms,
            "alarms_per_10_min": 600.0 * self.alarms / seconds if seconds else None,
            "levels": {
                level.value: {"frames": self.frames[level], "seconds": self.duration_ns[level] / _NS_PER_S}
                for level in HazardLevel
            },
            "labels": None if self.truth is None else self.truth.figures(),
        }


def _both(first: DriveTruth | None, second: DriveTruth | None) -> DriveTruth | None:
    if first is None or second is None:
        return first or second
    return first + second
