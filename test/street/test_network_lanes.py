"""The lane graph: lanes join end to end, every lane leads to every other, and places are found on them."""

from __future__ import annotations

import numpy as np
import pytest
from box_networks import LIBRARY, box_network

from ros_anomaly_sim.street.network.lanes import LaneGraph
from ros_anomaly_sim.street.network.road_map import LaneKey, LaneKind, RoadMap, Turn, connected
from ros_anomaly_sim.street.network.route import NoRouteError, shortest_route
from ros_anomaly_sim.street.network.single import road_map_of_street
from ros_anomaly_sim.street.network.town import NetworkTown
from ros_anomaly_sim.street.town import Town


@pytest.fixture(scope="module")
def network() -> NetworkTown:
    return box_network(8)


@pytest.fixture(scope="module")
def street() -> Town:
    return Town.generate(8, LIBRARY, 300.0)


@pytest.fixture(scope="module", params=["network", "street"])
def graph(request: pytest.FixtureRequest, network: NetworkTown, street: Town) -> LaneGraph:
    return network.lanes if request.param == "network" else LaneGraph.of(road_map_of_street(street))


def test_lanes_join_in_place_and_heading(graph: LaneGraph):
    links = 0
    for lane in graph:
        for key in lane.successors:
            after = graph[key]
            assert lane.key in after.predecessors
            gap = after.curve.start.position - lane.curve.end.position
            assert np.hypot(*gap) < 0.01, (lane.key, key)
            turned = after.curve.start.heading_rad - lane.curve.end.heading_rad
            assert np.cos(turned) > np.cos(0.002), (lane.key, key)
            links += 1
    assert links > 10


def test_traffic_keeps_right(network: NetworkTown):
    for street in network.streets:
        right = network.lanes[LaneKey(street.number + 1, -1)]
        s, d = street.track.project(*right.curve.pose(5.0).position)
        assert d > 0 and s == pytest.approx(5.0, abs=1.0)
        assert right.width_m(0.0) == street.plan.profile.lane_width_m
        left = network.lanes[LaneKey(street.number + 1, 1)]
        s, d = street.track.project(*left.curve.pose(5.0).position)
        assert d < 0 and s == pytest.approx(street.plan.length_m - 5.0, abs=1.0)


def test_turns_are_what_they_are_called(network: NetworkTown):
    seen = set()
    for lane in network.lanes:
        if lane.turn is not None:
            turned = lane.curve.end.heading_rad - lane.curve.start.heading_rad
            swing = float(np.angle(np.exp(1j * turned)))
            assert {Turn.LEFT: swing > 0.6, Turn.RIGHT: swing < -0.6, Turn.STRAIGHT: abs(swing) < 0.8}[lane.turn]
            assert lane.curve.sharpest_per_m < 1 / 4.0
            seen.add(lane.turn)
    assert seen == set(Turn)


def test_every_lane_of_a_network_leads_to_every_other(network: NetworkTown):
    driving = [lane for lane in network.lanes if lane.kind is LaneKind.DRIVING]
    for start in driving:
        reached, edge = {start.key}, [start.key]
        while edge:
            edge = [k for at in edge for k in network.lanes[at].successors if k not in reached]
            reached |= set(edge)
        assert len(reached) == len(driving), start.key


def test_nearest_finds_the_lane_that_runs_that_way(graph: LaneGraph):
    for lane in graph:
        if lane.kind is LaneKind.DRIVING and lane.junction is None:
            s = lane.length_m * 0.6
            pose = lane.curve.pose(s).moved(0.0, 0.4)
            found = graph.nearest(pose.x_m, pose.y_m, pose.heading_rad + 0.3)
            assert found is not None and found.key == lane.key
            assert (found.s_m, found.right_m) == pytest.approx((s, 0.4), abs=1e-3)
            ahead, _ = graph.ahead(lane.key, s, 1.0)[0]
            assert ahead == lane.key


def test_nearest_tells_the_ways_through_a_junction_apart(network: NetworkTown):
    for lane in network.lanes:
        if lane.turn is not None:
            pose = lane.curve.pose(lane.length_m * 0.8)
            found = network.lanes.nearest(pose.x_m, pose.y_m, pose.heading_rad)
            assert found is not None and abs(found.right_m) < 0.35
            heading = network.lanes.pose(found.key, found.s_m).heading_rad
            assert np.cos(heading - pose.heading_rad) > np.cos(0.4)
    x, y = (float(v) for v in network.junctions[0].centre)
    outside = network.lanes.nearest(x, y, in_junctions=False)
    assert outside is not None and network.lanes[outside.key].junction is None


def test_ahead_forks_in_a_junction_and_ends_at_dead_ends(network: NetworkTown, street: Town):
    lane = next(lane for lane in network.lanes if len(lane.successors) > 1)
    found = network.lanes.ahead(lane.key, lane.length_m - 1.0, 3.0)
    assert {k for k, _ in found} == set(lane.successors) and all(s == pytest.approx(2.0) for _, s in found)
    roads = LaneGraph.of(road_map_of_street(street))
    end = next(lane for lane in roads if lane.kind is LaneKind.DRIVING and not lane.successors)
    assert roads.ahead(end.key, end.length_m - 1.0, 3.0) == []


def test_spawn_points_are_on_roads_clear_of_junctions_and_zebras(graph: LaneGraph):
    points = graph.spawn_points(every_m=15.0, clear_m=8.0)
    assert len(points) > 10
    for point in points:
        lane = graph[point.key]
        assert lane.junction is None and lane.kind is LaneKind.DRIVING
        assert 8.0 <= point.s_m <= lane.length_m - 8.0
        assert all(abs(point.s_m - zebra) > 8.0 for zebra in lane.crosswalks_s_m)
        assert (point.pose.x_m, point.pose.y_m) == tuple(lane.curve.pose(point.s_m).position)


def test_route_is_continuous_and_loops_close(network: NetworkTown):
    spawns = network.lanes.spawn_points()
    for start, goal in zip(spawns[:-1:7], spawns[1::7], strict=False):
        route = shortest_route(network.lanes, (start.key, start.s_m), (goal.key, goal.s_m))
        assert route.place(0.0) == (start.key, start.s_m)
        last, s = route.place(route.length_m)
        assert last == goal.key and s == pytest.approx(goal.s_m)
        places = [route.pose(float(s)).position for s in np.linspace(0.0, route.length_m, 60)]
        step = route.length_m / 59
        assert np.hypot(*np.diff(places, axis=0).T).max() < step + 0.02
    back = spawns[0]
    loop = shortest_route(network.lanes, (back.key, back.s_m), (back.key, back.s_m - 1.0))
    assert len(loop.keys) > 4 and loop.keys[0] == loop.keys[-1] and loop.length_m > 200.0
    with pytest.raises(ValueError, match="route: expected 0.."):
        loop.place(loop.length_m + 1.0)


def test_no_way_from_a_dead_end(street: Town):
    graph = LaneGraph.of(road_map_of_street(street))
    ends = [lane.key for lane in graph if lane.kind is LaneKind.DRIVING and not lane.successors]
    with pytest.raises(NoRouteError, match="no way leads from lane"):
        shortest_route(graph, (ends[0], 1.0), (ends[1], 1.0))


def test_numbers_that_the_client_would_mix_up_are_refused(network: NetworkTown):
    roads = network.road_map.roads
    with pytest.raises(ValueError, match="each road number once"):
        RoadMap("twice", (roads[0], roads[0]), ())
    with pytest.raises(ValueError, match="junctions numbered unlike roads"):
        connected("clash", [*roads, type(roads[0])(1001, "clash", roads[0].curve, roads[0].left, roads[0].right)])
    with pytest.raises(KeyError, match="no road 77"):
        network.road_map.road(77)
