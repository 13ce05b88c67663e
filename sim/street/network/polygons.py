"""Polygons on the ground: area, triangles by ear clipping, and holes cut in from outside."""

from __future__ import annotations

import numpy as np


def signed_area(ring: np.ndarray) -> float:
    """Area of a polygon [n, 2], positive where it runs counter-clockwise."""
    after = np.roll(ring, -1, 0)
    return float((ring[:, 0] * after[:, 1] - after[:, 0] * ring[:, 1]).sum() / 2)


def inside(ring: np.ndarray, x: float, y: float) -> bool:
    """Whether the point lies in the polygon [n, 2] (even-odd rule)."""
    after = np.roll(ring, -1, 0)
    spans = (ring[:, 1] > y) != (after[:, 1] > y)
    rise = np.where(spans, after[:, 1] - ring[:, 1], 1.0)
    crossing = ring[:, 0] + (y - ring[:, 1]) / rise * (after[:, 0] - ring[:, 0])
    return bool(np.count_nonzero(spans & (x < crossing)) % 2)


def triangles(ring: np.ndarray) -> np.ndarray:
    """Triangles [n - 2, 3, 2], counter-clockwise, of a simple counter-clockwise polygon [n, 2], by ear clipping.

    Of the ears the one with the widest smallest angle is cut first, so that few slivers remain. Raises ValueError for
    a polygon that runs clockwise or crosses itself.
    """
    if signed_area(ring) <= 0.0:
        raise ValueError(f"polygon: expected counter-clockwise corners, found area {signed_area(ring):.3f}")
    points = np.asarray(ring, float)
    left = list(range(len(points)))
    quality = {i: _ear(points, left, i) for i in range(len(left))}
    found = []
    while len(left) > 3:
        best = max(left, key=lambda i: quality[i])
        if quality[best] == -np.inf:
            raise ValueError(
                f"polygon: expected one that does not cross itself, found no ear among {len(left)} corners"
            )
        at = left.index(best)
        before, after = left[at - 1], left[(at + 1) % len(left)]
        found.append((before, best, after))
        left.pop(at)
        for corner in (before, after):
            quality[corner] = _ear(points, left, left.index(corner))
        # Cutting may free ears elsewhere only where a point was inside them: those neighbours were just renewed,
        # but the corner that was cut may itself have blocked others.
        for corner in left:
            if quality[corner] == -np.inf:
                quality[corner] = _ear(points, left, left.index(corner))
    found.append((left[0], left[1], left[2]))
    return points[np.array(found)]


def with_hole(ring: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """One polygon of a counter-clockwise convex ring and a hole in it (either way round), joined by a slit."""
    inner = hole if signed_area(hole) < 0.0 else hole[::-1]
    at = int(np.argmax(inner[:, 0]))
    start = inner[at]
    after = np.roll(ring, -1, 0)
    spans = (ring[:, 1] <= start[1]) & (after[:, 1] > start[1])
    edge = int(np.flatnonzero(spans)[0])
    share = (start[1] - ring[edge, 1]) / (after[edge, 1] - ring[edge, 1])
    bridge = ring[edge] + share * (after[edge] - ring[edge])
    return np.concatenate(
        [ring[: edge + 1], bridge[None], np.roll(inner, -at, 0), start[None], bridge[None], ring[edge + 1 :]]
    )


def _ear(points: np.ndarray, left: list[int], at: int) -> float:
    """Sine of the ear's smallest angle, or -inf where the corner is no ear."""
    a, b, c = points[left[at - 1]], points[left[at]], points[left[(at + 1) % len(left)]]
    area = _cross(b - a, c - b)
    if area <= 1e-9:
        return -np.inf
    others = points[left]
    apart = (np.abs(others - a).max(1) > 1e-9) & (np.abs(others - b).max(1) > 1e-9) & (np.abs(others - c).max(1) > 1e-9)
    others = others[apart]
    held = np.ones(len(others), bool)
    for start, end in ((a, b), (b, c), (c, a)):
        held &= (end[0] - start[0]) * (others[:, 1] - start[1]) - (end[1] - start[1]) * (
            others[:, 0] - start[0]
        ) > -1e-9
    if held.any():
        return -np.inf
    lengths = sorted(float(np.hypot(*side)) for side in (b - a, c - b, a - c))
    return area / (lengths[1] * lengths[2])


def _cross(u: np.ndarray, v: np.ndarray) -> float:
    return float(u[0] * v[1] - u[1] * v[0])
