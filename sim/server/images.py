"""A rendered frame as the payloads of CARLA's cameras: BGRA bytes behind width, height and field of view."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from ros_anomaly_sim.render.renderer import Rendered
from ros_anomaly_sim.render.sensor import SensorModel
from ros_anomaly_sim.server.sensor_types import SensorType
from ros_anomaly_sim.server.tags import TAG_OF_DRAWN_CLASS, Tag

DEPTH_RANGE_M = 1000.0
"""Depth that full scale stands for; sky has it."""

_SIZE = struct.Struct("<IIf")
_DEPTH_STEPS = 256**3 - 1


def camera_payload(kind: SensorType, rendered: Rendered, fov_deg: float, recorded_by: SensorModel) -> bytes:
    """Everything after the header. Raises KeyError for what is no camera."""
    height, width = rendered.class_ids.shape
    encode = {
        SensorType.RGB_CAMERA: lambda: colours(rendered, recorded_by),
        SensorType.SEMANTIC_CAMERA: lambda: semantics(rendered),
        SensorType.INSTANCE_CAMERA: lambda: instances(rendered),
        SensorType.DEPTH_CAMERA: lambda: depths(rendered),
    }[kind]
    return _SIZE.pack(width, height, fov_deg) + encode().tobytes()


def colours(rendered: Rendered, recorded_by: SensorModel) -> np.ndarray:
    """uint8 [H, W, 4] BGRA of what the camera records."""
    return np.asarray(cv2.cvtColor(recorded_by.apply(rendered.image), cv2.COLOR_RGB2BGRA))


def semantics(rendered: Rendered) -> np.ndarray:
    """uint8 [H, W, 4]: the tag in R."""
    return _bgra(red=tags(rendered))


def instances(rendered: Rendered) -> np.ndarray:
    """uint8 [H, W, 4]: the tag in R, the instance id's low byte in G and its high byte in B (CARLA 0.9.14+)."""
    ids = rendered.instance_ids
    return _bgra(tags(rendered), (ids & 0xFF).astype(np.uint8), (ids >> 8).astype(np.uint8))


def depths(rendered: Rendered) -> np.ndarray:
    """uint8 [H, W, 4]: depth along the optical axis, R + 256 G + 65536 B of 2^24 - 1 steps to 1000 m."""
    share = np.minimum(rendered.depth_m / np.float32(DEPTH_RANGE_M), np.float32(1.0))
    steps = np.round(share.astype(np.float64) * _DEPTH_STEPS).astype(np.uint32)
    return _bgra(*((steps >> shift & 0xFF).astype(np.uint8) for shift in (0, 8, 16)))


def tags(rendered: Rendered) -> np.ndarray:
    """uint8 [H, W]: CARLA's tag of every pixel."""
    found = np.take(TAG_OF_DRAWN_CLASS, rendered.class_ids)
    # Background is terrain, or sky where nothing was drawn.
    found[np.isinf(rendered.depth_m)] = Tag.SKY
    return found


def _bgra(red: np.ndarray, green: np.ndarray | None = None, blue: np.ndarray | None = None) -> np.ndarray:
    image = np.zeros((*red.shape, 4), np.uint8)
    image[..., 2] = red
    if green is not None:
        image[..., 1] = green
    if blue is not None:
        image[..., 0] = blue
    image[..., 3] = 255
    return image
