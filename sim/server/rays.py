"""Where rays meet the world: a few pixels are rendered along each, so that rays hit what cameras see."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.render.camera import NEAR_M, Camera
from ros_anomaly_sim.server.geometry import Transform, Vec3, camera_pose
from ros_anomaly_sim.server.images import tags
from ros_anomaly_sim.server.sensing import Sensing

MOST_HITS = 16
"""Surfaces that a ray finds at most."""

_PROBE = Camera(9, 9, 0.02)
_MIDDLE = (4, 4)
_BEHIND_SURFACE_M = 0.05


@dataclass(frozen=True)
class Hit:
    """A surface that a ray meets, with its semantic tag; ``distance_m`` is from the ray's start."""

    location: Vec3
    tag: int
    distance_m: float

    @property
    def labelled_point(self) -> list[object]:
        """LabelledPoint on the wire."""
        return [list(self.location), self.tag]


def hits(sensing: Sensing, start: Vec3, direction: Vec3, reach_m: float) -> Iterator[Hit]:
    """Surfaces along a ray, the nearest first. ``direction`` need not have unit length; without one nothing is hit."""
    length = math.hypot(*direction)
    if length < 1e-9:
        return
    ahead = np.asarray(direction) / length
    travelled_m = 0.0
    for _ in range(MOST_HITS):
        hit = _first(sensing, np.asarray(start), ahead, travelled_m)
        if hit is None or hit.distance_m > reach_m:
            return
        yield hit
        travelled_m = hit.distance_m + _BEHIND_SURFACE_M


def _first(sensing: Sensing, start: np.ndarray, ahead: np.ndarray, from_m: float) -> Hit | None:
    pitch = math.degrees(math.asin(float(np.clip(ahead[2], -1.0, 1.0))))
    yaw = math.degrees(math.atan2(ahead[1], ahead[0]))
    # The camera sees from its near plane on: it stands so far behind.
    x, y, z = (float(v) for v in start + (from_m - NEAR_M) * ahead)
    rendered = sensing.look(camera_pose(Transform((x, y, z), (pitch, yaw, 0.0))), _PROBE)
    depth_m = float(rendered.depth_m[_MIDDLE])
    if not math.isfinite(depth_m):
        return None
    distance_m = from_m + depth_m - NEAR_M
    hx, hy, hz = (float(v) for v in start + distance_m * ahead)
    return Hit((hx, hy, hz), int(tags(rendered)[_MIDDLE]), distance_m)
