"""Drives as a tree in the layout of StreetHazards."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ros_anomaly.data.datasets.registry import open_dataset
from ros_anomaly.data.labels import ANOMALY_ID, VOID_ID
from ros_anomaly.data.street_tree import StreetTreeWriter

IMAGE = np.dstack([np.full((4, 6), value, np.uint8) for value in (10, 20, 30)])
LABELS = np.array([[0, 7, ANOMALY_ID, VOID_ID, 1, 2]] * 4, np.uint8)


def add(root: Path, drive: str, split: str = "test", frames: int = 2, **options) -> None:
    with StreetTreeWriter(root, split, drive, **options) as tree:
        for index in range(frames):
            tree.add(f"{index:06d}", IMAGE, LABELS)


def picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Pixels of a picture that is there, as OpenCV has them: BGR, or grey."""
    pixels = cv2.imread(str(path), flags)
    assert pixels is not None, path
    return pixels


@pytest.mark.parametrize(
    ("split", "folder", "listing"),
    [
        ("train", "train/{}/training", "train/train.odgt"),
        ("validation", "train/{}/validation", "train/validation.odgt"),
        ("test", "test/{}/test", "test/test.odgt"),
    ],
)
def test_layout_ids_and_listing(tmp_path: Path, split: str, folder: str, listing: str):
    add(tmp_path, "town5", split)
    image = picture(tmp_path / folder.format("images") / "town5/000001.png")
    assert np.array_equal(image[..., ::-1], IMAGE)
    stored = picture(tmp_path / folder.format("annotations") / "town5/000001.png", cv2.IMREAD_UNCHANGED)
    assert np.array_equal(stored[0], [1, 8, 14, 0, 2, 3])  # ids + 1, void 0
    (line,) = (tmp_path / listing).read_text().splitlines()
    entries = json.loads(line)
    assert [(entry["width"], entry["height"]) for entry in entries] == [(6, 4)] * 2
    for entry in entries:
        assert (tmp_path / listing).parent.joinpath(entry["fpath_img"]).is_file()
        assert (tmp_path / listing).parent.joinpath(entry["fpath_segm"]).is_file()


def test_drives_add_up_and_one_can_be_replaced(tmp_path: Path):
    add(tmp_path, "b")
    add(tmp_path, "a", frames=1)
    with pytest.raises(FileExistsError, match="no drive named b"):
        add(tmp_path, "b")
    add(tmp_path, "b", frames=3, overwrite=True)
    entries = json.loads((tmp_path / "test/test.odgt").read_text())
    assert [entry["fpath_img"].split("/")[-2] for entry in entries] == ["a", "b", "b", "b"]
    assert len(list(tmp_path.rglob("*.png"))) == 8


def test_a_drive_that_fails_leaves_the_tree_as_it_was(tmp_path: Path):
    add(tmp_path, "a")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="expected uint8"):
        with StreetTreeWriter(tmp_path, "test", "b") as tree:
            tree.add("000000", IMAGE, LABELS)
            tree.add("000001", IMAGE, LABELS[:2])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("split", "drive", "told"), [("tset", "a", "train, validation, test"), ("test", "../a", "plain folder name")]
)
def test_bad_names_are_told(tmp_path: Path, split: str, drive: str, told: str):
    with pytest.raises(ValueError, match=told):
        StreetTreeWriter(tmp_path, split, drive)


def test_the_reader_gives_back_what_was_written(tmp_path: Path):
    add(tmp_path, "town5", "validation")
    source = open_dataset("recorded-streets", tmp_path, split="validation")
    assert source.names == ("town5_000000", "town5_000001") and not source.missing
    frame = source[1]
    assert np.array_equal(frame.image, IMAGE) and np.array_equal(frame.class_ids, LABELS)
