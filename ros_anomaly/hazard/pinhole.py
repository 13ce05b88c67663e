"""The pinhole camera: pixels to directions before it and back.

Pixel coordinates are those of ``CameraInfo``: integers are pixel centres. Points and directions are in the camera's
optical frame: x right, y down, z forward.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

# Nearer to the plane of the pinhole than this (metres) nothing has a place on the image.
_NEAREST_M = 1e-9


class Pinhole(Protocol):
    """Focal lengths and principal point in pixels; ``messages.camera.Intrinsics`` is one."""

    @property
    def fx(self) -> float: ...

    @property
    def fy(self) -> float: ...

    @property
    def cx(self) -> float: ...

    @property
    def cy(self) -> float: ...


def directions(camera: Pinhole, u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Directions float64 [..., 3] through columns ``u`` and rows ``v``, of unit depth (z is 1)."""
    u, v = np.broadcast_arrays(np.asarray(u, np.float64), np.asarray(v, np.float64))
    return np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=-1)


def pixels(camera: Pinhole, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(columns, rows) float64 [...] of points [..., 3], also outside the image; NaN for those behind the camera."""
    depth = np.where(points[..., 2] > _NEAREST_M, points[..., 2], np.nan)
    return camera.cx + camera.fx * points[..., 0] / depth, camera.cy + camera.fy * points[..., 1] / depth
