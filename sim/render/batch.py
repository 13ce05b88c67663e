"""The placements of one frame as arrays: uploaded once, culled and ordered for every view of it."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.render.geometry import INSTANCE_FLOATS, draw_commands, instance_row
from ros_anomaly_sim.render.matrices import spheres_inside
from ros_anomaly_sim.render.stores import ModelStore
from ros_anomaly_sim.render.visibility import MIN_DIAMETER_PX, levels_of_detail
from ros_anomaly_sim.street.scene import Placement

_SHADOW_DETAIL = 0.4
"""Share of a shadow map's resolution that casters are drawn for: the penumbra hides the rest."""


class InstanceBatch:
    """Uploads the placements (and models that are new) when made; its methods give draw commands."""

    def __init__(self, store: ModelStore, placements: tuple[Placement, ...]) -> None:
        store.require({p.model for p in placements})
        models = [store[p.model] for p in placements]
        rows = [instance_row(p.position, p.scale, p.yaw_rad, p.class_id, p.instance_id, p.paint) for p in placements]
        store.pool.set_instances(np.array(rows, np.float32).reshape(-1, INSTANCE_FLOATS))
        self._names = [p.model for p in placements]
        self._centres = np.array([p.position for p in placements], float).reshape(-1, 3)
        self._radii = np.array([m.radius_m * p.scale for m, p in zip(models, placements, strict=True)], float)
        self._firsts = np.array([m.firsts for m in models], np.int64).reshape(-1, 3)
        self._counts = np.array([m.counts for m in models], np.int64).reshape(-1, 3)
        self._solid_counts = np.array([m.solid_counts for m in models], np.int64).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._names)

    def centre(self, index: int) -> np.ndarray:
        """Position float64 [3] of a placement."""
        return self._centres[index]

    def seen_from(self, planes: np.ndarray, eye: np.ndarray, focal_px: float) -> np.ndarray:
        """Draw commands of what a camera at ``eye`` sees within the clip planes, nearest first."""
        distances = np.linalg.norm(self._centres - eye, axis=1)
        diameters_px = 2 * self._radii * focal_px / np.maximum(distances - self._radii, 0.3)
        shown = spheres_inside(planes, self._centres, self._radii) & (diameters_px > MIN_DIAMETER_PX)
        drawn = np.flatnonzero(shown)
        drawn = drawn[np.argsort(distances[drawn], kind="stable")]
        level = levels_of_detail(diameters_px[drawn], self._counts[drawn] // 3)
        return draw_commands(self._firsts[drawn, level], self._counts[drawn, level], drawn)

    def cast_into(self, planes: np.ndarray, texels_per_m: float) -> tuple[np.ndarray, np.ndarray]:
        """Draw commands of what falls into a depth map with that resolution: opaque triangles, and the others."""
        drawn = np.flatnonzero(spheres_inside(planes, self._centres, self._radii))
        level = levels_of_detail(_SHADOW_DETAIL * 2 * self._radii[drawn] * texels_per_m, self._counts[drawn] // 3)
        first, solid, count = (a[drawn, level] for a in (self._firsts, self._solid_counts, self._counts))
        return (
            draw_commands(first, solid, drawn)[solid > 0],
            draw_commands(first + solid, count - solid, drawn)[count > solid],
        )

    def moved_more_than(self, other: InstanceBatch, limit_m: float) -> bool:
        """Whether the two hold different models, or one that stands further away than the limit."""
        if self._names != other._names:
            return True
        return bool((np.abs(self._centres - other._centres) > limit_m).any())
