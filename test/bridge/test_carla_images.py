"""CARLA's image encodings and tags."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.bridge.carla_images import CLASS_OF_TAG, depth_m, instance_ids, rgb, tags
from ros_anomaly_sim.server.tags import Tag


def pixel(blue: int, green: int, red: int) -> np.ndarray:
    return np.array([[[blue, green, red, 255]]], np.uint8)


def test_colours_come_as_rgb():
    assert rgb(pixel(1, 2, 3)).tolist() == [[[3, 2, 1]]]


def test_instance_ids_and_tags_of_one_pixel():
    image = pixel(blue=0x4E, green=0x21, red=20)
    assert instance_ids(image).tolist() == [[0x4E21]]
    assert instance_ids(image).dtype == np.uint16
    assert tags(image).tolist() == [[20]]


@pytest.mark.parametrize(
    ("encoded", "metres"), [((0, 0, 0), 0.0), ((255, 255, 255), np.inf), ((1, 0, 0), 65536 * 1000 / (256**3 - 1))]
)
def test_depth(encoded: tuple[int, int, int], metres: float):
    assert depth_m(pixel(*encoded))[0, 0] == pytest.approx(metres)


@pytest.mark.parametrize(
    ("tag", "street_class"),
    [
        (Tag.NONE, StreetClass.BACKGROUND),
        (Tag.SKY, StreetClass.BACKGROUND),
        (Tag.WATER, StreetClass.BACKGROUND),
        (Tag.ROAD, StreetClass.ROAD),
        (Tag.ROAD_LINE, StreetClass.ROAD_LINE),
        (Tag.GUARD_RAIL, StreetClass.FENCE),
        (Tag.RIDER, StreetClass.PEDESTRIAN),
        (Tag.TRAFFIC_LIGHT, StreetClass.TRAFFIC_SIGN),
        (Tag.BICYCLE, StreetClass.CAR),
        (Tag.TRAIN, StreetClass.CAR),
        (Tag.STATIC, StreetClass.OTHER),
        (Tag.DYNAMIC, StreetClass.OTHER),
        (Tag.WALL, StreetClass.WALL),
    ],
)
def test_class_of_tag(tag: Tag, street_class: StreetClass):
    assert CLASS_OF_TAG[tag] == street_class


def test_no_tag_is_an_anomaly():
    assert StreetClass.ANOMALY not in CLASS_OF_TAG
