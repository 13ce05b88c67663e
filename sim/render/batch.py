"""The placements of one frame as arrays: uploaded once, culled and ordered for every view of it."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.render.geometry import INSTANCE_FLOATS, draw_commands, instance_row
from ros_anomaly_sim.render.matrices import spheres_inside
from ros_anomaly_sim.render.stores import ModelStore
from ros_anomaly_sim.render.visibility import MIN_DIAMETER_PX, levels_of_detail
from ros_anomaly_sim.street.scene import Placement


class InstanceBatch:
    """Uploads the placements (and models that are new) when made; its methods give draw commands."""

    def __init__(self, store: ModelStore, placements: tuple[Placement, ...]) -> None:
        store.require({p.model for p in placements})
        models = [store[p.model] for p in placements]
        rows = [
            instance_row(p.position, p.scale, p.yaw_rad, p.class_id, p.instance_id, p.paint) for p in placements
        ]
        store.pool.set_instances(np.array(rows, np.float32).reshape(-1, INSTANCE_FLOATS))
        self._names = [p.model for p in placements]
        self._centres = np.array([p.position for p in placements], float).reshape(-1, 3)
        self._radii = np.array([m.radius_m * p.scale for m, p in zip(models, placements, strict=True)], float)
        self._firsts = np.array([[r.first for r in m.lods] for m in models], np.int64).reshape(-1, 3)
        self._counts = np.array([[r.count for r in m.lods] for m in models], np.int64).reshape(-1, 3)

    def seen_from(self, planes: np.ndarray, eye: np.ndarray, focal_px: float) -> np.ndarray:
        """Draw commands of what a camera at ``eye`` sees within the clip planes, nearest first."""
        distances = np.linalg.norm(self._centres - eye, axis=1)
        diameters_px = 2 * self._radii * focal_px / np.maximum(distances - self._radii, 0.3)
        shown = spheres_inside(planes, self._centres, self._radii) & (diameters_px > MIN_DIAMETER_PX)
        drawn = np.flatnonzero(shown)
        drawn = drawn[np.argsort(distances[drawn], kind="stable")]
        return self._commands(drawn, diameters_px[drawn])

    def cast_into(self, planes: np.ndarray, texels_per_m: float) -> np.ndarray:
        """Draw commands of what falls into a depth map with that resolution."""
        drawn = np.flatnonzero(spheres_inside(planes, self._centres, self._radii))
        return self._commands(drawn, 2 * self._radii[drawn] * texels_per_m * 0.5)

    def moved_more_than(self, other: InstanceBatch, limit_m: float) -> bool:
        """Whether the two hold different models, or one that stands further away than the limit."""
        if self._names != other._names:
            return True
        return bool((np.abs(self._centres - other._centres) > limit_m).any())

    def _commands(self, drawn: np.ndarray, diameters_px: np.ndarray) -> np.ndarray:
        level = levels_of_detail(diameters_px, self._counts[drawn] // 3)
        return draw_commands(self._firsts[drawn, level], self._counts[drawn, level], drawn)
