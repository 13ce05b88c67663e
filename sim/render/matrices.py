"""Matrices of the light's view and bounds against clip volumes (numpy, float64)."""

from __future__ import annotations

import numpy as np


def look_along(origin: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Rigid transform [4, 4] into a frame at ``origin`` whose +z points along ``direction``."""
    forward = np.asarray(direction, float)
    forward = forward / np.linalg.norm(forward)
    helper = np.array([0.0, 1.0, 0.0]) if abs(forward[2]) > 0.99 else np.array([0.0, 0.0, 1.0])
    right = np.cross(forward, helper)
    right /= np.linalg.norm(right)
    view = np.eye(4)
    view[:3, :3] = (right, np.cross(right, forward), forward)
    view[:3, 3] = -view[:3, :3] @ np.asarray(origin, float)
    return view


def orthographic(width_m: float, depth_m: float) -> np.ndarray:
    """Clip matrix [4, 4] of a square box: x, y within ±width/2, z from 0 to depth."""
    return np.array(
        [
            [2 / width_m, 0.0, 0.0, 0.0],
            [0.0, 2 / width_m, 0.0, 0.0],
            [0.0, 0.0, 2 / depth_m, -1.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def clip_planes(clip: np.ndarray) -> np.ndarray:
    """The six planes [6, 4] of a clip volume, normals inward and of unit length (Gribb and Hartmann)."""
    rows = np.concatenate([clip[3] + clip[:3], clip[3] - clip[:3]])
    return rows / np.linalg.norm(rows[:, :3], axis=1, keepdims=True)


def spheres_inside(planes: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Bool [n]: spheres (centres [n, 3], radii [n]) that are not wholly outside one plane."""
    distances = centres @ planes[:, :3].T + planes[:, 3]
    return (distances > -radii[:, None]).all(1)


def boxes_inside(planes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Bool [n]: axis-aligned boxes (corners low, high [n, 3]) that are not wholly outside one plane."""
    normals = planes[:, :3]
    farthest = np.where(normals[None] > 0, high[:, None], low[:, None])
    return ((farthest * normals).sum(2) + planes[:, 3] > 0).all(1)
