"""Which triangles can be seen from outside: car interiors and the like cost much and show nothing."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.street.objects.surface import Surface, areas

_SAMPLES = 150_000
_GRID = 96
_DEPTH_TOLERANCE_PIXELS = 2.5
_SAMPLING_SEED = 3


def visible_from_outside(surface: Surface) -> np.ndarray:
    """bool [t]: seen from some direction that is not below the ground.

    Points spread over the triangles are splatted into coarse depth maps; a triangle stays when one of its points is
    nearly in front anywhere. Glass hides what is behind it, as it does in the renderer.
    """
    points, owner = _spread_points(surface)
    low, high = surface.bounds()
    pixel = float(np.linalg.norm(high - low)) / _GRID
    visible = np.zeros(len(surface.triangles), bool)
    for direction in _directions():
        hidden_only = ~visible[owner]
        if not hidden_only.any():
            break
        visible[owner[_in_front(points, direction, pixel)]] = True
    return visible


def _spread_points(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 3] and the triangle of each: every centre, and more by area."""
    random = np.random.default_rng(_SAMPLING_SEED)
    area = areas(surface)
    extra = random.choice(len(area), _SAMPLES, p=area / area.sum())
    weights = random.dirichlet((1.0, 1.0, 1.0), _SAMPLES)
    corners = surface.points[surface.triangles]
    points = np.concatenate([corners.mean(axis=1), np.einsum("nc,nci->ni", weights, corners[extra])])
    return points, np.concatenate([np.arange(len(area)), extra])


def _directions() -> list[np.ndarray]:
    azimuths = np.deg2rad(np.arange(0, 360, 30))
    elevations = np.deg2rad([-4.0, 12.0, 40.0])
    around = [np.array([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)]) for e in elevations for a in azimuths]
    return [*around, np.array([0.02, 0.01, 1.0])]


def _in_front(points: np.ndarray, direction: np.ndarray, pixel: float) -> np.ndarray:
    """bool [n]: within the tolerance of the frontmost point of its pixel, looking against ``direction``."""
    side = np.cross([0.0, 0.0, 1.0], direction)
    side /= np.linalg.norm(side)
    up = np.cross(direction, side)
    column = np.floor(points @ side / pixel).astype(np.int64)
    row = np.floor(points @ up / pixel).astype(np.int64)
    cell = (column - column.min()) * (int(np.ptp(row)) + 1) + (row - row.min())
    depth = points @ direction
    front = np.full(int(cell.max()) + 1, -np.inf)
    np.maximum.at(front, cell, depth)
    return depth > front[cell] - _DEPTH_TOLERANCE_PIXELS * pixel
