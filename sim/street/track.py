"""The main road's centreline, and the map between road coordinates and the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEP_M = 1.0
_MARGIN_M = 400.0
_MIN_RADIUS_M = 170.0


@dataclass(frozen=True)
class Track:
    """A gently curved centreline sampled every metre.

    Road coordinates are (s, d): metres along the centreline and metres to its right. ``s`` is valid from
    ``-_MARGIN_M`` to ``length_m + _MARGIN_M``; values beyond are clipped.
    """

    length_m: float
    s_m: np.ndarray
    xy_m: np.ndarray
    headings_rad: np.ndarray

    @staticmethod
    def generate(rng: np.random.Generator, length_m: float) -> Track:
        """A centreline that starts near the origin and runs roughly along +y, its radius never below 170 m."""
        s = np.arange(-_MARGIN_M, length_m + _MARGIN_M + _STEP_M, _STEP_M)
        heading = np.zeros_like(s)
        for wavelength_m in rng.uniform(260.0, 900.0, 3):
            heading += rng.uniform(0.05, 0.22) * np.sin(2 * np.pi * s / wavelength_m + rng.uniform(0, 2 * np.pi))
        sharpest = float(np.abs(np.gradient(heading, _STEP_M)).max())
        heading *= min(1.0, 1.0 / (_MIN_RADIUS_M * sharpest))
        heading *= rng.choice([0.15, 1.0], p=[0.3, 0.7])
        start = int(np.searchsorted(s, 0.0))
        heading -= heading[start]
        forward = np.stack([-np.sin(heading), np.cos(heading)], 1)
        xy = np.cumsum(forward, 0) * _STEP_M
        return Track(length_m, s, xy - xy[start], heading)

    def heading_rad(self, s_m: np.ndarray | float) -> np.ndarray | float:
        """Heading of the road, counter-clockwise from +y."""
        heading = np.interp(s_m, self.s_m, self.headings_rad)
        return heading if isinstance(s_m, np.ndarray) else float(heading)

    def curvature_per_m(self, s_m: float) -> float:
        """Change of heading per metre, positive to the left."""
        return float((self.heading_rad(s_m + 2.0) - self.heading_rad(s_m - 2.0)) / 4.0)

    def positions(self, s_m: np.ndarray, d_m: np.ndarray) -> np.ndarray:
        """World positions [n, 2] of road coordinates [n], [n]."""
        heading = np.asarray(self.heading_rad(np.asarray(s_m, float)))
        centre = np.stack([np.interp(s_m, self.s_m, self.xy_m[:, 0]), np.interp(s_m, self.s_m, self.xy_m[:, 1])], 1)
        return centre + np.asarray(d_m)[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1)

    def position(self, s_m: float, d_m: float) -> tuple[float, float]:
        """World position (x, y) of one road coordinate."""
        x, y = self.positions(np.array([s_m], float), np.array([d_m], float))[0]
        return float(x), float(y)

    def project(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Road coordinates (s, d) of the world position."""
        offset = np.array([x_m, y_m]) - self.xy_m
        nearest = int(np.argmin((offset**2).sum(1)))
        s = float(self.s_m[nearest])
        for _ in range(3):
            heading = float(self.heading_rad(s))
            delta = np.array([x_m, y_m]) - np.array(self.position(s, 0.0))
            s += float(-np.sin(heading) * delta[0] + np.cos(heading) * delta[1])
        heading = float(self.heading_rad(s))
        delta = np.array([x_m, y_m]) - np.array(self.position(s, 0.0))
        return s, float(np.cos(heading) * delta[0] + np.sin(heading) * delta[1])

    def bend(self, positions: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World positions and normals [n, 3] of ones given in road coordinates (d, s, z)."""
        bent = positions.copy()
        bent[:, :2] = self.positions(positions[:, 1], positions[:, 0])
        heading = np.asarray(self.heading_rad(positions[:, 1]))
        cos, sin = np.cos(heading), np.sin(heading)
        turned = normals.copy()
        turned[:, 0] = cos * normals[:, 0] - sin * normals[:, 1]
        turned[:, 1] = sin * normals[:, 0] + cos * normals[:, 1]
        return bent, turned
