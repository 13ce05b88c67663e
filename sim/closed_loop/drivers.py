"""Who may sit at the wheel: what each driver knows of the road ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly_sim.bridge.projection import PixelBox
from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.closed_loop.course import Course
from ros_anomaly_sim.closed_loop.policy import Policy

# A region speaks of an anomaly if the smaller of both lies at least so far in the other.
_SHARED = 0.3


@dataclass(frozen=True)
class Sight:
    """What a detector made of an image, for pictures of it.

    Attributes:
        boxes: of its regions.
        mask: uint8 [H, W], 255 where anomalous; None where it is not told.
        score: float32 [h, w]; None likewise.
    """

    boxes: tuple[PixelBox, ...] = ()
    mask: np.ndarray | None = None
    score: np.ndarray | None = None


@dataclass(frozen=True)
class Verdict:
    """What a driver is told of the road ahead.

    Attributes:
        level: as the detector's; ``level.flag`` is what the driver acts on.
        reason: in words.
        anomalies: numbers in the scenario of the anomalies that it speaks of.
        latency_ms: wall time that it took to find out; None where nothing was computed.
        sight: of the image that it rests on; says nothing of whether two verdicts are the same.
    """

    level: HazardLevel
    reason: str
    anomalies: frozenset[int] = field(default=frozenset())
    latency_ms: float | None = None
    sight: Sight | None = field(default=None, compare=False, repr=False)


class Driver(Protocol):
    """Tells what it makes of moments; one at a time, in order."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    @property
    def sees(self) -> bool:
        """Whether it needs cameras."""
        ...

    def begin(self, course: Course) -> None:
        """Forget what was before: a drive on this course begins."""
        ...

    def judge(self, moment: Moment) -> Verdict | None:
        """What it makes of a moment; None where the moment tells it nothing new."""
        ...


class BlindDriver:
    """Knows nothing and fears nothing."""

    name, sees = "blind", False

    def begin(self, course: Course) -> None:
        pass

    def judge(self, moment: Moment) -> Verdict | None:
        return Verdict(HazardLevel.CLEAR, "not looking")


class OracleDriver:
    """Knows where everything stands, and brakes as late as is comfortable for what is in the way."""

    name, sees = "oracle", False

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def begin(self, course: Course) -> None:
        strip_m = course.half_width_m + self._policy.oracle_side_m
        self._in_the_way = {n: a.first_m for n, a in enumerate(course.anomalies) if a.reaches_into(strip_m)}
        self._front_m = course.front_m
        self._braked_for: set[int] = set()

    def judge(self, moment: Moment) -> Verdict | None:
        speed = max(moment.motion.speed_mps, 0.0)
        needed_m = speed * speed / (2 * self._policy.oracle_braking_mps2) + self._policy.oracle_margin_m
        for number, first_m in self._in_the_way.items():
            gap_m = first_m - moment.travelled_m - self._front_m
            # What it has once braked for stays in its way; it does not creep up to it.
            if -self._front_m < gap_m <= needed_m:
                self._braked_for.add(number)
        if self._braked_for:
            return Verdict(HazardLevel.HAZARD, "anomaly in the way", frozenset(self._braked_for))
        return Verdict(HazardLevel.CLEAR, "nothing in the way")


def verdict_of(
    state: HazardState,
    boxes: Mapping[int, PixelBox],
    latency_ms: float | None,
    mask: np.ndarray | None = None,
    score: np.ndarray | None = None,
) -> Verdict:
    """A detector's state as a verdict; regions are matched with where the anomalies appear in the image."""
    regions = tuple(PixelBox(*region.box) for region in state.regions)
    spoken_of = {number for number, box in boxes.items() for region in regions if _speaks_of(region, box)}
    return Verdict(state.level, state.reason, frozenset(spoken_of), latency_ms, Sight(regions, mask, score))


def _speaks_of(region: PixelBox, box: PixelBox) -> bool:
    smaller_px = min(region.area_px, box.area_px)
    return smaller_px > 0 and region.overlap_px(box) >= _SHARED * smaller_px
