"""From CARLA's left-handed frame to ROS's: what a tool reads off the odometry."""

from __future__ import annotations

import math

import pytest
from builtin_interfaces.msg import Time

from ros_anomaly_sim.bridge.handedness import ego_motion
from ros_anomaly_sim.bridge.vehicle_messages import odometry_message


def odometry(yaw_deg: float, velocity: tuple[float, float] = (0.0, 0.0), turn: float = 0.0):
    return odometry_message(ego_motion(3.0, 4.0, yaw_deg, velocity, turn), Time())


def yaw_of(message) -> float:
    orientation = message.pose.pose.orientation
    return math.remainder(2 * math.atan2(orientation.z, orientation.w), 2 * math.pi)


def test_y_changes_its_sign():
    position = odometry(0.0).pose.pose.position
    assert (position.x, position.y) == (3.0, -4.0)


@pytest.mark.parametrize("yaw_deg", [0.0, 30.0, 90.0, -120.0, 179.0])
def test_yaw_turns_the_other_way(yaw_deg: float):
    assert yaw_of(odometry(yaw_deg)) == pytest.approx(-math.radians(yaw_deg))


def test_a_car_that_drives_forward_has_forward_speed():
    yaw = math.radians(50.0)
    message = odometry(50.0, (6 * math.cos(yaw), 6 * math.sin(yaw)))
    assert message.twist.twist.linear.x == pytest.approx(6.0)
    backwards = odometry(50.0, (-6 * math.cos(yaw), -6 * math.sin(yaw)))
    assert backwards.twist.twist.linear.x == pytest.approx(-6.0)


def test_clockwise_is_a_negative_rate():
    assert odometry(0.0, turn=90.0).twist.twist.angular.z == pytest.approx(-math.pi / 2)
