"""Routes along lanes and the steering that keeps to them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from ros_anomaly_sim.bridge.lane_route import (
    LaneRoute,
    NoRouteError,
    SteeringGear,
    cruise_pedals,
    pursuit_curvature,
)

STRAIGHT = LaneRoute(np.array([(float(x), 2.0) for x in range(51)]))
GEAR = SteeringGear(2.7, math.radians(70.0), ((0.0, 1.0), (60.0, 0.5)))


class Lane:
    """A waypoint of a lane along +x that forks at 10 m, one way straight on, and ends."""

    def __init__(self, x: float, yaw: float = 0.0, ends_m: float = 40.0) -> None:
        self.transform = SimpleNamespace(location=SimpleNamespace(x=x, y=0.0), rotation=SimpleNamespace(yaw=yaw))
        self._x, self._ends_m = x, ends_m

    def get_waypoint(self, _location) -> Lane:
        return self

    def next(self, distance_m: float) -> list[Lane]:
        x = self._x + distance_m
        if x > self._ends_m:
            return []
        ways = [Lane(x, 90.0), Lane(x, 2.0)] if self._x == 10.0 else [Lane(x)]
        return ways


def test_left_is_left_of_the_way():
    # Left-handed: y grows to the right.
    assert STRAIGHT.project(20.0, 0.5) == pytest.approx((20.0, 1.5))
    assert STRAIGHT.project(20.0, 3.0) == pytest.approx((20.0, -1.0))
    assert STRAIGHT.place(20.0, 1.5) == pytest.approx((20.0, 0.5, 0.0))


def test_a_shifted_way_lies_so_far_to_the_left_of_each_point():
    left = np.linspace(0.0, 2.0, 51)
    assert np.allclose(STRAIGHT.shifted(left).points, STRAIGHT.points - np.stack((0 * left, left), axis=1))
    angles = np.linspace(0.0, 1.0, 60)
    bend = LaneRoute(np.stack((50 * np.sin(angles), 50 - 50 * np.cos(angles)), axis=1))
    outside = bend.shifted(np.full(60, 3.0)).points  # it turns right, so that left is the outside
    assert np.allclose(np.hypot(outside[:, 0], outside[:, 1] - 50.0), 53.0, atol=0.01)


def test_it_goes_on_beyond_its_ends():
    assert STRAIGHT.project(-5.0, 2.0) == pytest.approx((-5.0, 0.0))
    assert STRAIGHT.place(60.0) == pytest.approx((60.0, 2.0, 0.0))


def test_places_and_projections_agree_on_a_bend():
    angles = np.linspace(0.0, 1.0, 60)
    bend = LaneRoute(np.stack((50 * np.sin(angles), 50 - 50 * np.cos(angles)), axis=1))
    for distance in (3.0, 20.0, 44.0):
        x, y, yaw_deg = bend.place(distance, 1.0)
        along, left = bend.project(x, y)
        assert along == pytest.approx(distance, abs=0.05) and left == pytest.approx(1.0, abs=0.02)
        assert yaw_deg == pytest.approx(math.degrees(distance / 50), abs=1.0)


def test_a_fork_is_taken_straight_on():
    route = LaneRoute.along(Lane(0.0), None, 30.0)
    assert route.length_m == pytest.approx(30.0)


def test_a_lane_that_ends_too_early():
    with pytest.raises(NoRouteError, match="expected a lane of 60 m .* found 40 m"):
        LaneRoute.along(Lane(0.0), None, 60.0)
    assert LaneRoute.along(Lane(0.0), None, 60.0, shortest_m=20.0).length_m == pytest.approx(40.0)


def test_pursuit_turns_to_the_route():
    # The car is left of the route (y smaller), so it turns to the right, which is positive.
    assert pursuit_curvature(STRAIGHT, 10.0, 0.0, 0.0, 8.0) > 0
    assert pursuit_curvature(STRAIGHT, 10.0, 4.0, 0.0, 8.0) < 0
    assert pursuit_curvature(STRAIGHT, 10.0, 2.0, 0.0, 8.0) == pytest.approx(0.0)


def test_steering_grows_with_speed_as_the_gear_gives_less():
    slow, fast = GEAR.steer(0.05, 0.0), GEAR.steer(0.05, 60 / 3.6)
    assert fast == pytest.approx(2 * slow)
    assert GEAR.steer(-0.05, 0.0) == -slow
    assert GEAR.steer(100.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("speed", "wanted", "throttle", "brake"), [(0.0, 8.0, 1.0, 0.0), (8.0, 8.0, 0.08, 0.0), (12.0, 8.0, 0.0, 0.6)]
)
def test_pedals(speed: float, wanted: float, throttle: float, brake: float):
    assert cruise_pedals(speed, wanted) == pytest.approx((throttle, brake))
