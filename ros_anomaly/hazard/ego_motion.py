"""Where the vehicle is going, from odometry: the corridor bends with the yaw rate."""

from __future__ import annotations

from ros_anomaly.hazard.config import CorridorConfig
from ros_anomaly.hazard.corridor import Corridor

_MAX_AGE_NS = 500_000_000


class EgoMotion:
    """The newest odometry. Without any that is close in time to the image the corridor is straight."""

    def __init__(self) -> None:
        self._newest: tuple[int, float, float] | None = None

    def take(self, stamp_ns: int, speed_mps: float, yaw_rate_rps: float) -> None:
        """Take one odometry: its stamp, forward speed and yaw rate of the body frame (REP 103, left positive)."""
        self._newest = (stamp_ns, speed_mps, yaw_rate_rps)

    def corridor(self, image_stamp_ns: int, config: CorridorConfig) -> Corridor:
        """The corridor of an image."""
        newest = self._newest
        if newest is None or abs(image_stamp_ns - newest[0]) > _MAX_AGE_NS:
            return Corridor(config)
        return Corridor.from_motion(config, newest[1], newest[2])
