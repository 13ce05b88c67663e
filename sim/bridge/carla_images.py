"""CARLA's camera images as arrays, and its semantic tags as our class ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ros_anomaly.data.labels import StreetClass

DEPTH_RANGE_M = 1000.0
_DEPTH_STEPS = 256**3 - 1

# Tags of CARLA 0.9.14 and later (CityObjectLabel); those that are not named are background.
_CLASS_OF_TAG: dict[int, StreetClass] = {
    1: StreetClass.ROAD,
    2: StreetClass.SIDEWALK,
    3: StreetClass.BUILDING,
    4: StreetClass.WALL,
    5: StreetClass.FENCE,
    6: StreetClass.POLE,
    7: StreetClass.TRAFFIC_SIGN,
    8: StreetClass.TRAFFIC_SIGN,
    9: StreetClass.VEGETATION,
    12: StreetClass.PEDESTRIAN,
    13: StreetClass.PEDESTRIAN,
    **dict.fromkeys(range(14, 20), StreetClass.CAR),
    **dict.fromkeys((20, 21, 22), StreetClass.OTHER),
    24: StreetClass.ROAD_LINE,
    28: StreetClass.FENCE,
}


def _class_table() -> np.ndarray:
    table = np.zeros(256, np.uint8)
    for tag, street_class in _CLASS_OF_TAG.items():
        table[tag] = street_class
    return table


CLASS_OF_TAG: np.ndarray = _class_table()
"""uint8 [256]: class id of every tag."""


def bgra(image: Any) -> np.ndarray:
    """uint8 [H, W, 4] view of a ``carla.Image``; valid while the image is."""
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)


def rgb(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] RGB of an RGB camera's [H, W, 4] BGRA."""
    return np.ascontiguousarray(pixels[..., 2::-1])


def tags(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H, W]: semantic tags of a semantic or an instance camera (its R channel)."""
    return pixels[..., 2]


def instance_ids(pixels: np.ndarray) -> np.ndarray:
    """uint16 [H, W]: ids of an instance camera, G + 256 B."""
    return pixels[..., 1].astype(np.uint16) | (pixels[..., 0].astype(np.uint16) << 8)


def depth_m(pixels: np.ndarray) -> np.ndarray:
    """float32 [H, W]: metres along the axis of a depth camera, infinite where nothing was hit."""
    steps = pixels[..., 2].astype(np.uint32) | (pixels[..., 1].astype(np.uint32) << 8)
    steps |= pixels[..., 0].astype(np.uint32) << 16
    metres = (steps * (DEPTH_RANGE_M / _DEPTH_STEPS)).astype(np.float32)
    metres[steps == _DEPTH_STEPS] = np.inf
    return metres
