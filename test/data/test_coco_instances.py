"""Objects cut from photographs by annotations in COCO's format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ros_anomaly.data.coco_instances import CocoInstances
from ros_anomaly.data.coco_masks import decode_mask
from ros_anomaly.data.datasets.errors import DatasetError

SIZE = (60, 90)


def runs_of(mask: np.ndarray) -> list[int]:
    """Run lengths down the columns, beginning with what is outside."""
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return runs if flat[0] == 0 else [0, *runs]


def packed(runs: list[int]) -> str:
    """The text form, written after its description: differences from the fourth on, five bits a character."""
    text = ""
    for number, run in enumerate(runs):
        value = run - runs[number - 2] if number > 2 else run
        while True:
            bits, value = value & 0x1F, value >> 5
            done = value == (-1 if bits & 0x10 else 0)
            text += chr(48 + bits + (0 if done else 0x20))
            if done:
                break
    return text


def disc() -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (40, 30), 17, 1, -1)
    return mask.astype(bool)


@pytest.mark.parametrize("mask", [disc(), ~disc(), np.zeros(SIZE, bool), np.ones(SIZE, bool)])
def test_run_lengths_plain_and_packed(mask):
    runs = runs_of(mask)
    for counts in (runs, packed(runs)):
        np.testing.assert_array_equal(decode_mask({"size": list(SIZE), "counts": counts}, SIZE), mask)


def test_packed_text_of_the_reference_implementation():
    """As pycocotools writes a 3x3 picture whose middle pixel is set: runs 4, 1, 4."""
    assert packed([4, 1, 4]) == "414"
    mask = decode_mask({"size": [3, 3], "counts": "414"}, (3, 3))
    assert np.argwhere(mask).tolist() == [[1, 1]]


def test_polygons_cover_their_inside():
    mask = decode_mask([[10, 5, 30, 5, 30, 25, 10, 25], [50, 40, 60, 40, 60, 50]], SIZE)
    assert mask[6:24, 11:29].all()
    assert not mask[:4].any() and not mask[:, 32:49].any()
    assert mask[44, 58] and not mask[49, 52]


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4]], "polygons of three or more corners, found 4"),
        ({"size": [60, 90], "counts": [5, 5]}, "a sum of 5400, found 10"),
        ({"size": [6, 9], "counts": [54]}, r"run lengths of \[60, 90\], found \[6, 9\]"),
        ({"size": [60, 90], "counts": "4\n"}, "the character"),
        ({"size": [60, 90], "counts": "P"}, "ends within a number"),
        ("text", "polygons or run lengths, found str"),
    ],
)
def test_broken_masks_are_named(segmentation, message):
    with pytest.raises(ValueError, match=message):
        decode_mask(segmentation, SIZE)


def annotations(folder: Path, **changes: Any) -> Path:
    """One photograph with a dog (polygon), a person, a crowd of dogs, a small dog and a sofa (run lengths)."""
    photo = np.zeros((*SIZE, 3), np.uint8)
    photo[..., 0] = 200
    cv2.imwrite(str(folder / "photo.png"), photo[..., ::-1])
    polygon = [[20, 10, 70, 10, 70, 50, 20, 50]]
    objects = [
        {"id": 7, "category_id": 1, "bbox": [20, 10, 50, 40], "segmentation": polygon},
        {"id": 8, "category_id": 2, "bbox": [20, 10, 50, 40], "segmentation": polygon},
        {"id": 9, "category_id": 1, "bbox": [0, 0, 90, 60], "iscrowd": 1, "segmentation": polygon},
        {"id": 10, "category_id": 1, "bbox": [0, 0, 9, 9], "segmentation": polygon},
        {
            "id": 11,
            "category_id": 3,
            "bbox": [23, 13, 35, 35],
            "segmentation": {"size": list(SIZE), "counts": runs_of(disc())},
        },
    ]
    content = {
        "images": [{"id": 1, "file_name": "photo.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "person"}, {"id": 3, "name": "sofa"}],
        "annotations": [{"image_id": 1, **entry} for entry in objects],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps({**content, **changes}))
    return path


def test_objects_of_the_wanted_categories_are_cut_out(tmp_path):
    instances = CocoInstances(annotations(tmp_path), tmp_path, exclude=["person"], min_side_px=20)
    assert [(instances[i].name, instances[i].info["object"]) for i in range(len(instances))] == [
        ("7", "dog"),
        ("11", "sofa"),
    ]
    assert instances[1].rgba.shape == (35, 35, 4)
    assert (instances[1].rgba[..., 0] == 200).all()
    assert (instances[1].rgba[..., 3] > 0).sum() == disc().sum()
    assert len(CocoInstances(annotations(tmp_path), tmp_path, include=["sofa"], min_side_px=20)) == 1


def test_what_is_wrong_is_named(tmp_path):
    path = annotations(tmp_path)
    with pytest.raises(DatasetError, match="expected categories of dog, person, sofa; found cat"):
        CocoInstances(path, tmp_path, exclude=["cat"])
    with pytest.raises(DatasetError, match="expected objects of 500 px or more in 3 of 3 categories, found none"):
        CocoInstances(path, tmp_path, min_side_px=500)
    with pytest.raises(DatasetError, match="expected a folder of pictures, found no folder"):
        CocoInstances(path, tmp_path / "none")
    with pytest.raises(DatasetError, match=r"none\.json: expected annotations, found"):
        CocoInstances(tmp_path / "none.json", tmp_path)
    with pytest.raises(DatasetError, match="in COCO's format, found KeyError"):
        CocoInstances(annotations(tmp_path, images=[{"id": 1}]), tmp_path)
    wrong_size = [{"id": 1, "file_name": "photo.png", "height": 9, "width": 9}]
    with pytest.raises(DatasetError, match=r"photo\.png: expected \[9, 9\] .* found \[60, 90\]"):
        CocoInstances(annotations(tmp_path, images=wrong_size), tmp_path)[0]
    path.write_text("[]")
    with pytest.raises(DatasetError, match="expected a JSON object of annotations, found list"):
        CocoInstances(path, tmp_path)
    path.write_text("{}")
    with pytest.raises(DatasetError, match="found no images, annotations, categories"):
        CocoInstances(path, tmp_path)
