"""Painted marks: flat, on the road alone, labelled as lines where there is such a class."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ros_anomaly.data import markings
from ros_anomaly.data.labels import CITYSCAPES_CLASSES, STREET_CLASSES, VOID_ID, ClassSet, StreetClass
from ros_anomaly.data.markings import paint_markings
from ros_anomaly.data.placement import StreetPlacement

SIZE = (180, 320)
CAMERA = StreetPlacement()


def frame(road: int = StreetClass.ROAD) -> tuple[np.ndarray, np.ndarray]:
    """Grey asphalt below the horizon, but for a strip at the left and a box in the middle of the lane."""
    class_ids = np.full(SIZE, StreetClass.BACKGROUND, np.uint8)
    class_ids[90:] = road
    class_ids[90:, :20] = VOID_ID
    class_ids[120:150, 150:170] = StreetClass.CAR
    return np.full((*SIZE, 3), 90, np.uint8), class_ids


def painted(seed: int, classes: ClassSet = STREET_CLASSES, road: int = StreetClass.ROAD):
    return paint_markings(*frame(road), CAMERA, classes, np.random.default_rng(seed))


def test_only_the_road_is_painted_and_inputs_stay():
    image, class_ids = frame()
    marked = 0
    for seed in range(60):
        new_image, new_ids = painted(seed)
        road = class_ids == StreetClass.ROAD
        assert (new_image[~road] == image[~road]).all() and (new_ids[~road] == class_ids[~road]).all()
        assert set(np.unique(new_ids[road])) <= {StreetClass.ROAD, StreetClass.ROAD_LINE}
        line = new_ids == StreetClass.ROAD_LINE
        marked += line.any()
    assert marked > 20
    assert (image == 90).all() and not (class_ids == StreetClass.ROAD_LINE).any()


def test_labelled_paint_is_to_be_seen(monkeypatch):
    monkeypatch.setattr(markings, "_PATCH_SHARE", 0.0)
    for seed in range(30):
        image, ids = painted(seed)
        assert (image[ids == StreetClass.ROAD_LINE].max(-1) > 95).all()


def test_marks_have_the_size_that_the_ground_has_there(monkeypatch):
    """A metre of flat ground is as wide as its row lies below the horizon, divided by the camera's height."""
    monkeypatch.setattr(markings, "_PATCH_SHARE", 0.0)
    metre = np.ones((markings._CELLS_PER_M, markings._CELLS_PER_M), np.float32)
    monkeypatch.setattr(markings, "_mark", lambda rng: metre)
    image, class_ids = frame()
    class_ids[90:] = StreetClass.ROAD
    ratios = []
    for seed in range(60):
        _, ids = paint_markings(image, class_ids, CAMERA, STREET_CLASSES, np.random.default_rng(seed))
        line = (ids == StreetClass.ROAD_LINE).astype(np.uint8)
        assert not line[:92].any(), "painted in the sky"
        _, labels, stats, _ = cv2.connectedComponentsWithStats(line)
        for number, (left, top, width, height, _) in enumerate(stats[1:], 1):
            if left > 2 and left + width < 318 and top + height < 178 and height >= 5:
                row = top + height // 2
                ratios.append(np.count_nonzero(labels[row] == number) / ((row - 90) / CAMERA.camera_height_m))
    assert len(ratios) > 15
    assert np.median(ratios) == pytest.approx(1.0, abs=0.1)


def test_patches_are_road(monkeypatch):
    monkeypatch.setattr(markings, "_PATCH_SHARE", 1.0)
    image, class_ids = frame()
    brighter = darker = 0
    for seed in range(20):
        new_image, ids = paint_markings(image, class_ids, CAMERA, STREET_CLASSES, np.random.default_rng(seed))
        assert (ids == class_ids).all()
        assert (new_image[class_ids != StreetClass.ROAD] == 90).all()
        darker += new_image.min() < 85
        brighter += new_image.max() > 95
    assert darker > 10 and 0 < brighter < darker


def test_classes_without_lines_keep_the_label_of_the_road():
    road = CITYSCAPES_CLASSES.names.index("road")
    changed = 0
    for seed in range(20):
        before, class_ids = frame(road)
        image, ids = painted(seed, CITYSCAPES_CLASSES, road)
        assert (ids == class_ids).all()
        changed += (image != before).any()
    assert changed > 10


def test_frames_and_classes_without_a_road_come_back_as_they_are():
    image, class_ids = frame(StreetClass.SIDEWALK)
    assert paint_markings(image, class_ids, CAMERA, STREET_CLASSES, np.random.default_rng(0))[0] is image
    indoors = ClassSet("indoors", ("floor", "wall"), ((0, 0, 0), (1, 1, 1)))
    assert paint_markings(image, class_ids, CAMERA, indoors, np.random.default_rng(0))[1] is class_ids


@pytest.mark.parametrize("seed", range(3))
def test_equal_generators_paint_alike(seed):
    first, second = painted(seed), painted(seed)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
