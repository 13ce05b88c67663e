"""CARLA's left-handed frame (x forward, y right, z up, yaw clockwise, degrees) and ROS's (REP 103: y left, radians)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class EgoMotion:
    """Pose and motion of the ego vehicle as ``street_frame.Motion``, in CARLA's map turned right-handed: (x, -y).

    Attributes:
        ego: (x, y) in metres, yaw in radians counter-clockwise from +y.
        speed_mps: forward speed, backwards negative.
        yaw_rate_radps: positive to the left.
    """

    ego: tuple[float, float, float]
    speed_mps: float
    yaw_rate_radps: float


def ego_motion(x: float, y: float, yaw_deg: float, velocity: tuple[float, float], yaw_rate_degps: float) -> EgoMotion:
    """Motion from CARLA's location (m), yaw, world velocity (m/s) and turn rate (clockwise, °/s)."""
    yaw = math.radians(yaw_deg)
    forward = velocity[0] * math.cos(yaw) + velocity[1] * math.sin(yaw)
    from_y = math.remainder(-yaw - math.pi / 2, 2 * math.pi)
    return EgoMotion((x, -y, from_y), forward, -math.radians(yaw_rate_degps))
