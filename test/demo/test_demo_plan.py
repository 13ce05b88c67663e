"""The demonstration's drive as a scenario: everything stands where it was planned, and may stand there."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly_sim.bridge.lane_route import LaneRoute
from ros_anomaly_sim.demo.plan import DemoPlan, plan_drive
from ros_anomaly_sim.demo.setting import WEATHERS
from ros_anomaly_sim.scenarios.conditions import Light, WeatherName
from ros_anomaly_sim.scenarios.schema import Anomaly, SceneActor
from ros_anomaly_sim.server.blueprint_tables import blueprint_library
from ros_anomaly_sim.server.episode import Episode
from ros_anomaly_sim.server.geometry import Transform, carla_yaw_deg, wrapped_deg
from ros_anomaly_sim.server.structs import ActorDescription, EpisodeSettings
from ros_anomaly_sim.server.town_map import StreetTownMap
from ros_anomaly_sim.street.drive import Drive
from ros_anomaly_sim.street.drive_anomalies import CORRIDOR_HALF_M
from ros_anomaly_sim.street.spawn_places import spawn_places

LIBRARY = BoxLibrary()
CAR_HALF_WIDTH_M = 1.05
BOX_REACH_M = math.hypot(0.45, 0.7)
# 2008 has two lanes a side, 1003 and 5 belong to validation and training.
TOWNS = [(2001, 60.0), (2003, 10.0), (2008, 20.0), (1003, 10.0), (5, 10.0)]


@cache
def drive_and_plan(town: int, duration_s: float) -> tuple[Drive, DemoPlan]:
    drive = Drive(town, LIBRARY, duration_s)
    return drive, plan_drive(drive, "noon")


def lane_of(drive: Drive, plan: DemoPlan) -> LaneRoute:
    """The ego's lane from its spawn point on, in CARLA's frame, as the bridge finds it."""
    start = spawn_places(drive.town.plan)[plan.scenario.ego.spawn_point]
    along = np.arange(start.s_m, drive.town.plan.end_m, 1.0)
    d = drive.town.plan.profile.lane_centre_m(start.side, start.lane)
    return LaneRoute(drive.town.track.positions(along, np.full_like(along, d))[:, ::-1])


@pytest.mark.parametrize(("town", "duration_s"), TOWNS)
def test_everything_stands_where_it_was_planned(town: int, duration_s: float):
    drive, plan = drive_and_plan(town, duration_s)
    lane = lane_of(drive, plan)
    assert len(plan.scenario.anomalies) == len(drive.anomalies) > 0
    for planned, told in zip(drive.anomalies, plan.scenario.anomalies, strict=True):
        x, y, lane_yaw_deg = lane.place(told.distance_m, told.left_m)
        assert (y, x) == pytest.approx(planned.position[:2], abs=0.05)
        assert told.blueprint == f"static.prop.{planned.model}"
        assert wrapped_deg(lane_yaw_deg - told.yaw_deg - carla_yaw_deg(planned.yaw_rad)) == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize(("town", "duration_s"), TOWNS)
def test_the_car_passes_what_stands_in_its_lane(town: int, duration_s: float):
    drive, plan = drive_and_plan(town, duration_s)
    in_corridor = [t for p, t in zip(drive.anomalies, plan.scenario.anomalies, strict=True) if p.in_corridor]
    assert len(in_corridor) == len(plan.scenario.ego.swerves) > 0
    for anomaly, swerve in zip(in_corridor, plan.scenario.ego.swerves, strict=True):
        assert swerve.distance_m - swerve.hold_m < anomaly.distance_m - 20.0
        assert swerve.distance_m + swerve.hold_m > anomaly.distance_m + 4.0
        # Past it, and so close that it reaches into the corridor.
        assert abs(swerve.left_m - anomaly.left_m) > CAR_HALF_WIDTH_M + 0.45 + 0.25
        assert abs(swerve.left_m - anomaly.left_m) < CORRIDOR_HALF_M + BOX_REACH_M
        assert abs(swerve.left_m) < 3.5


def test_the_drive_has_its_time_and_its_street():
    _, plan = drive_and_plan(2001, 60.0)
    scenario = plan.scenario
    assert scenario.duration_s == 60.0 and scenario.map == "Town2001"
    assert scenario.ego.route_m > 60.0 * scenario.ego.speed_kmh / 3.6
    assert plan.street_m > scenario.ego.route_m + 50.0


def on_the_way(actors: tuple[SceneActor, ...], kind: str, moving: bool) -> list[SceneActor]:
    return [a for a in actors if a.blueprint.startswith(kind) and (a.speed_kmh > 0) == moving]


def test_there_is_life_on_the_street():
    _, plan = drive_and_plan(2001, 60.0)
    actors = plan.scenario.actors
    assert len(on_the_way(actors, "vehicle.", moving=False)) > 10
    assert len(on_the_way(actors, "walker.", moving=False)) > 10
    assert len(on_the_way(actors, "vehicle.", moving=True)) > 2


def test_nobody_comes_while_the_car_needs_the_other_lane():
    drive, plan = drive_and_plan(2001, 60.0)
    assert drive.town.plan.profile.lanes == 1
    ego_mps = plan.scenario.ego.speed_kmh / 3.6
    for other in on_the_way(plan.scenario.actors, "vehicle.", moving=True):
        assert other.yaw_deg == 180.0 and other.left_m > 2.5
        other_mps = other.speed_kmh / 3.6
        # The car sets out from rest: at most two seconds' way behind one that would not.
        for late_s in (0.0, 2.0):
            meets_m = ego_mps * (other.distance_m / (ego_mps + other_mps) - late_s * other_mps / (ego_mps + other_mps))
            gaps = [abs(meets_m - s.distance_m) - s.hold_m for s in plan.scenario.ego.swerves]
            assert min(gaps) > 15.0


@pytest.mark.parametrize(("town", "duration_s"), TOWNS)
def test_all_of_it_can_be_put_on_the_server(town: int, duration_s: float):
    drive, plan = drive_and_plan(town, duration_s)
    lane = lane_of(drive, plan)
    town_map = StreetTownMap(plan.scenario.map, drive.town)
    episode = Episode(1, town_map, blueprint_library(), LIBRARY, 0, EpisodeSettings())
    start = town_map.spawn_points[plan.scenario.ego.spawn_point]
    episode.spawn(ActorDescription.plain(plan.scenario.ego.blueprint), start)
    things: list[SceneActor | Anomaly] = [*plan.scenario.actors, *plan.scenario.anomalies]
    for item in things:
        episode.spawn(ActorDescription.plain(item.blueprint), above_ground(lane, town_map, item))
    assert len(episode.actors) > len(plan.scenario.actors)


def above_ground(lane: LaneRoute, town_map: StreetTownMap, item: SceneActor | Anomaly) -> Transform:
    x, y, lane_yaw_deg = lane.place(item.distance_m, item.left_m)
    height_m = 1.3 if item.blueprint.startswith("walker.") else 0.3
    return Transform((x, y, town_map.ground_height_m(x, y) + height_m), (0.0, lane_yaw_deg - item.yaw_deg, 0.0))


def test_the_same_drive_gives_the_same_scenario():
    assert plan_drive(Drive(2003, LIBRARY, 10.0), "noon") == drive_and_plan(2003, 10.0)[1]


def test_weathers_are_told_as_air_and_light():
    drive, _ = drive_and_plan(2003, 10.0)
    told = {name: plan_drive(drive, name).scenario for name in WEATHERS}
    assert told["dusk"].light is Light.DUSK and told["fog"].weather is WeatherName.FOG
    assert len({(s.weather, s.light) for s in told.values()}) == len(WEATHERS) == 5
