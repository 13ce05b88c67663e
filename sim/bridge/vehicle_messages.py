"""The ego vehicle's motion and the camera's geometry as ROS messages (REP 103 axes)."""

from __future__ import annotations

import math

from builtin_interfaces.msg import Time
from nav_msgs.msg import Odometry
from std_msgs.msg import Header

from ros_anomaly_sim.bridge.street_frame import Motion
from ros_anomaly_sim.bridge.topics import BASE_FRAME, ODOMETRY_FRAME


def odometry_message(motion: Motion, stamp: Time) -> Odometry:
    """Odometry of base_link at the time of a frame."""
    x, y, yaw_from_north = motion.ego
    yaw = yaw_from_north + math.pi / 2
    message = Odometry(header=Header(stamp=stamp, frame_id=ODOMETRY_FRAME), child_frame_id=BASE_FRAME)
    message.pose.pose.position.x = float(x)
    message.pose.pose.position.y = float(y)
    message.pose.pose.orientation.z = math.sin(yaw / 2)
    message.pose.pose.orientation.w = math.cos(yaw / 2)
    message.twist.twist.linear.x = float(motion.speed_mps)
    message.twist.twist.angular.z = float(motion.yaw_rate_radps)
    return message


def ego_from_odometry(message: Odometry) -> tuple[float, float, float]:
    """Inverse of ``odometry_message`` for the pose: (x, y, yaw from north)."""
    pose = message.pose.pose
    yaw = 2 * math.atan2(pose.orientation.z, pose.orientation.w)
    return pose.position.x, pose.position.y, math.remainder(yaw - math.pi / 2, 2 * math.pi)


def ahead_and_left(ego: tuple[float, float, float], point: tuple[float, float]) -> tuple[float, float]:
    """A world point as (forward, left) of base_link, metres."""
    dx, dy = point[0] - ego[0], point[1] - ego[1]
    sin, cos = math.sin(ego[2]), math.cos(ego[2])
    return -sin * dx + cos * dy, -cos * dx - sin * dy
