"""Opening by name, the promises of a source, and the tables of classes."""

from __future__ import annotations

import json
from pathlib import Path

import dataset_trees as trees
import numpy as np
import pytest

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import natural_key
from ros_anomaly.data.datasets.label_maps import BDD_ANOMALY, CITYSCAPES, CITYSCAPES_CLASSES
from ros_anomaly.data.datasets.registry import DATASETS, dataset_info, open_dataset
from ros_anomaly.data.frames import LabelKind
from ros_anomaly.data.labels import ANOMALY_ID, INLIER_ID, VOID_ID, StreetClass, anomaly_labels


def test_unknown_names_list_the_legal_ones():
    with pytest.raises(DatasetError, match="expected one of streethazards, bdd-anomaly, .*, folder; found 'kitti'"):
        open_dataset("kitti", ".")
    assert dataset_info("smiyc-anomaly").convention == "smiyc-anomaly"


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("cityscapes", "test", "cityscapes: expected the split one of validation, train, found 'test'"),
        ("folder", "test", r"folder: expected the split to be left out \(there are none\), found 'test'"),
    ],
)
def test_unknown_splits_list_the_legal_ones(tmp_path, name, split, message):
    with pytest.raises(DatasetError, match=message):
        open_dataset(name, tmp_path, split)


def test_what_masks_hold_is_never_guessed(tmp_path):
    trees.image_folder(tmp_path)
    with pytest.raises(DatasetError, match="what the masks hold .class-ids or anomaly-mask., found nothing said"):
        open_dataset("folder", tmp_path)
    with pytest.raises(ValueError, match="label kind: expected one of class-ids, anomaly-mask; found 'mask'"):
        LabelKind("mask")
    trees.road_anomaly(tmp_path)
    with pytest.raises(
        DatasetError, match="road-anomaly: expected no other label kind than its own, found 'class-ids'"
    ):
        open_dataset("road-anomaly", tmp_path, label_kind=LabelKind.CLASS_IDS)
    assert len(open_dataset("road-anomaly", tmp_path, label_kind=LabelKind.ANOMALY_MASK)) == 2


def test_another_root_for_pictures_is_refused_where_it_means_nothing(tmp_path):
    trees.road_anomaly(tmp_path)
    with pytest.raises(DatasetError, match="road-anomaly: expected the pictures in its root, found another root"):
        open_dataset("road-anomaly", tmp_path, images=tmp_path)


def test_frames_are_read_again_and_again_and_one_by_one(tmp_path):
    trees.image_folder(tmp_path)
    source = open_dataset("folder", tmp_path, label_kind=LabelKind.ANOMALY_MASK)
    first, second = list(source), list(source)
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        alone = source[index]
        assert a.name == b.name == alone.name == source.names[index]
        assert np.array_equal(a.image, b.image) and np.array_equal(a.class_ids, alone.class_ids)
        assert a.image.flags.writeable and a.image.flags.c_contiguous
        assert json.loads(json.dumps(a.info)) == {"dataset": "folder", "split": ""}
    for outside in (-1, 3):
        with pytest.raises(IndexError, match=f"frame {outside} of a data set of 3 frames"):
            source[outside]


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path):
    trees.image_folder(tmp_path)
    for path in (*tmp_path.glob("images/b.jpg"), *tmp_path.glob("masks/near/*.png")):
        path.write_bytes(b"broken")
    source = open_dataset("folder", tmp_path, label_kind=LabelKind.ANOMALY_MASK)
    assert source.names == ("a", "b", "near_c") and source[0].name == "a" and len(source.fingerprint) == 64


def test_fingerprint_follows_the_files(tmp_path):
    trees.image_folder(tmp_path)

    def fingerprint() -> str:
        return open_dataset("folder", tmp_path, label_kind=LabelKind.ANOMALY_MASK).fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    seen.append(open_dataset("folder", tmp_path, label_kind=LabelKind.CLASS_IDS).fingerprint)
    trees.write_label(tmp_path / "masks/a.png", [1, 0, 255])
    seen.append(fingerprint())
    for folder in ("images", "masks"):
        (tmp_path / folder / "a.png").rename(tmp_path / folder / "d.png")
    seen.append(fingerprint())
    assert len(set(seen)) == 4


def test_grey_and_transparent_pictures_become_rgb(tmp_path):
    trees.image_folder(tmp_path)
    import cv2

    cv2.imwrite(str(tmp_path / "images/a.png"), np.full(trees.SIZE, 77, np.uint8))
    (tmp_path / "images/b.jpg").unlink()
    cv2.imwrite(str(tmp_path / "images/b.png"), np.full((*trees.SIZE, 4), (1, 2, 3, 0), np.uint8))
    source = open_dataset("folder", tmp_path, label_kind=LabelKind.ANOMALY_MASK)
    assert source[0].image[0, 0].tolist() == [77, 77, 77]
    assert source[1].image[0, 0].tolist() == [3, 2, 1]


def test_frames_are_in_the_order_of_their_numbers():
    names = ["t10_2", "t2_10", "t2_9", "a", "t2", "10", "9", "t2_09"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "t2", "t2_09", "t2_9", "t2_10", "t10_2"]


def test_cityscapes_classes_by_their_ids():
    ids = np.arange(34, dtype=np.uint8)[None]
    mapped = CITYSCAPES(ids, Path("all.png"))[0]
    named = {label_id: name for name, label_id, _ in CITYSCAPES_CLASSES}
    assert [i for i in range(34) if mapped[i] != VOID_ID] == sorted(named)
    expected = {
        "road": StreetClass.ROAD,
        "sky": StreetClass.BACKGROUND,
        "traffic light": StreetClass.TRAFFIC_SIGN,
        "rider": StreetClass.PEDESTRIAN,
        "bicycle": StreetClass.CAR,
        "wall": StreetClass.WALL,
    }
    assert {name: StreetClass(mapped[i]) for i, name in named.items() if name in expected} == expected
    assert CITYSCAPES(np.array([[255]], np.uint8), Path("plate.png")) == VOID_ID


def test_bdd_ids_are_train_ids_plus_two():
    mapped = BDD_ANOMALY(np.arange(1, 21, dtype=np.uint8)[None], Path("all.png"))[0]
    assert mapped[0] == INLIER_ID
    assert mapped[1:17].tolist() == [int(ours) for _, _, ours in CITYSCAPES_CLASSES[:16]]
    assert mapped[17:].tolist() == [ANOMALY_ID] * 3


def test_labels_of_the_conventions():
    ids = np.array([[0, 12, INLIER_ID, ANOMALY_ID, VOID_ID]], np.uint8)
    assert anomaly_labels(ids).tolist() == [[0, 0, 0, 1, 255]] and anomaly_labels(ids).dtype == np.uint8


@pytest.mark.parametrize("name", DATASETS)
def test_what_is_said_of_a_data_set_fits_itself(name):
    info = DATASETS[name]
    assert info.name == name and info.layout and info.title
    assert set(info.published_frames) <= set(info.splits)
    if info.label_kind is not LabelKind.CLASS_IDS and name != "folder":
        assert info.convention is not None
