"""CARLA's left-handed frame: transforms in metres and degrees, and the way to and from the streets' frame.

CARLA: x forward, y to the right, z up, yaw clockwise seen from above. Streets: x right (east), y forward (north),
z up, yaw counter-clockwise from +y. Both share the ground plane: CARLA's (x, y) is the streets' (y, x).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.scene import CameraPose

Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Transform:
    """Location in metres and rotation (pitch, yaw, roll) in degrees, as CARLA has them."""

    location: Vec3 = (0.0, 0.0, 0.0)
    rotation: Vec3 = (0.0, 0.0, 0.0)

    @property
    def yaw_deg(self) -> float:
        """Heading, clockwise from +x seen from above."""
        return self.rotation[1]

    def matrix(self) -> np.ndarray:
        """Rotation float64 [3, 3]: columns are the forward, right and up axes (Unreal's FRotationMatrix)."""
        return rotation_matrix(self.rotation)

    def at(self, location: Vec3) -> Transform:
        """The same attitude somewhere else."""
        return Transform(location, self.rotation)

    def compose(self, child: Transform) -> Transform:
        """World transform of a child that is given relative to this one."""
        own = self.matrix()
        location = np.asarray(self.location) + own @ np.asarray(child.location)
        x, y, z = (float(v) for v in location)
        return Transform((x, y, z), euler_deg(own @ child.matrix()))


def rotation_matrix(rotation: Vec3) -> np.ndarray:
    """Rotation float64 [3, 3] of (pitch, yaw, roll) in degrees."""
    pitch, yaw, roll = (math.radians(a) for a in rotation)
    cp, sp, cy, sy, cr, sr = (f(a) for a in (pitch, yaw, roll) for f in (math.cos, math.sin))
    return np.array(
        [
            [cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr],
            [cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr],
            [sp, -cp * sr, cp * cr],
        ]
    )


def euler_deg(matrix: np.ndarray) -> Vec3:
    """(pitch, yaw, roll) in degrees of a rotation matrix [3, 3]; at ±90° pitch the roll is 0."""
    pitch = math.asin(float(np.clip(matrix[2, 0], -1.0, 1.0)))
    if abs(matrix[2, 0]) > 1.0 - 1e-9:
        return math.degrees(pitch), math.degrees(math.atan2(-matrix[0, 1], matrix[1, 1])), 0.0
    yaw = math.atan2(matrix[1, 0], matrix[0, 0])
    roll = math.atan2(-matrix[2, 1], matrix[2, 2])
    return math.degrees(pitch), math.degrees(yaw), math.degrees(roll)


def wrapped_deg(angle: float) -> float:
    """The angle in -180..180."""
    return math.remainder(angle, 360.0)


def forward(yaw_deg: float) -> tuple[float, float]:
    """Unit vector (x, y) along a heading."""
    yaw = math.radians(yaw_deg)
    return math.cos(yaw), math.sin(yaw)


def to_street(location: Vec3) -> Vec3:
    """CARLA location as a street position; the same swap leads back."""
    x, y, z = location
    return (y, x, z)


def street_yaw_rad(yaw_deg: float) -> float:
    """Street yaw (counter-clockwise from +y) of a CARLA yaw."""
    return -math.radians(yaw_deg)


def carla_yaw_deg(yaw_rad: float) -> float:
    """CARLA yaw of a street yaw."""
    return wrapped_deg(-math.degrees(yaw_rad))


def camera_pose(transform: Transform) -> CameraPose:
    """The renderer's pose of a camera that looks along its transform's x axis."""
    pitch, yaw, roll = transform.rotation
    return CameraPose(to_street(transform.location), street_yaw_rad(yaw), math.radians(pitch), math.radians(roll))
