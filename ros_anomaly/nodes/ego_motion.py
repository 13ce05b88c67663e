"""Where the vehicle is going, from odometry: the corridor bends with the yaw rate."""

from __future__ import annotations

from nav_msgs.msg import Odometry

from ros_anomaly.hazard.config import CorridorConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.messages.stamps import stamp_to_ns

_MAX_AGE_NS = 500_000_000


class EgoMotion:
    """The newest odometry. Without any that is close in time to the image the corridor is straight."""

    def __init__(self) -> None:
        self._newest: tuple[int, float, float] | None = None

    def take(self, message: Odometry) -> None:
        """Take an odometry message: forward speed and yaw rate of its twist (body frame, REP 103)."""
        twist = message.twist.twist
        self._newest = (stamp_to_ns(message.header.stamp), twist.linear.x, twist.angular.z)

    def corridor(self, image_stamp_ns: int, config: CorridorConfig) -> Corridor:
        """The corridor of an image."""
        newest = self._newest
        if newest is None or abs(image_stamp_ns - newest[0]) > _MAX_AGE_NS:
            return Corridor(config)
        return Corridor.from_motion(config, newest[1], newest[2])
