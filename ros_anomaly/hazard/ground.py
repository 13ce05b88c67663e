"""Pinhole camera over a flat ground: pixels to ground points of ``base_link`` and back.

Images are taken as rectified. Pixel coordinates are those of ``CameraInfo``: integers are pixel centres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.pinhole import directions, pixels

# Camera optical frame (x right, y down, z forward) to camera body frame (x forward, y left, z up).
BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

# Rays flatter than this (1.6 m height: 16 km away) are on the horizon.
_MIN_SLOPE = 1e-4


def rotation_from_rpy(roll_rad: float, pitch_rad: float, yaw_rad: float) -> np.ndarray:
    """Rz(yaw) Ry(pitch) Rx(roll), float64 [3, 3] (REP 103)."""
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    cp, sp = math.cos(pitch_rad), math.sin(pitch_rad)
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


@dataclass(frozen=True)
class GroundProjection:
    """Intrinsics in pixels and the mount. ValueError unless focal lengths are positive and all is finite."""

    fx: float
    fy: float
    cx: float
    cy: float
    mount: CameraMount = CameraMount()
    _rotation: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (self.fx > 0 and self.fy > 0 and all(map(math.isfinite, (self.fx, self.fy, self.cx, self.cy)))):
            raise ValueError(
                "GroundProjection: expected positive, finite fx, fy and finite cx, cy, "
                f"found fx={self.fx}, fy={self.fy}, cx={self.cx}, cy={self.cy}"
            )
        attitude = rotation_from_rpy(self.mount.roll_rad, self.mount.pitch_rad, self.mount.yaw_rad)
        object.__setattr__(self, "_rotation", attitude @ BODY_FROM_OPTICAL)

    @classmethod
    def from_fov(
        cls, image_size: tuple[int, int], horizontal_fov_rad: float, mount: CameraMount | None = None
    ) -> GroundProjection:
        """Ideal camera with square pixels and the principal point in the middle of a (H, W) image."""
        if not 0 < horizontal_fov_rad < math.pi:
            raise ValueError(f"horizontal_fov_rad: expected between 0 and pi, found {horizontal_fov_rad}")
        height, width = image_size
        focal = width / (2 * math.tan(horizontal_fov_rad / 2))
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, mount or CameraMount())

    def rays(self, u: ArrayLike, v: ArrayLike) -> np.ndarray:
        """Directions in ``base_link``, float64 [..., 3]; not normalised (unit depth along the optical axis)."""
        return directions(self, u, v) @ self._rotation.T

    def ground_from_pixels(self, u: ArrayLike, v: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(x forward, y left) in metres of ``base_link``; NaN on and above the horizon."""
        return self.ground_from_rays(self.rays(u, v))

    def ground_from_rays(self, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rays [..., 3] from the camera meet z = 0: (x, y) in metres; NaN for those that do not fall."""
        length = np.linalg.norm(rays, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(rays[..., 2] < -_MIN_SLOPE * length, -self.mount.z_m / rays[..., 2], np.nan)
        return self.mount.x_m + reach * rays[..., 0], self.mount.y_m + reach * rays[..., 1]

    def pixels_from_ground(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(u, v) of ground points, also outside the image; NaN behind the camera."""
        x, y = np.broadcast_arrays(np.asarray(x_m, np.float64), np.asarray(y_m, np.float64))
        body = np.stack([x - self.mount.x_m, y - self.mount.y_m, np.full_like(x, -self.mount.z_m)], axis=-1)
        return pixels(self, body @ self._rotation)
