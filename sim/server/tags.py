"""CARLA's semantic tags (0.9.14 and later) and how our classes and objects map to them."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from ros_anomaly.data.labels import StreetClass


class Tag(IntEnum):
    """CityObjectLabel."""

    NONE = 0
    ROAD = 1
    SIDEWALK = 2
    BUILDING = 3
    WALL = 4
    FENCE = 5
    POLE = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGN = 8
    VEGETATION = 9
    TERRAIN = 10
    SKY = 11
    PEDESTRIAN = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    TRAIN = 17
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    OTHER = 22
    WATER = 23
    ROAD_LINE = 24
    GROUND = 25
    BRIDGE = 26
    RAIL_TRACK = 27
    GUARD_RAIL = 28


TAG_OF_CLASS: dict[StreetClass, Tag] = {
    StreetClass.BACKGROUND: Tag.TERRAIN,
    StreetClass.BUILDING: Tag.BUILDING,
    StreetClass.FENCE: Tag.FENCE,
    StreetClass.OTHER: Tag.STATIC,
    StreetClass.PEDESTRIAN: Tag.PEDESTRIAN,
    StreetClass.POLE: Tag.POLE,
    StreetClass.ROAD_LINE: Tag.ROAD_LINE,
    StreetClass.ROAD: Tag.ROAD,
    StreetClass.SIDEWALK: Tag.SIDEWALK,
    StreetClass.VEGETATION: Tag.VEGETATION,
    StreetClass.CAR: Tag.CAR,
    StreetClass.WALL: Tag.WALL,
    StreetClass.TRAFFIC_SIGN: Tag.TRAFFIC_SIGN,
    StreetClass.ANOMALY: Tag.STATIC,
}
"""What the town itself is made of; background with nothing behind it is sky."""

FIRST_TAG_CLASS = 64
"""Class ids from here on are an actor's tag: drawn class = FIRST_TAG_CLASS + tag."""


def drawn_class(tag: Tag) -> int:
    """The class id that the renderer is given for an actor with this tag."""
    return FIRST_TAG_CLASS + int(tag)


def _tags_of_drawn_classes() -> np.ndarray:
    table = np.zeros(256, np.uint8)
    for street_class, tag in TAG_OF_CLASS.items():
        table[int(street_class)] = tag
    for tag in Tag:
        table[drawn_class(tag)] = tag
    return table


TAG_OF_DRAWN_CLASS: np.ndarray = _tags_of_drawn_classes()
"""uint8 [256]: tag of every class id that a rendered frame may hold."""
