"""Both kinds of town as maps of the server, read by the client's own map. No server is needed."""

from __future__ import annotations

import math

import pytest
from box_library import BoxLibrary

from ros_anomaly_sim.server.geometry import to_street
from ros_anomaly_sim.server.map_store import MapStore, UnknownMapError, available_maps, map_name
from ros_anomaly_sim.server.town_map import TownMap
from ros_anomaly_sim.street.splits import Split

carla = pytest.importorskip("carla")


@pytest.fixture(scope="module")
def store() -> MapStore:
    return MapStore(BoxLibrary(), 300.0)


@pytest.fixture(scope="module", params=["Town2001", "Town2004", "Net2001"])
def town(request, store) -> TownMap:
    return store.load(f"/Game/Carla/Maps/{request.param}")


@pytest.fixture(scope="module")
def read_map(town):
    return carla.Map(town.name, town.opendrive)


def test_what_a_map_says_of_itself(town):
    assert town.name in available_maps()
    assert town.split is Split.TEST
    assert max(p.instance_id for p in town.placements) < 20000


def test_spawn_points_stand_in_the_middle_of_their_lane_and_along_it(town, read_map):
    assert len(town.spawn_points) >= 10
    for point in town.spawn_points:
        x, y, z = point.location
        lane = read_map.get_waypoint(carla.Location(x, y, z), lane_type=carla.LaneType.Driving)
        cos, sin = (f(math.radians(lane.transform.rotation.yaw)) for f in (math.cos, math.sin))
        across = -sin * (x - lane.transform.location.x) + cos * (y - lane.transform.location.y)
        assert abs(across) < 0.03
        assert abs(math.remainder(lane.transform.rotation.yaw - point.yaw_deg, 360.0)) < 0.7
        assert not lane.is_junction
        assert town.ground_height_m(x, y) == 0.0


def test_sidewalks_are_higher_than_the_road(town, read_map):
    x, y, _ = town.spawn_points[0].location
    beside = read_map.get_waypoint(carla.Location(x, y, 0.0), lane_type=carla.LaneType.Sidewalk).transform.location
    assert town.ground_height_m(beside.x, beside.y) == pytest.approx(0.15)


def test_obstacles_are_those_close_by(town):
    x, y, _ = town.spawn_points[3].location
    east, north, _ = to_street((x, y, 0.0))
    inside = [p for p in town.placements if math.dist(p.position[:2], (east, north)) < 15.0]
    assert len(town.obstacles_near(x, y)) >= len(inside)
    assert len(town.obstacles_near(x + 3000.0, y)) == 0


@pytest.mark.parametrize("name", ["Town1", "Town99999", "Village0001", "", "Town-001", "Net1", "Town2001x"])
def test_names_of_no_map(store, name):
    with pytest.raises(UnknownMapError, match="expected Town0000 to Town2099 or Net0000 to Net2099"):
        store.load(name)


def test_seeds_of_no_split(store):
    with pytest.raises(ValueError, match="seed 1500 belongs to no split"):
        store.load("Net1500")


def test_carlas_own_maps_have_stand_ins(store):
    assert store.load("/Game/Carla/Maps/Town05").name == "Town05"
    assert store.stands_in("Town10HD_Opt") and not store.stands_in("Town2001")
    assert map_name(7) == "Town0007" and not store.stands_in(map_name(7))
