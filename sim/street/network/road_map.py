"""The roads of a map: cross-sections along curves, junctions between them, and how each lane goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from ros_anomaly_sim.street.network.curve import Curve, Pose, biarc, line

FIRST_ROAD = 1
FIRST_JUNCTION = 1000
"""CARLA's client takes a road's neighbour for a junction where no road has its number, and 0 for none."""

_STRAIGHT_ON_RAD = np.radians(40.0)


class LaneKind(str, Enum):
    """What a lane is for; the values are OpenDRIVE's."""

    DRIVING = "driving"
    PARKING = "parking"
    VERGE = "border"
    SIDEWALK = "sidewalk"


class MarkKind(str, Enum):
    """How a line is painted; the values are OpenDRIVE's."""

    NONE = "none"
    SOLID = "solid"
    BROKEN = "broken"
    DOUBLE = "solid solid"


class Turn(str, Enum):
    """Which way a lane through a junction leads."""

    LEFT = "left"
    STRAIGHT = "straight"
    RIGHT = "right"


class LaneKey(NamedTuple):
    """Road and lane as OpenDRIVE numbers them: lanes along the road are negative, those against it positive."""

    road: int
    lane: int


@dataclass(frozen=True)
class Mark:
    """From ``s_m`` on (along the road) the line is painted like this."""

    s_m: float
    kind: MarkKind
    colour: str = "white"
    width_m: float = 0.14


@dataclass(frozen=True)
class Strip:
    """One lane of a cross-section; its width changes evenly from the road's start to its end."""

    kind: LaneKind
    width_start_m: float
    width_end_m: float
    marks: tuple[Mark, ...] = ()
    """The line at its outer edge."""


@dataclass(frozen=True)
class Crosswalk:
    """A zebra crossing over the whole carriageway."""

    s_m: float
    left_m: float
    right_m: float
    half_length_m: float = 1.5


@dataclass(frozen=True)
class Signal:
    """A traffic light: it says whether lanes of a road may enter a junction.

    Attributes:
        number: unlike any other signal's of the map.
        junction: whose lights change together.
        phase, phases: the junction gives way to phase 0, 1, … ``phases`` - 1 in turn; this light is green in its own.
        s_m: where on the road those whom it stops stand.
        lanes: numbers of the lanes that it is for.
        stop: middle of these lanes there, heading with their traffic; ``width_m`` is theirs together.
        foot: (x, y) of its post.
        heads: (x, y, z) of the middle of each head's underside; they face the traffic.
    """

    number: int
    junction: int
    phase: int
    phases: int
    s_m: float
    lanes: tuple[int, ...]
    stop: Pose
    width_m: float
    foot: tuple[float, float]
    heads: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Road:
    """A road between junctions (or dead ends): strips to each side of its curve, from the middle outwards.

    Traffic keeps right: ``right`` leads along the curve, ``left`` against it.
    """

    number: int
    name: str
    curve: Curve
    left: tuple[Strip, ...]
    right: tuple[Strip, ...]
    centre_marks: tuple[Mark, ...] = ()
    start_junction: int | None = None
    end_junction: int | None = None
    crosswalks: tuple[Crosswalk, ...] = ()
    speed_limit_kmh: int = 50
    signals: tuple[Signal, ...] = ()

    def strips(self) -> Iterator[tuple[int, Strip]]:
        """(lane number, strip) of every lane."""
        for index, strip in enumerate(self.right):
            yield -(index + 1), strip
        for index, strip in enumerate(self.left):
            yield index + 1, strip

    def driving(self, lane_sign: int) -> list[int]:
        """Numbers of the driving lanes with that sign, from the middle outwards."""
        return [n for n, strip in self.strips() if n * lane_sign > 0 and strip.kind is LaneKind.DRIVING]

    def strip(self, lane: int) -> Strip:
        """The strip with that lane number."""
        return (self.right if lane < 0 else self.left)[abs(lane) - 1]

    def centre_curve(self, lane: int) -> Curve:
        """Middle of a lane in the direction of its traffic. A lane that changes its width needs a straight road."""
        inner = (self.right if lane < 0 else self.left)[: abs(lane)]
        start = sum(s.width_start_m for s in inner) - inner[-1].width_start_m / 2
        end = sum(s.width_end_m for s in inner) - inner[-1].width_end_m / 2
        side = 1.0 if lane < 0 else -1.0
        if abs(start - end) < 1e-9:
            along = self.curve.offset(side * start)
        elif self.curve.straight:
            first, last = self.curve.start.moved(0.0, side * start), self.curve.end.moved(0.0, side * end)
            delta = last.position - first.position
            along = line(Pose(first.x_m, first.y_m, float(np.arctan2(-delta[0], delta[1]))), float(np.hypot(*delta)))
        else:
            raise ValueError(f"road {self.number} lane {lane}: expected an even width on a bend, found {start}..{end}")
        return along if lane < 0 else along.reversed()


@dataclass(frozen=True)
class Connection:
    """A lane through a junction, as a road of its own whose curve is the lane's middle."""

    number: int
    junction: int
    curve: Curve
    incoming: LaneKey
    outgoing: LaneKey
    width_start_m: float
    width_end_m: float
    turn: Turn

    @property
    def key(self) -> LaneKey:
        """Its only lane."""
        return LaneKey(self.number, -1)


@dataclass(frozen=True)
class RoadMap:
    """All roads of a map and the connections of its junctions, numbered together; no junction has a road's number."""

    name: str
    roads: tuple[Road, ...]
    connections: tuple[Connection, ...]

    def __post_init__(self) -> None:
        numbers = [*(r.number for r in self.roads), *(c.number for c in self.connections)]
        if len(set(numbers)) != len(numbers) or min(numbers, default=1) < FIRST_ROAD:
            raise ValueError(f"road map: expected each road number once and from {FIRST_ROAD} on, found {numbers}")
        both = sorted(set(numbers) & set(self.junctions))
        if both:
            raise ValueError(f"road map: expected junctions numbered unlike roads, found {both} twice")

    def road(self, number: int) -> Road:
        """The road with that number; KeyError if there is none."""
        for road in self.roads:
            if road.number == number:
                return road
        raise KeyError(f"no road {number}; roads are {[r.number for r in self.roads]}")

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Its traffic lights, in the order of their numbers."""
        return tuple(sorted((s for road in self.roads for s in road.signals), key=lambda signal: signal.number))

    @property
    def junctions(self) -> tuple[int, ...]:
        """Numbers of its junctions."""
        ends = {j for road in self.roads for j in (road.start_junction, road.end_junction) if j is not None}
        return tuple(sorted(ends))


def connected(name: str, roads: Sequence[Road]) -> RoadMap:
    """The map of these roads with every junction's connections: each lane may go to every other arm."""
    connections: list[Connection] = []
    first = max(road.number for road in roads) + 1
    junctions = sorted({j for r in roads for j in (r.start_junction, r.end_junction) if j is not None})
    for junction in junctions:
        arms = [(road, at_end) for road in roads for at_end in (False, True) if _junction_at(road, at_end) == junction]
        for into in arms:
            for out in arms:
                if into != out:
                    connections += _connections(junction, into, out, first + len(connections))
    return RoadMap(name, tuple(roads), tuple(connections))


_Arm = tuple[Road, bool]


def _junction_at(road: Road, at_end: bool) -> int | None:
    return road.end_junction if at_end else road.start_junction


def _connections(junction: int, into: _Arm, out: _Arm, first: int) -> list[Connection]:
    """Lane i leads to lane i; where one road has fewer lanes, its outermost serves for the rest."""
    incoming = into[0].driving(-1 if into[1] else 1)
    outgoing = out[0].driving(1 if out[1] else -1)
    if not incoming or not outgoing:
        return []
    found: list[Connection] = []
    for i in range(max(len(incoming), len(outgoing))):
        from_lane, to_lane = incoming[min(i, len(incoming) - 1)], outgoing[min(i, len(outgoing) - 1)]
        start = into[0].centre_curve(from_lane).end
        end = out[0].centre_curve(to_lane).start
        turned = float(np.angle(np.exp(1j * (end.heading_rad - start.heading_rad))))
        turn = Turn.STRAIGHT if abs(turned) < _STRAIGHT_ON_RAD else Turn.LEFT if turned > 0 else Turn.RIGHT
        found.append(
            Connection(
                number=first + len(found),
                junction=junction,
                curve=biarc(start, end),
                incoming=LaneKey(into[0].number, from_lane),
                outgoing=LaneKey(out[0].number, to_lane),
                width_start_m=_width_at(into[0].strip(from_lane), into[1]),
                width_end_m=_width_at(out[0].strip(to_lane), out[1]),
                turn=turn,
            )
        )
    return found


def _width_at(strip: Strip, at_end: bool) -> float:
    return strip.width_end_m if at_end else strip.width_start_m
