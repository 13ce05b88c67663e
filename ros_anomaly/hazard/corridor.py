"""The driving corridor: a strip of constant width along the arc that the vehicle is on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ros_anomaly.hazard.config import CorridorConfig


@dataclass(frozen=True)
class Corridor:
    """Strip along an arc through ``base_link``'s origin; ``curvature_per_m`` is 1 / radius, left positive."""

    config: CorridorConfig = CorridorConfig()
    curvature_per_m: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.curvature_per_m):
            raise ValueError(f"curvature_per_m: expected a finite number, found {self.curvature_per_m}")

    @classmethod
    def from_motion(cls, config: CorridorConfig, speed_mps: float, yaw_rate_rps: float) -> Corridor:
        """The arc of the present speed and yaw rate (left positive); straight when slow, reversing or not finite."""
        if not (math.isfinite(speed_mps) and math.isfinite(yaw_rate_rps)):
            return cls(config)
        if speed_mps < max(config.min_speed_mps, 1e-3):
            return cls(config)
        limit = config.max_curvature_per_m
        return cls(config, min(max(yaw_rate_rps / speed_mps, -limit), limit))

    def path_coordinates(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(distance along the arc, left-positive offset from it) in metres of points of ``base_link``."""
        x, y = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        curvature = self.curvature_per_m
        # (1 - r) / curvature with r the distance to the arc's centre in radii, written so that curvature 0 is no pole.
        radii = np.hypot(curvature * x, 1.0 - curvature * y)
        offset = (2.0 * y - curvature * (x * x + y * y)) / (1.0 + radii)
        if abs(curvature) < 1e-6:
            return x, offset
        return np.arctan2(curvature * x, 1.0 - curvature * y) / curvature, offset

    def contains(self, x_m: ArrayLike, y_m: ArrayLike) -> np.ndarray:
        """bool, whether each point lies in the corridor; False for NaN and for what lies behind."""
        along, offset = self.path_coordinates(x_m, y_m)
        return (along >= 0) & (along <= self.config.length_m) & (np.abs(offset) <= self.config.half_width_m)
