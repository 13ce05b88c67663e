"""Fewer and larger leaves: trees keep their look from afar with a share of their leaf faces."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.street.objects.simplify import simplify
from ros_anomaly_sim.street.objects.surface import Surface

_WOOD_SHARE = 0.3
_SHUFFLE_SEED = 5
# Enlarged leaves overlap less than the many small ones did, so the full growth would make crowns too dense.
_GROWTH = 0.92
_LARGEST_GROWTH = 9.0


def thin_foliage(surface: Surface, budget: int) -> Surface:
    """At most about ``budget`` triangles: clustered wood, and whole leaf faces grown by what was left out.

    The chosen leaves of a smaller budget are among those of a larger one, so levels of detail do not flicker.
    """
    if len(surface.triangles) <= budget:
        return surface
    leaves = surface.select(surface.leaf)
    if not len(leaves.triangles):
        return simplify(surface, budget)
    wood = surface.select(~surface.leaf)
    if len(wood.triangles):
        wood = simplify(wood, max(int(budget * _WOOD_SHARE), 24))
    kept = _share_of_leaves(leaves, max(budget - len(wood.triangles), 16))
    return _joined(wood, kept)


def _share_of_leaves(leaves: Surface, budget: int) -> Surface:
    polygon_ids, polygon = np.unique(leaves.polygon, return_inverse=True)
    total = len(polygon_ids)
    wanted = max(int(total * min(1.0, budget / len(leaves.triangles))), 4)
    if wanted >= total:
        return leaves
    order = np.random.default_rng(_SHUFFLE_SEED).permutation(total)
    rank = np.empty(total, np.int64)
    rank[order] = np.arange(total)
    kept = leaves.select(rank[polygon] < wanted)
    growth = min(np.sqrt(total / wanted) * _GROWTH, _LARGEST_GROWTH)
    return _grown(kept, max(growth, 1.0))


def _grown(leaves: Surface, growth: float) -> Surface:
    """Each leaf face grown about its own centre, over points of its own."""
    points = leaves.points[leaves.triangles.ravel()]
    face = np.repeat(np.unique(leaves.polygon, return_inverse=True)[1], 3)
    count = np.bincount(face)
    centre = np.stack([np.bincount(face, points[:, i]) / count for i in range(3)], axis=1)[face]
    grown = centre + (points - centre) * growth
    grown[:, 2] = np.maximum(grown[:, 2], 0.0)
    triangles = np.arange(len(points)).reshape(-1, 3)
    return Surface(grown, triangles, leaves.corners, leaves.leaf, leaves.polygon)


def _joined(first: Surface, second: Surface) -> Surface:
    return Surface(
        np.concatenate([first.points, second.points]),
        np.concatenate([first.triangles, second.triangles + len(first.points)]),
        np.concatenate([first.corners, second.corners]),
        np.concatenate([first.leaf, second.leaf]),
        np.concatenate([first.polygon, second.polygon]),
    )
