"""Levels of detail by vertex clustering that keeps thin parts.

Points are merged when they share a cell of a regular grid. Two refinements keep thin things alive: points merge only
with points whose normals lie in the same octant, so that the two sides of a chair leg never fall together however
coarse the grid, and only with points they are connected to within the cell, so that two legs do not grow a web.
Which refinement pays depends on the model (car bodies are made of panels that ought to merge), so each is
tried and the one that keeps the silhouette wins. A merged point stands where the squared distances to the planes of its
triangles are least (Lindstrom, "Out-of-core simplification of large polygonal models", 2000).
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from ros_anomaly_sim.street.objects.connectivity import connected_labels, triangle_edges
from ros_anomaly_sim.street.objects.silhouette import silhouette_overlap
from ros_anomaly_sim.street.objects.surface import Surface, area_vectors, areas, point_normals

_COARSEST_CELLS = 2.0
_FINEST_CELLS = 600.0
_SEARCH_STEPS = 10
_REGULARISATION = 0.1
# A later rule has to beat an earlier one by this much, for the earlier ones leave fewer cracks.
_PREFERENCE = 0.015
# Normals of boxes lie on the borders of the octants; turned by this matrix they lie well inside.
_OCTANT_FRAME = np.linalg.qr(np.array([[1.0, 0.62, 0.37], [-0.41, 1.0, 0.53], [0.29, -0.47, 1.0]]))[0]


class _Rule(Enum):
    """What keeps two points of one cell apart."""

    CONNECTED = "normal octant and connection"
    OCTANT = "normal octant"
    CELL = "nothing"


def simplify(surface: Surface, budget: int) -> Surface:
    """The surface with at most ``budget`` triangles."""
    if len(surface.triangles) <= budget:
        return surface
    clustering = _Clustering(surface)
    best, best_overlap = surface, -1.0
    for rule in _Rule:
        candidate = _clustered(clustering, rule, budget)
        overlap = silhouette_overlap(surface, candidate)
        if overlap > best_overlap + _PREFERENCE:
            best, best_overlap = candidate, overlap
    return best


def _clustered(clustering: _Clustering, rule: _Rule, budget: int) -> Surface:
    surface = clustering.surface
    coarse, fine = _COARSEST_CELLS, _FINEST_CELLS
    labels = clustering.labels(coarse, rule)
    for _ in range(_SEARCH_STEPS):
        cells = float(np.sqrt(coarse * fine))
        candidate = clustering.labels(cells, rule)
        if len(_surviving(clustering, candidate)) <= budget:
            labels, coarse = candidate, cells
        else:
            fine = cells
    merged = surface.select(_surviving(clustering, labels))
    points = _merged_points(surface, labels, clustering.extent_m / coarse)
    result = Surface(points, labels[merged.triangles], merged.corners, merged.leaf, merged.polygon)
    if len(result.triangles) > budget:
        result = result.select(np.sort(np.argsort(-areas(result), kind="stable")[:budget]))
    return result


class _Clustering:
    """Labels of the points of a surface for grids of any size."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.areas = areas(surface)
        low, high = surface.bounds()
        self.extent_m = max(float((high - low).max()), 1e-9)
        self._offset = surface.points - low
        self._edges = triangle_edges(surface.triangles)
        self._octant = _octants(surface)
        part = connected_labels(len(surface.points), self._edges)
        highest, lowest = np.full((2, *surface.points.shape), 0.0)
        np.maximum.at(highest, part, self._offset)
        lowest[:] = self.extent_m
        np.minimum.at(lowest, part, self._offset)
        self._part_size_m = (highest - lowest).max(axis=1)[part]

    def labels(self, cells: float, rule: _Rule) -> np.ndarray:
        """int64 [v] cluster of each point, 0..k-1, in a grid of ``cells`` along the longest side."""
        cell_m = self.extent_m / cells
        cell = np.floor(self._offset / cell_m + 0.5).astype(np.int64)
        key = (cell[:, 0] << 43) + (cell[:, 1] << 23) + (cell[:, 2] << 3)
        if rule != _Rule.CELL:
            key += np.where(self._part_size_m > cell_m, self._octant, 0)
        if rule != _Rule.CONNECTED:
            return np.unique(key, return_inverse=True)[1]
        within = self._edges[key[self._edges[:, 0]] == key[self._edges[:, 1]]]
        return np.unique(connected_labels(len(key), within), return_inverse=True)[1]


def _octants(surface: Surface) -> np.ndarray:
    turned = point_normals(surface) @ _OCTANT_FRAME.T
    return ((turned > 0) * np.array([1, 2, 4])).sum(axis=1)


def _surviving(clustering: _Clustering, labels: np.ndarray) -> np.ndarray:
    """Indices of the triangles that stay triangles; of those that fall together the largest."""
    t = labels[clustering.surface.triangles]
    kept = np.flatnonzero((t[:, 0] != t[:, 1]) & (t[:, 1] != t[:, 2]) & (t[:, 0] != t[:, 2]))
    if not len(kept):
        return kept
    kept = kept[np.argsort(-clustering.areas[kept], kind="stable")]
    corners = np.sort(t[kept], axis=1)
    key = (corners[:, 0] << 42) + (corners[:, 1] << 21) + corners[:, 2]
    return np.sort(kept[np.unique(key, return_index=True)[1]])


def _merged_points(surface: Surface, labels: np.ndarray, cell_m: float) -> np.ndarray:
    count = int(labels.max()) + 1
    members = np.bincount(labels, minlength=count)
    centre = np.stack([np.bincount(labels, surface.points[:, i], count) / members for i in range(3)], axis=1)
    vectors = area_vectors(surface)
    area = np.linalg.norm(vectors, axis=1)
    normals = vectors / np.maximum(area, 1e-15)[:, None]
    corner_label = labels[surface.triangles]
    quadric = np.zeros((count, 3, 3))
    offset = np.zeros((count, 3))
    for corner in range(3):
        label = corner_label[:, corner]
        relative = surface.points[surface.triangles[:, corner]] - centre[label]
        distance = np.einsum("ti,ti->t", normals, relative)
        for i in range(3):
            offset[:, i] += np.bincount(label, area * normals[:, i] * distance, count)
            for j in range(i, 3):
                quadric[:, i, j] += np.bincount(label, area * normals[:, i] * normals[:, j], count)
    quadric += np.triu(quadric, 1).transpose(0, 2, 1)
    weight = np.trace(quadric, axis1=1, axis2=2) * _REGULARISATION + 1e-12
    quadric[:, range(3), range(3)] += weight[:, None]
    move = np.linalg.solve(quadric, offset[:, :, None])[:, :, 0]
    length = np.linalg.norm(move, axis=1, keepdims=True)
    return centre + move * np.minimum(1.0, 0.5 * cell_m / np.maximum(length, 1e-12))
