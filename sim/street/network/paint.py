"""How the lines of a street's plan are painted, as marks of a road map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ros_anomaly_sim.street.layout import SIDES, Plan, RoadProfile
from ros_anomaly_sim.street.network.road_map import Crosswalk, LaneKind, Mark, MarkKind, Strip
from ros_anomaly_sim.street.roads import Markings

_STEP_M = 0.5
_CENTRES = {"dashed": MarkKind.BROKEN, "solid": MarkKind.SOLID, "double": MarkKind.DOUBLE}


def strips_of(profile: RoadProfile, side: int, marks: Callable[[int], tuple[Mark, ...]]) -> tuple[Strip, ...]:
    """Cross-section of one side from the middle outwards; ``marks`` gives the outer line of driving lane i."""

    def even(kind: LaneKind, width_m: float, lines: tuple[Mark, ...] = ()) -> Strip:
        return Strip(kind, width_m, width_m, lines)

    strips = [even(LaneKind.DRIVING, profile.lane_width_m, marks(i)) for i in range(profile.lanes)]
    beyond = (
        (LaneKind.PARKING, profile.parking_m(side)),
        (LaneKind.VERGE, profile.verge_m(side)),
        (LaneKind.SIDEWALK, profile.sidewalk_m(side)),
    )
    return (*strips, *(even(kind, width) for kind, width in beyond if width > 0.0))


def street_paint(
    plan: Plan, markings: Markings, s0_m: float, s1_m: float
) -> tuple[tuple[Mark, ...], dict[int, tuple[Strip, ...]], tuple[Crosswalk, ...]]:
    """Centre marks, strips by side and crosswalks of the stretch s0..s1 of a plan; their s counts from s0."""

    def lined(s: float) -> bool:
        return plan.clear_of_junctions(s, 3.0) and plan.clear_of_zebras(s, 3.5)

    def edged(side: int) -> Callable[[float], bool]:
        spans = plan.spans(side)
        return lambda s: any(a + 2 <= s <= b - 2 for a, b in spans) and plan.clear_of_zebras(s, 2.0)

    def outer(side: int) -> Callable[[int], tuple[Mark, ...]]:
        def of_lane(lane: int) -> tuple[Mark, ...]:
            if lane < plan.profile.lanes - 1:
                return _marks(MarkKind.BROKEN, lined, s0_m, s1_m)
            return _marks(MarkKind.SOLID, edged(side), s0_m, s1_m) if markings.edge_lines else ()

        return of_lane

    centre = _marks(_CENTRES[markings.centre], lined, s0_m, s1_m)
    strips = {side: strips_of(plan.profile, side, outer(side)) for side in SIDES}
    left, right = plan.profile.edge_m(-1), plan.profile.edge_m(1)
    crosswalks = tuple(Crosswalk(z - s0_m, left, right) for z in plan.zebras_s_m if s0_m < z < s1_m)
    return centre, strips, crosswalks


def _marks(kind: MarkKind, drawn: Callable[[float], bool], s0_m: float, s1_m: float) -> tuple[Mark, ...]:
    """The line from s0 to s1, none where ``drawn`` says there is no paint."""
    marks: list[Mark] = []
    before: bool | None = None
    for s in np.arange(s0_m, s1_m, _STEP_M):
        now = drawn(float(s))
        if now != before:
            marks.append(Mark(float(s) - s0_m, kind if now else MarkKind.NONE))
            before = now
    return tuple(marks)
