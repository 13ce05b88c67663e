"""An indexed triangle surface: the form in which models are scaled, turned and simplified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.mesh import VERTEX_FLOATS, Mesh, columns

_WELD_STEPS = 1 << 17
_FACE_EPSILON = 1e-12


@dataclass(frozen=True)
class Surface:
    """Triangles over shared points, with everything but the position kept per corner.

    ``points`` float64 [v, 3]; ``triangles`` int64 [t, 3] into it; ``corners`` float32 [t, 3, VERTEX_FLOATS]
    (its position columns are ignored); ``leaf`` bool [t] marks foliage; ``polygon`` int64 [t] numbers the face
    a triangle was cut from.
    """

    points: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    leaf: np.ndarray
    polygon: np.ndarray

    def select(self, keep: np.ndarray) -> Surface:
        """The surface with only the triangles chosen by a mask or an index array."""
        return Surface(self.points, self.triangles[keep], self.corners[keep], self.leaf[keep], self.polygon[keep])

    def moved(self, points: np.ndarray) -> Surface:
        """The same triangles over other points [v, 3]."""
        return Surface(points, self.triangles, self.corners, self.leaf, self.polygon)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest coordinates [3] of the points in use."""
        used = self.points[self.triangles.ravel()]
        return used.min(axis=0), used.max(axis=0)

    def to_mesh(self) -> Mesh:
        """Triangle soup for the renderer."""
        vertices = self.corners.reshape(-1, VERTEX_FLOATS).astype(np.float32)
        vertices[:, columns("position")] = self.points[self.triangles.ravel()]
        return Mesh(vertices)


def welded(surface: Surface) -> Surface:
    """The surface with points closer than 1/131072 of its extent made one."""
    low, high = surface.bounds()
    step = max(float((high - low).max()), 1e-9) / _WELD_STEPS
    key = np.rint((surface.points - low) / step).astype(np.int64)
    packed = (key[:, 0] << 42) + (key[:, 1] << 21) + key[:, 2]
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return Surface(surface.points[first], inverse[surface.triangles], surface.corners, surface.leaf, surface.polygon)


def without_slivers(surface: Surface) -> Surface:
    """The surface without the triangles that have no area."""
    return surface.select(areas(surface) > _FACE_EPSILON)


def area_vectors(surface: Surface) -> np.ndarray:
    """float64 [t, 3]: normal times area of each triangle."""
    p = surface.points[surface.triangles]
    return 0.5 * np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])


def areas(surface: Surface) -> np.ndarray:
    """float64 [t] areas."""
    return np.linalg.norm(area_vectors(surface), axis=1)


def point_normals(surface: Surface) -> np.ndarray:
    """float64 [v, 3] area-weighted unit normals of the points; zero where nothing is attached."""
    weighted = np.repeat(area_vectors(surface), 3, axis=0)
    index = surface.triangles.ravel()
    total = np.stack([np.bincount(index, weighted[:, i], len(surface.points)) for i in range(3)], axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.maximum(length, _FACE_EPSILON)


def shading_normals(surface: Surface, crease_cosine: float = 0.7) -> np.ndarray:
    """float64 [t, 3, 3] corner normals: smooth over edges flatter than the crease, else the triangle's own."""
    own = area_vectors(surface)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), _FACE_EPSILON)
    smooth = point_normals(surface)[surface.triangles]
    is_smooth = np.einsum("tci,ti->tc", smooth, own) > crease_cosine
    return np.where(is_smooth[..., None], smooth, own[:, None])
