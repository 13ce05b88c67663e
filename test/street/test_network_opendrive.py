"""OpenDRIVE of both kinds of town, read by CARLA's own client: the lanes, marks and junctions that are rendered."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from box_networks import LIBRARY, box_network

from ros_anomaly_sim.street.network.curve import Pose
from ros_anomaly_sim.street.network.lanes import Lane, LaneGraph
from ros_anomaly_sim.street.network.opendrive import opendrive_text
from ros_anomaly_sim.street.network.road_map import LaneKey, LaneKind, MarkKind, RoadMap
from ros_anomaly_sim.street.network.single import road_map_of_street
from ros_anomaly_sim.street.town import Town

carla = pytest.importorskip("carla")

LANE_TYPES = {
    LaneKind.DRIVING: carla.LaneType.Driving,
    LaneKind.PARKING: carla.LaneType.Parking,
    LaneKind.VERGE: carla.LaneType.Border,
    LaneKind.SIDEWALK: carla.LaneType.Sidewalk,
}
MARK_TYPES = {
    MarkKind.NONE: carla.LaneMarkingType.NONE,
    MarkKind.SOLID: carla.LaneMarkingType.Solid,
    MarkKind.BROKEN: carla.LaneMarkingType.Broken,
    MarkKind.DOUBLE: carla.LaneMarkingType.SolidSolid,
}
SIDEWAYS_M = 0.05
ALONG_M = {LaneKind.DRIVING: 0.2, LaneKind.PARKING: 0.5, LaneKind.VERGE: 0.5, LaneKind.SIDEWALK: 0.5}
"""On bends the client takes metres along a lane for metres of its road: right across, not quite right along."""


@pytest.fixture(scope="module", params=["network", "street"])
def road_map(request: pytest.FixtureRequest) -> RoadMap:
    return (
        box_network(8).road_map if request.param == "network" else road_map_of_street(Town.generate(8, LIBRARY, 300.0))
    )


@pytest.fixture(scope="module")
def lanes(road_map: RoadMap) -> LaneGraph:
    return LaneGraph.of(road_map)


@pytest.fixture(scope="module")
def town_map(road_map: RoadMap) -> Any:
    return carla.Map(road_map.name, opendrive_text(road_map))


def location(pose: Pose) -> Any:
    """CARLA's x and y are the streets' y and x."""
    return carla.Location(float(pose.y_m), float(pose.x_m), 0.0)


def key_of(waypoint: Any) -> LaneKey:
    return LaneKey(waypoint.road_id, waypoint.lane_id)


def assert_at(waypoint: Any, lane: Lane, s_m: float) -> None:
    where = waypoint.transform
    s, right = lane.curve.project(where.location.y, where.location.x, s_m)
    assert abs(right) < SIDEWAYS_M and abs(s - s_m) < ALONG_M[lane.kind], (lane.key, s_m, s, right)
    turned = np.radians(where.rotation.yaw) + lane.curve.pose(s).heading_rad
    assert np.cos(turned) > np.cos(np.radians(1.0)), (lane.key, s_m)
    assert waypoint.lane_width == pytest.approx(lane.width_m(s_m), abs=0.03)
    assert abs(where.location.z) < 1e-6


def test_waypoints_are_the_lanes(road_map: RoadMap, lanes: LaneGraph, town_map: Any):
    kinds = set()
    for lane in lanes:
        for share in (0.05, 0.3, 0.5, 0.8, 0.95):
            s = share * lane.length_m
            if lane.junction is None:
                waypoint = town_map.get_waypoint(location(lane.curve.pose(s)), True, LANE_TYPES[lane.kind])
            else:
                waypoint = town_map.get_waypoint_xodr(lane.key.road, lane.key.lane, float(s))
            assert key_of(waypoint) == lane.key and waypoint.lane_type == LANE_TYPES[lane.kind]
            assert waypoint.is_junction == (lane.junction is not None)
            if lane.junction is not None:
                assert waypoint.junction_id == lane.junction
            assert_at(waypoint, lane, s)
        kinds.add(lane.kind)
    assert {LaneKind.DRIVING, LaneKind.SIDEWALK} <= kinds


def test_next_leads_through_junctions(lanes: LaneGraph, town_map: Any):
    through = 0
    for lane in lanes:
        if lane.kind is not LaneKind.DRIVING or lane.junction is not None:
            continue
        waypoint = town_map.get_waypoint(location(lane.curve.pose(lane.length_m - 1.0)))
        for distance in (2.0, 5.0):
            expected = dict(lanes.ahead(lane.key, lane.length_m - 1.0, distance))
            found = {key_of(w): w for w in waypoint.next(distance)}
            assert set(found) == set(expected), (lane.key, distance)
            for key, w in found.items():
                assert_at(w, lanes[key], expected[key])
            through += len(found)
        if lane.successors:
            out = [w for w in waypoint.next(60.0) if not w.is_junction]
            assert out and all(key_of(w) != lane.key for w in out)
    assert through > 10


def test_topology_joins_what_the_graph_joins(lanes: LaneGraph, town_map: Any):
    # A lane that ends in a dead end is its own pair.
    found = {(key_of(a), key_of(b)) for a, b in town_map.get_topology() if key_of(a) != key_of(b)}
    assert found == {(lane.key, after) for lane in lanes for after in lane.successors}


def test_neighbours_lie_beside(road_map: RoadMap, town_map: Any):
    for road in road_map.roads:
        for sign, run in ((-1, road.right), (1, road.left)):
            pose = road.centre_curve(sign).pose(5.0)
            waypoint = town_map.get_waypoint(location(pose))
            outer = waypoint.get_right_lane()
            assert outer.lane_type == LANE_TYPES[run[1].kind] and outer.lane_id == 2 * sign
            assert waypoint.get_left_lane().lane_id == -sign


def test_marks_are_what_is_painted(road_map: RoadMap, town_map: Any):
    seen = set()
    for road in road_map.roads:
        for mark, until in zip(
            road.centre_marks, [*(m.s_m for m in road.centre_marks[1:]), road.curve.length_m], strict=True
        ):
            if until - mark.s_m < 2.0:
                continue
            waypoint = town_map.get_waypoint_xodr(road.number, -1, float(mark.s_m + until) / 2)
            assert waypoint.left_lane_marking.type == MARK_TYPES[mark.kind], (road.number, mark)
            seen.add(mark.kind)
        lane = road.driving(-1)[-1]
        for mark in road.strip(lane).marks[:1]:
            waypoint = town_map.get_waypoint_xodr(road.number, lane, float(mark.s_m) + 0.6)
            assert waypoint.right_lane_marking.type == MARK_TYPES[mark.kind]
            assert waypoint.right_lane_marking.color == carla.LaneMarkingColor.White
    assert MarkKind.NONE in seen and len(seen) > 1


def test_crosswalks_are_where_the_zebras_are(road_map: RoadMap, town_map: Any):
    middles = np.array([(p.y, p.x) for p in town_map.get_crosswalks()]).reshape(-1, 5, 2)[:, :4].mean(1)
    expected = [(road, c) for road in road_map.roads for c in road.crosswalks]
    assert len(middles) == len(expected)
    for road, crosswalk in expected:
        middle = road.curve.pose(crosswalk.s_m).moved(0.0, (crosswalk.right_m - crosswalk.left_m) / 2).position
        assert np.hypot(*(middles - middle).T).min() < 0.05


def test_document_is_well_formed(road_map: RoadMap):
    root = ElementTree.fromstring(opendrive_text(road_map).encode())
    assert len(root.findall("road")) == len(road_map.roads) + len(road_map.connections)
    assert len(root.findall("junction")) == len(road_map.junctions)
    for road in root.findall("road"):
        pieces = road.findall("planView/geometry")
        assert sum(float(p.get("length", "nan")) for p in pieces) == pytest.approx(float(road.get("length", "nan")))
