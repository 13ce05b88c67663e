"""The one-street town as a road map: its main road in stretches, its side streets, and the junctions between."""

from __future__ import annotations

import math

import numpy as np

from ros_anomaly_sim.street.layout import LEFT, RIGHT, RUN_OUT_M, SIDE_STREET_M, Junction
from ros_anomaly_sim.street.network.curve import Curve, Piece, Pose, arc_to, line
from ros_anomaly_sim.street.network.paint import street_paint
from ros_anomaly_sim.street.network.road_map import (
    FIRST_JUNCTION,
    FIRST_ROAD,
    LaneKind,
    Mark,
    MarkKind,
    Road,
    RoadMap,
    Signal,
    Strip,
    connected,
)
from ros_anomaly_sim.street.network.signals import road_signal
from ros_anomaly_sim.street.town import Town
from ros_anomaly_sim.street.track import Track

_ARC_M = 5.0


def road_map_of_street(town: Town, name: str | None = None) -> RoadMap:
    """Roads, junctions and lane marks of a town; side streets end where they are built up."""
    plan = town.plan
    roads: list[Road] = []
    start, before = -RUN_OUT_M, None
    ends = [(j.s_m - j.reach_m, j.s_m + j.reach_m, FIRST_JUNCTION + i) for i, j in enumerate(plan.junctions)]
    for stop, following, junction in [*ends, (plan.length_m + RUN_OUT_M, math.inf, None)]:
        centre, strips, crosswalks = street_paint(plan, town.markings, start, stop)
        curve = curve_of(town.track, start, stop)
        roads.append(
            Road(
                number=FIRST_ROAD + len(roads),
                name="main road",
                curve=curve,
                left=strips[LEFT],
                right=strips[RIGHT],
                centre_marks=centre,
                start_junction=before,
                end_junction=junction,
                crosswalks=crosswalks,
                signals=_signals(town, start, before, junction),
            )
        )
        start, before = following, junction
    for number, crossed in enumerate(plan.junctions):
        for side in crossed.sides:
            roads.append(_side_street(town, crossed, FIRST_JUNCTION + number, side, FIRST_ROAD + len(roads)))
    return connected(name or f"Town{town.seed:04d}", roads)


def _signals(town: Town, start_m: float, before: int | None, ahead: int | None) -> tuple[Signal, ...]:
    """Lights where the stretch of main road from ``start_m`` on enters the junctions at its ends.

    They are for the main road; while these are red the side streets, which have none, have their turn.
    """
    found = []
    for junction, side in ((before, LEFT), (ahead, RIGHT)):
        if junction is None:
            continue
        crossed = town.plan.junctions[junction - FIRST_JUNCTION]
        mouth = crossed.s_m - side * crossed.half_width_m
        own = [s for s in town.signals if s.side == side and abs(s.s_m - crossed.s_m) < crossed.reach_m]
        order = (int(side == LEFT), 0, 2)
        found += [road_signal(s, town.track, town.plan.profile, junction, order, mouth, start_m) for s in own]
    return tuple(found)


def curve_of(track: Track, s0_m: float, s1_m: float) -> Curve:
    """A stretch of a track as arcs through its points."""
    cuts = np.linspace(s0_m, s1_m, math.ceil((s1_m - s0_m) / _ARC_M) + 1)
    pieces: list[Piece] = []
    for a, b in zip(cuts[:-1], cuts[1:], strict=True):
        x, y = track.position(float(a), 0.0)
        end = np.array(track.position(float(b), 0.0))
        turn = float(track.heading_rad(float(b))) - float(track.heading_rad(float(a)))
        chord = end - (x, y)
        # Half the turn before the chord and half after it: the arcs meet in place and, but for the track's own
        # steps, in heading.
        towards = float(np.arctan2(-chord[0], chord[1]))
        pieces.append(arc_to(Pose(x, y, towards - turn / 2), end))
    return Curve(tuple(pieces))


def _side_street(town: Town, junction: Junction, number: int, side: int, road: int) -> Road:
    """Straight across the main road; what its sides enclose widens or narrows as the main road bends."""
    plan, track = town.plan, town.track
    near = side * plan.profile.frontage_m(side)
    far = near + side * SIDE_STREET_M
    begin, end = (np.array(track.position(junction.s_m, d)) for d in (near, far))
    delta = end - begin
    heading = float(np.arctan2(-delta[0], delta[1]))
    curve = line(Pose(float(begin[0]), float(begin[1]), heading), float(np.hypot(*delta)))

    def reach(towards: int, across_m: float, d: float) -> float:
        outer = np.array(track.position(junction.s_m + towards * across_m, d))
        return float(np.hypot(*(outer - track.position(junction.s_m, d))))

    sides = {}
    for towards in (-1, 1):
        half = [reach(towards, junction.half_width_m, d) for d in (near, far)]
        whole = [reach(towards, junction.reach_m, d) for d in (near, far)]
        sides[towards] = (
            Strip(LaneKind.DRIVING, half[0], half[1]),
            Strip(LaneKind.SIDEWALK, whole[0] - half[0], whole[1] - half[1]),
        )
    dashed = (Mark(0.0, MarkKind.NONE), Mark(6.0, MarkKind.BROKEN), Mark(SIDE_STREET_M - 4.0, MarkKind.NONE))
    # Leading away from the main road to the right, +s of the main road lies to the left.
    return Road(
        number=road,
        name="side street",
        curve=curve,
        left=sides[side],
        right=sides[-side],
        centre_marks=dashed,
        start_junction=number,
        speed_limit_kmh=30,
    )
