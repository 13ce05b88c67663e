"""Class ids, names and palette of the street classes (StreetHazards dataset ids)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class StreetClass(IntEnum):
    """Semantic classes: 0..12 are the K = 13 inlier classes, 13 exists in ground truth only."""

    BACKGROUND = 0
    BUILDING = 1
    FENCE = 2
    OTHER = 3
    PEDESTRIAN = 4
    POLE = 5
    ROAD_LINE = 6
    ROAD = 7
    SIDEWALK = 8
    VEGETATION = 9
    CAR = 10
    WALL = 11
    TRAFFIC_SIGN = 12
    ANOMALY = 13


NUM_INLIER_CLASSES = 13
ANOMALY_ID = int(StreetClass.ANOMALY)
VOID_ID = 255
INLIER_ID = 254
"""Exists in ground truth only: in-distribution, of a class that is not known or has no counterpart among the K."""

CLASS_NAMES: tuple[str, ...] = tuple(c.name.lower() for c in StreetClass if c != StreetClass.ANOMALY)

# Colours follow the Cityscapes palette where a class has a counterpart there.
_COLOURS: dict[StreetClass, tuple[int, int, int]] = {
    StreetClass.BACKGROUND: (70, 130, 180),
    StreetClass.BUILDING: (70, 70, 70),
    StreetClass.FENCE: (190, 153, 153),
    StreetClass.OTHER: (250, 170, 160),
    StreetClass.PEDESTRIAN: (220, 20, 60),
    StreetClass.POLE: (153, 153, 153),
    StreetClass.ROAD_LINE: (157, 234, 50),
    StreetClass.ROAD: (128, 64, 128),
    StreetClass.SIDEWALK: (244, 35, 232),
    StreetClass.VEGETATION: (107, 142, 35),
    StreetClass.CAR: (0, 0, 142),
    StreetClass.WALL: (102, 102, 156),
    StreetClass.TRAFFIC_SIGN: (220, 220, 0),
    StreetClass.ANOMALY: (255, 255, 255),
}


def _palette() -> np.ndarray:
    palette = np.zeros((256, 3), np.uint8)
    for street_class, colour in _COLOURS.items():
        palette[street_class] = colour
    palette[INLIER_ID] = (128, 128, 128)
    return palette


PALETTE: np.ndarray = _palette()
"""uint8 [256, 3] RGB: ``PALETTE[class_ids]`` colours a label map; void is black, an unnamed inlier grey."""


def anomaly_labels(class_ids: np.ndarray) -> np.ndarray:
    """What anomaly metrics compare with: uint8 of the same shape, 1 where anomalous, 255 void, 0 everything else."""
    labels = np.zeros(class_ids.shape, np.uint8)
    labels[class_ids == ANOMALY_ID] = 1
    labels[class_ids == VOID_ID] = VOID_ID
    return labels
