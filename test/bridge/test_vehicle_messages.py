import math
from types import SimpleNamespace

import pytest

from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly_sim.bridge.vehicle_messages import ahead_and_left, ego_from_odometry, odometry_message

STAMP = ns_to_stamp(10_500_000_000)


def motion(ego: tuple[float, float, float], speed_mps: float = 8.0, yaw_rate_radps: float = 0.1) -> SimpleNamespace:
    return SimpleNamespace(ego=ego, speed_mps=speed_mps, yaw_rate_radps=yaw_rate_radps)


@pytest.mark.parametrize("yaw", [0.0, 0.3, -1.2, 3.0, -3.0])
def test_odometry_gives_the_pose_back(yaw: float):
    message = odometry_message(motion((12.5, -3.0, yaw)), STAMP)
    assert ego_from_odometry(message) == pytest.approx((12.5, -3.0, yaw))
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (10, 500_000_000)
    assert message.twist.twist.linear.x == 8.0 and message.twist.twist.angular.z == 0.1


def test_heading_north_is_a_quarter_turn_from_the_x_axis_of_rep_103():
    orientation = odometry_message(motion((0.0, 0.0, 0.0)), STAMP).pose.pose.orientation
    assert 2 * math.atan2(orientation.z, orientation.w) == pytest.approx(math.pi / 2)


@pytest.mark.parametrize(
    ("yaw", "point", "expected"),
    [
        (0.0, (0.0, 10.0), (10.0, 0.0)),
        (0.0, (3.0, 10.0), (10.0, -3.0)),
        (math.pi / 2, (-10.0, 0.0), (10.0, 0.0)),
        (math.pi / 2, (-10.0, -2.0), (10.0, 2.0)),
        (math.pi / 4, (-5.0, 5.0), (math.hypot(5, 5), 0.0)),
    ],
)
def test_points_are_seen_from_the_vehicle(yaw: float, point: tuple[float, float], expected: tuple[float, float]):
    assert ahead_and_left((0.0, 0.0, yaw), point) == pytest.approx(expected)
