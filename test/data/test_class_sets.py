"""The classes that a network is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.datasets.label_maps import CITYSCAPES_CLASSES as CITYSCAPES_TABLE
from ros_anomaly.data.labels import (
    ANOMALY_ID,
    CITYSCAPES_CLASSES,
    CLASS_NAMES,
    INLIER_ID,
    PALETTE,
    STREET_CLASSES,
    ClassSet,
    StreetClass,
)


def test_street_classes_are_those_of_the_package():
    assert STREET_CLASSES.names == CLASS_NAMES
    assert STREET_CLASSES.anomaly_id == STREET_CLASSES.count == ANOMALY_ID
    np.testing.assert_array_equal(STREET_CLASSES.palette, PALETTE)
    assert StreetClass.ROAD in STREET_CLASSES.ground and StreetClass.CAR in STREET_CLASSES.things
    assert not STREET_CLASSES.ground & STREET_CLASSES.things


def test_cityscapes_has_its_19_classes_in_the_order_of_train_ids():
    assert CITYSCAPES_CLASSES.names == tuple(name for name, _, _ in CITYSCAPES_TABLE)
    assert CITYSCAPES_CLASSES.anomaly_id == 19
    assert {CITYSCAPES_CLASSES.names[i] for i in CITYSCAPES_CLASSES.ground} == {"road", "sidewalk"}
    assert {CITYSCAPES_CLASSES.names[i] for i in CITYSCAPES_CLASSES.things} == {
        *("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
        *("traffic light", "traffic sign"),
    }


def test_own_names_that_are_known_keep_colour_and_use():
    classes = ClassSet.of_names(["Traffic_Sign", "gravel", "road", "car", "road line"])
    assert classes.ground == {2, 4} and classes.things == {0, 3}
    assert classes.colours[2] == (128, 64, 128) and classes.colours[0] == (220, 220, 0)
    assert len(set(classes.colours)) == 5
    palette = classes.palette
    assert palette.shape == (256, 3) and palette[5].tolist() == [255, 255, 255]
    assert palette[INLIER_ID].tolist() == PALETTE[INLIER_ID].tolist() and not palette[255].any()


@pytest.mark.parametrize("names", [[], ["road", "road"], ["road", ""]])
def test_names_are_some_and_different(names):
    with pytest.raises(ValueError, match="expected 1 to 253 different names"):
        ClassSet.of_names(names)
