"""The lane graph of a map: lanes by arc length, what follows on what, and the nearest point on a lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.network.curve import Curve, Pose
from ros_anomaly_sim.street.network.road_map import Crosswalk, LaneKey, LaneKind, RoadMap, Turn

_SAMPLE_M = 1.0
_JUNCTION_SPEED_KMH = 30
_LONGEST_STRIDE = 256


@dataclass(frozen=True)
class Lane:
    """One lane; ``curve`` is its middle in the direction of travel, s runs along it.

    ``junction`` and ``turn`` are None on roads; ``crosswalks_s_m`` are the middles of the zebras that it crosses.
    """

    key: LaneKey
    kind: LaneKind
    curve: Curve
    width_start_m: float
    width_end_m: float
    speed_limit_mps: float
    junction: int | None = None
    turn: Turn | None = None
    predecessors: tuple[LaneKey, ...] = ()
    successors: tuple[LaneKey, ...] = ()
    crosswalks_s_m: tuple[float, ...] = ()

    @property
    def length_m(self) -> float:
        """Length of its middle."""
        return self.curve.length_m

    def width_m(self, s_m: float) -> float:
        """Width at s."""
        share = float(np.clip(s_m / self.length_m, 0.0, 1.0))
        return self.width_start_m + share * (self.width_end_m - self.width_start_m)


@dataclass(frozen=True)
class LanePoint:
    """A place relative to a lane: s along it and metres to the right of its middle."""

    key: LaneKey
    s_m: float
    right_m: float


@dataclass(frozen=True)
class SpawnPoint:
    """Where a vehicle may start, heading along its lane."""

    key: LaneKey
    s_m: float
    pose: Pose


class LaneGraph:
    """All lanes of a map by key; iterating gives them in the map's order."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = {lane.key: lane for lane in lanes}
        self._samples = {
            junctions: _Samples(
                [lane for lane in lanes if lane.kind is LaneKind.DRIVING and (junctions or not lane.turn)]
            )
            for junctions in (True, False)
        }

    @staticmethod
    def of(road_map: RoadMap) -> LaneGraph:
        """The lanes of a map."""
        into: dict[LaneKey, list[LaneKey]] = {}
        out: dict[LaneKey, list[LaneKey]] = {}
        lanes = []
        for connection in road_map.connections:
            out.setdefault(connection.incoming, []).append(connection.key)
            into.setdefault(connection.outgoing, []).append(connection.key)
        for road in road_map.roads:
            for number, strip in road.strips():
                key, along = LaneKey(road.number, number), number < 0
                curve = road.centre_curve(number)
                lanes.append(
                    Lane(
                        key=key,
                        kind=strip.kind,
                        curve=curve,
                        width_start_m=strip.width_start_m if along else strip.width_end_m,
                        width_end_m=strip.width_end_m if along else strip.width_start_m,
                        speed_limit_mps=road.speed_limit_kmh / 3.6,
                        predecessors=tuple(into.get(key, ())),
                        successors=tuple(out.get(key, ())),
                        crosswalks_s_m=_crossed(road.crosswalks, road.curve, curve, along),
                    )
                )
        for connection in road_map.connections:
            lanes.append(
                Lane(
                    key=connection.key,
                    kind=LaneKind.DRIVING,
                    curve=connection.curve,
                    width_start_m=connection.width_start_m,
                    width_end_m=connection.width_end_m,
                    speed_limit_mps=_JUNCTION_SPEED_KMH / 3.6,
                    junction=connection.junction,
                    turn=connection.turn,
                    predecessors=(connection.incoming,),
                    successors=(connection.outgoing,),
                )
            )
        return LaneGraph(lanes)

    def __getitem__(self, key: LaneKey) -> Lane:
        return self._lanes[key]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __len__(self) -> int:
        return len(self._lanes)

    def pose(self, key: LaneKey, s_m: float) -> Pose:
        """Middle of the lane at s."""
        return self[key].curve.pose(s_m)

    def nearest(
        self, x_m: float, y_m: float, heading_rad: float | None = None, in_junctions: bool = True
    ) -> LanePoint | None:
        """The nearest point of a driving lane.

        With a heading only lanes that run within 90° of it count, and among lanes equally near (in a junction) the one
        that runs most like it. None where no lane does.
        """
        return self._samples[in_junctions].nearest(self._lanes, x_m, y_m, heading_rad)

    def ahead(self, key: LaneKey, s_m: float, distance_m: float) -> list[tuple[LaneKey, float]]:
        """The places that far on, one for every way to go on; none where all roads end before."""
        found, open_ends = [], [(key, s_m + distance_m)]
        for _ in range(_LONGEST_STRIDE):
            if not open_ends:
                break
            following = []
            for at, s in open_ends:
                lane = self[at]
                if s <= lane.length_m:
                    found.append((at, s))
                else:
                    following += [(successor, s - lane.length_m) for successor in lane.successors]
            open_ends = following
        return list(dict.fromkeys(found))

    def spawn_points(self, every_m: float = 20.0, clear_m: float = 8.0) -> list[SpawnPoint]:
        """Places on the roads' driving lanes, at least ``clear_m`` from junctions, dead ends and zebras."""
        points = []
        for lane in self:
            if lane.kind is not LaneKind.DRIVING or lane.junction is not None:
                continue
            for s in np.arange(clear_m, lane.length_m - clear_m, every_m):
                if all(abs(s - zebra) > clear_m for zebra in lane.crosswalks_s_m):
                    points.append(SpawnPoint(lane.key, float(s), lane.curve.pose(float(s))))
        return points


class _Samples:
    """Points every metre of some lanes."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._keys = [lane.key for lane in lanes]
        stations = [np.linspace(0.0, lane.length_m, max(2, int(lane.length_m / _SAMPLE_M) + 1)) for lane in lanes]
        poses = [lane.curve.poses(s) for lane, s in zip(lanes, stations, strict=True)]
        self._s = np.concatenate([np.zeros(0), *stations])
        self._lane = np.repeat(np.arange(len(lanes)), [len(s) for s in stations])
        self._xy = np.concatenate([np.zeros((0, 2)), *(xy for xy, _ in poses)])
        self._heading = np.concatenate([np.zeros(0), *(heading for _, heading in poses)])

    def nearest(
        self, lanes: dict[LaneKey, Lane], x_m: float, y_m: float, heading_rad: float | None
    ) -> LanePoint | None:
        square = ((self._xy - (x_m, y_m)) ** 2).sum(1)
        if heading_rad is not None:
            like = np.cos(self._heading - heading_rad)
            # Half a metre for 60°: lanes that part in a junction are told apart by where they lead.
            square = np.where(like > 0.0, (np.sqrt(square) + 1.0 - like) ** 2, np.inf)
        if not len(square) or not np.isfinite(square.min()):
            return None
        best = int(np.argmin(square))
        lane = lanes[self._keys[int(self._lane[best])]]
        s, right = lane.curve.project(x_m, y_m, float(self._s[best]))
        return LanePoint(lane.key, s, right)


def _crossed(crosswalks: Sequence[Crosswalk], road: Curve, lane: Curve, along: bool) -> tuple[float, ...]:
    places = []
    for crosswalk in crosswalks:
        share = crosswalk.s_m / road.length_m
        pose = road.pose(crosswalk.s_m)
        guess = lane.length_m * (share if along else 1.0 - share)
        places.append(lane.project(pose.x_m, pose.y_m, guess)[0])
    return tuple(sorted(places))
