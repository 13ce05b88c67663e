"""Pinhole camera: intrinsics, projection and the street's default mounting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.scene import CameraPose

STREET_CAMERA_HEIGHT_M = 1.6
STREET_CAMERA_FORWARD_M = 1.5
"""Where the street camera sits: above the ground, and ahead of base_link's origin; it looks level."""

NEAR_M = 0.2
FAR_M = 900.0


@dataclass(frozen=True)
class Camera:
    """A distortion-free camera with square pixels.

    Pixel (row i, column j) covers ``[j, j + 1) x [i, i + 1)`` of the image plane, so the principal point is
    ``(width / 2, height / 2)``. The camera frame is the optical one: x right, y down, z forward.
    """

    width: int = 640
    height: int = 360
    horizontal_fov_rad: float = math.pi / 2

    def __post_init__(self) -> None:
        if self.width < 8 or self.height < 8:
            raise ValueError(f"camera size: expected at least 8 x 8 pixels, found {self.width} x {self.height}")
        if not 0.01 < self.horizontal_fov_rad < math.pi - 0.01:
            raise ValueError(
                f"horizontal_fov_rad: expected between 0.01 and pi - 0.01, found {self.horizontal_fov_rad}"
            )

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width / 2 / math.tan(self.horizontal_fov_rad / 2)

    @property
    def intrinsics(self) -> np.ndarray:
        """K, float64 [3, 3]: camera frame to homogeneous pixels."""
        f = self.focal_px
        return np.array([[f, 0.0, self.width / 2], [0.0, f, self.height / 2], [0.0, 0.0, 1.0]])

    def projection(self, near_m: float = NEAR_M, far_m: float = FAR_M) -> np.ndarray:
        """Clip matrix float64 [4, 4] from the camera frame; y stays down, so that image row 0 is read back first."""
        f = self.focal_px
        return np.array(
            [
                [2 * f / self.width, 0.0, 0.0, 0.0],
                [0.0, 2 * f / self.height, 0.0, 0.0],
                [0.0, 0.0, (far_m + near_m) / (far_m - near_m), -2 * far_m * near_m / (far_m - near_m)],
                [0.0, 0.0, 1.0, 0.0],
            ]
        )

    def project(self, points: np.ndarray, pose: CameraPose) -> tuple[np.ndarray, np.ndarray]:
        """Pixels float64 [n, 2] (x, y) and depth along the axis in metres [n] of world points [n, 3].

        Pixels of points at or behind the camera's plane are NaN.
        """
        points = np.asarray(points, float)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points: expected shape [n, 3], found {list(points.shape)}")
        view = world_to_camera(pose)
        local = points @ view[:3, :3].T + view[:3, 3]
        depth = local[:, 2]
        safe = np.where(depth > 1e-9, depth, np.nan)
        pixels = self.focal_px * local[:, :2] / safe[:, None] + (self.width / 2, self.height / 2)
        return pixels, depth


def world_to_camera(pose: CameraPose) -> np.ndarray:
    """Rigid transform float64 [4, 4] from the world to the optical frame; positive roll lowers the right side."""
    cy, sy = math.cos(pose.yaw_rad), math.sin(pose.yaw_rad)
    cp, sp = math.cos(pose.pitch_rad), math.sin(pose.pitch_rad)
    cr, sr = math.cos(pose.roll_rad), math.sin(pose.roll_rad)
    forward = np.array([-sy * cp, cy * cp, sp])
    level_right = np.array([cy, sy, 0.0])
    level_up = np.cross(level_right, forward)
    right = cr * level_right - sr * level_up
    up = cr * level_up + sr * level_right
    view = np.eye(4)
    view[:3, :3] = (right, -up, forward)
    view[:3, 3] = -view[:3, :3] @ np.asarray(pose.position, float)
    return view


def street_pose(x_m: float, y_m: float, yaw_rad: float, ground_m: float = 0.0) -> CameraPose:
    """Pose of the street camera on a vehicle whose base_link stands at (x, y) with that yaw."""
    return CameraPose(
        (
            x_m - STREET_CAMERA_FORWARD_M * math.sin(yaw_rad),
            y_m + STREET_CAMERA_FORWARD_M * math.cos(yaw_rad),
            ground_m + STREET_CAMERA_HEIGHT_M,
        ),
        yaw_rad,
    )
