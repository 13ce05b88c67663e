"""Pictures of single objects with alpha, from random sides and distances, to be pasted into other images."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.mesh import Mesh, Model, columns
from ros_anomaly_sim.street.scene import CameraPose, Placement, Weather

_OVERSAMPLING = 2
_FOV_RAD = math.radians(40.0)
_MAX_ELEVATION_RAD = math.radians(25.0)
_FILLS = (0.55, 0.95)
_MARGIN_PX = 1
_MIN_SHARE = 0.01


def render_cutout(
    renderer: StreetRenderer, model: Model, weather: Weather, rng: np.random.Generator, size_px: int = 320
) -> np.ndarray | None:
    """A tight crop uint8 [h, w, 4] RGBA of one object, h and w at most ``size_px``, edges smooth in alpha.

    The object is turned about the vertical, seen from 0 to 25 degrees above and from far enough to fill 0.55 to
    0.95 of the picture. None where the view shows less than 1 % of the picture.
    """
    if size_px < 16:
        raise ValueError(f"size_px: expected at least 16, found {size_px}")
    middle, radius = _bounds(model.lods[0])
    camera = Camera(size_px * _OVERSAMPLING, size_px * _OVERSAMPLING, _FOV_RAD)
    elevation = float(rng.uniform(0.0, _MAX_ELEVATION_RAD))
    # The sphere about the object subtends the wanted share of the view.
    distance = radius / math.sin(math.atan(math.tan(_FOV_RAD / 2) * float(rng.uniform(*_FILLS))))
    yaw = float(rng.uniform(-math.pi, math.pi))
    paint = tuple(float(v) for v in rng.uniform(0.05, 0.9, 3))
    # The object stands turned on the origin; the camera looks north at its middle.
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y, z = cos * middle[0] - sin * middle[1], sin * middle[0] + cos * middle[1], middle[2]
    pose = CameraPose(
        (x, y - distance * math.cos(elevation), z + distance * math.sin(elevation)), yaw_rad=0.0, pitch_rad=-elevation
    )
    placement = Placement(
        model.name, (0.0, 0.0, 0.0), yaw, model.class_id, 1, paint=(paint[0], paint[1], paint[2]), tag="cutout"
    )
    picture = renderer.render_object(placement, _without_fog(weather), pose, camera)
    return _crop(_shrink(picture))


def _bounds(mesh: Mesh) -> tuple[np.ndarray, float]:
    positions = mesh.vertices[:, columns("position")]
    middle = (positions.min(0) + positions.max(0)) / 2
    return middle, float(np.linalg.norm(positions - middle, axis=1).max())


def _without_fog(weather: Weather) -> Weather:
    return replace(weather, fog_per_m=0.0)


def _shrink(picture: np.ndarray) -> np.ndarray:
    """Average blocks, then undo the weight of the black around the object: edges carry the object's colour alone."""
    size = (picture.shape[1] // _OVERSAMPLING, picture.shape[0] // _OVERSAMPLING)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    edge = (small[..., 3] > 0) & (small[..., 3] < 255)
    values = small[edge].astype(np.float32)
    values[:, :3] *= 255 / values[:, 3:]
    small[edge] = np.round(values).clip(0, 255).astype(np.uint8)
    return small


def _crop(picture: np.ndarray) -> np.ndarray | None:
    shown = picture[..., 3] > 0
    if (picture[..., 3] > 127).mean() < _MIN_SHARE:
        return None
    rows, cols = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    top, left = max(int(rows[0]) - _MARGIN_PX, 0), max(int(cols[0]) - _MARGIN_PX, 0)
    return np.ascontiguousarray(picture[top : rows[-1] + 1 + _MARGIN_PX, left : cols[-1] + 1 + _MARGIN_PX])
