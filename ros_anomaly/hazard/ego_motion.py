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

    def at(self, image_stamp_ns: int) -> tuple[float, float] | None:
        """Speed and yaw rate that are close enough in time to an image, or None."""
        newest = self._newest
        if newest is None or abs(image_stamp_ns - newest[0]) > _MAX_AGE_NS:
            return None
        return newest[1], newest[2]

    def corridor(self, image_stamp_ns: int, config: CorridorConfig) -> Corridor:
        """The corridor of an image."""
        motion = self.at(image_stamp_ns)
        return Corridor(config) if motion is None else Corridor.from_motion(config, *motion)
