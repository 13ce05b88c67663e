"""Odometry to the motion that the driving corridor follows."""

from __future__ import annotations

from typing import NamedTuple

from nav_msgs.msg import Odometry

from ros_anomaly.messages.stamps import stamp_to_ns


class Motion(NamedTuple):
    """Of the body frame (REP 103): forward speed, and yaw rate with left positive."""

    stamp_ns: int
    speed_mps: float
    yaw_rate_rps: float


def motion_from_odometry(message: Odometry) -> Motion:
    """Stamp and twist of an odometry message (also of one read by rosbags)."""
    twist = message.twist.twist
    return Motion(stamp_to_ns(message.header.stamp), twist.linear.x, twist.angular.z)
