"""The demonstration's drive, planned on a town's street and told as a scenario that the bridge can drive."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.bridge.lane_route import LaneRoute
from ros_anomaly_sim.demo.setting import WEATHERS
from ros_anomaly_sim.scenarios.schema import Anomaly, Ego, Expected, Home, Scenario, SceneActor, Swerve
from ros_anomaly_sim.street.drive import Drive
from ros_anomaly_sim.street.layout import LEFT, RIGHT
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.spawn_places import SpawnPlace, spawn_places

NAME = "demo_drive"
SPEED_KMH = 36.0

_CARS = ("audi.a2", "audi.etron", "bmw.grandtourer", "seat.leon", "mercedes.coupe", "mini.cooper_s", "nissan.micra")
_DRIVING = (*_CARS, "volkswagen.t2", "mitsubishi.fusorosa", "carlamotors.carlacola", "kawasaki.ninja")
_ONCOMING_KMH = 30.0
_ONCOMING_EVERY_M = (45.0, 110.0)
_PEDESTRIANS = 16

# The car is aside so long before what it passes, and goes straight on: so close to its way a thing is in the corridor,
# which a car that still steers around it would bend away from it.
_ASIDE_BEFORE_M, _RAMP_M = 22.0, 15.0
# How far from that way the ego must be when it meets somebody in the only lane of the other side.
_MEETS_CLEAR_M = _RAMP_M + 10.0
_GETTING_UNDER_WAY_S = 1.2
_BEHIND_M, _BEYOND_M = 30.0, 150.0
_START_M = 12.0


@dataclass(frozen=True)
class DemoPlan:
    """A scenario, and how long the main street of its town has to be."""

    scenario: Scenario
    street_m: float


def plan_drive(drive: Drive, weather: str) -> DemoPlan:
    """The scenario of a planned drive: the same town, objects, ways around them, parked cars and people.

    Args:
        weather: one of ``WEATHERS``.
    """
    number, start = _start(drive)
    lane = _Lane(drive, start)
    route_m = _metres(SPEED_KMH / 3.6 * drive.duration_s + 20.0)
    swerves = tuple(lane.swerves())
    air, light = WEATHERS[weather]
    scenario = Scenario(
        name=NAME,
        description=f"the demonstration's drive through town {drive.town.seed}",
        home=Home.EMBEDDED,
        expected=Expected.OPEN,
        map=f"Town{drive.town.seed:04d}",
        ego=Ego(number, route_m, SPEED_KMH, swerves=swerves),
        duration_s=drive.duration_s,
        weather=air,
        light=light,
        actors=(*lane.standing(route_m), *lane.oncoming(route_m, swerves)),
        anomalies=tuple(lane.anomalies()),
    )
    return DemoPlan(scenario, drive.town.plan.length_m)


def _start(drive: Drive) -> tuple[int, SpawnPlace]:
    """Number and place of the spawn point in the ego's lane that is nearest to where the drive was planned from."""
    places = list(enumerate(spawn_places(drive.town.plan)))
    outermost = drive.town.plan.profile.lanes - 1
    own = [item for item in places if (item[1].side, item[1].lane) == (RIGHT, outermost)]
    if not own:
        raise ValueError(f"town {drive.town.seed}: expected a place to start from, found none")
    return min(own, key=lambda item: abs(item[1].s_m - _START_M))


class _Lane:
    """The ego's lane from where it starts, in CARLA's frame, which has the streets' x and y exchanged."""

    def __init__(self, drive: Drive, start: SpawnPlace) -> None:
        self._drive, self._plan, self._track = drive, drive.town.plan, drive.town.track
        self._lane_d_m = self._plan.profile.lane_centre_m(start.side, start.lane)
        along = np.arange(start.s_m, self._plan.end_m, 1.0)
        middle = self._track.positions(along, np.full_like(along, self._lane_d_m))
        self._route = LaneRoute(middle[:, 1::-1])
        self._rng = np.random.default_rng([drive.town.seed, 78])

    def anomalies(self) -> Iterator[Anomaly]:
        """What does not belong on the street."""
        for item in self._drive.anomalies:
            place = self._place(item.position[0], item.position[1], item.yaw_rad)
            yield Anomaly(f"static.prop.{item.model}", *place)

    def swerves(self) -> Iterator[Swerve]:
        """The ways around what stands in the lane."""
        for swerve in self._drive.swerves:
            x, y = self._track.position(swerve.s_m, self._lane_d_m)
            distance_m, _, _ = self._place(x, y, 0.0)
            before_m = max(_ASIDE_BEFORE_M, swerve.hold_m)
            middle_m = distance_m - (before_m - swerve.hold_m) / 2
            hold_m = (before_m + swerve.hold_m) / 2
            yield Swerve(_metres(middle_m), _metres(hold_m), -_metres(swerve.shift_m), _RAMP_M)

    def standing(self, route_m: float) -> Iterator[SceneActor]:
        """Parked cars, and people on the sidewalks."""
        for placement in self._drive.others("parked"):
            yield from self._standing(f"vehicle.{self._rng.choice(_CARS)}", placement, route_m)
        for placement in self._drive.others("walking"):
            number = int(self._rng.integers(1, _PEDESTRIANS + 1))
            yield from self._standing(f"walker.pedestrian.{number:04d}", placement, route_m)

    def oncoming(self, route_m: float, swerves: tuple[Swerve, ...]) -> Iterator[SceneActor]:
        """Who comes the other way, and never while the ego needs that lane."""
        profile = self._plan.profile
        for lane in range(profile.lanes):
            left_m = self._lane_d_m - profile.lane_centre_m(LEFT, lane)
            distance_m = float(self._rng.uniform(*_ONCOMING_EVERY_M))
            while distance_m < min(2 * route_m, self._route.length_m - 100.0):
                meets_m = _meeting_m(distance_m)
                if profile.lanes > 1 or all(_clear(meets_m, swerve) for swerve in swerves):
                    blueprint = f"vehicle.{self._rng.choice(_DRIVING)}"
                    yield SceneActor(blueprint, _metres(distance_m), _metres(left_m), 180.0, _ONCOMING_KMH)
                distance_m += float(self._rng.uniform(*_ONCOMING_EVERY_M))

    def _standing(self, blueprint: str, placement: Placement, route_m: float) -> Iterator[SceneActor]:
        distance_m, left_m, yaw_deg = self._place(placement.position[0], placement.position[1], placement.yaw_rad)
        if -_BEHIND_M < distance_m < route_m + _BEYOND_M and abs(left_m) < 30.0:
            yield SceneActor(blueprint, distance_m, left_m, yaw_deg)

    def _place(self, x: float, y: float, yaw_rad: float) -> tuple[float, float, float]:
        """(distance, metres to the left, yaw relative to the lane in degrees) of a place on the streets."""
        distance_m, left_m = self._route.project(y, x)
        lane_yaw_deg = self._route.place(distance_m)[2]
        yaw_deg = math.remainder(lane_yaw_deg + math.degrees(yaw_rad), 360.0)
        return _metres(distance_m), _metres(left_m), round(yaw_deg, 2)


def _meeting_m(distance_m: float) -> float:
    """Where the ego is when it meets somebody who sets out ``distance_m`` ahead of it."""
    ego_mps, other_mps = SPEED_KMH / 3.6, _ONCOMING_KMH / 3.6
    return ego_mps * distance_m / (ego_mps + other_mps) - _GETTING_UNDER_WAY_S


def _clear(meets_m: float, swerve: Swerve) -> bool:
    return abs(meets_m - swerve.distance_m) > swerve.hold_m + _MEETS_CLEAR_M


def _metres(value: float) -> float:
    return round(float(value), 3)
