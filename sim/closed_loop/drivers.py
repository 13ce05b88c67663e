"""Who may sit at the wheel: what each driver knows of the road ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly_sim.bridge.projection import PixelBox
from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.closed_loop.course import Course
from ros_anomaly_sim.closed_loop.policy import Policy

# A region speaks of an anomaly if the smaller of both boxes lies at least so far in the other, and the region itself at
# least so far in the anomaly's box and a rim of two cells of the score map: what is far wider speaks of something else.
_SHARED, _RIM_PX = 0.3, 8


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
        off_corridor: those of them that no region in the corridor speaks of: the flag is not up for them.
        latency_ms: wall time that it took to find out; None where nothing was computed.
        sight: of the image that it rests on; says nothing of whether two verdicts are the same.
    """

    level: HazardLevel
    reason: str
    anomalies: frozenset[int] = frozenset()
    off_corridor: frozenset[int] = frozenset()
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
    """A detector's state as a verdict; regions are matched with where the anomalies appear in the image.

    Args:
        boxes: of the anomalies, by number in the scenario.
        mask: uint8 [H, W], 255 on the pixels of the regions; without it their boxes stand for them.
    """
    anomalies = _spoken_of(state.regions, boxes, mask)
    ahead = _spoken_of([region for region in state.regions if region.in_corridor], boxes, mask)
    sight = Sight(tuple(PixelBox(*region.box) for region in state.regions), mask, score)
    return Verdict(state.level, state.reason, anomalies, anomalies - ahead, latency_ms, sight)


def _spoken_of(regions: Sequence[Region], boxes: Mapping[int, PixelBox], mask: np.ndarray | None) -> frozenset[int]:
    return frozenset(
        number for number, box in boxes.items() if any(_speaks_of(region, box, mask) for region in regions)
    )


def _speaks_of(region: Region, box: PixelBox, mask: np.ndarray | None) -> bool:
    own = PixelBox(*region.box)
    smaller_px = min(own.area_px, box.area_px)
    if not smaller_px or own.overlap_px(box) < _SHARED * smaller_px:
        return False
    left, top = max(own.left, box.left - _RIM_PX), max(own.top, box.top - _RIM_PX)
    right, bottom = min(own.right, box.right + _RIM_PX), min(own.bottom, box.bottom + _RIM_PX)
    if mask is None:
        return PixelBox(left, top, right, bottom).area_px >= _SHARED * own.area_px
    return int(np.count_nonzero(mask[top:bottom, left:right])) >= _SHARED * region.area_px
