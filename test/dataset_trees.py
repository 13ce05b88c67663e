"""Writes small trees in the layouts of the data sets; every picture has a colour of its own, so pairs can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

SIZE = (8, 12)


def colour(number: int) -> tuple[int, int, int]:
    """RGB of picture ``number``, far enough apart for JPEG."""
    return (16 * number % 256, 100, 255 - 16 * number % 256)


def write_picture(path: Path, number: int, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = np.full((*size, 3), colour(number)[::-1], np.uint8)
    # Only a PNG keeps colours as they are, so the others are written without subsampling.
    options = [cv2.IMWRITE_JPEG_QUALITY, 100] if path.suffix == ".jpg" else []
    assert cv2.imwrite(str(path), bgr, options)
    return path


def write_label(path: Path, values: Sequence[int], size: tuple[int, int] = SIZE) -> Path:
    """Vertical stripes of ``values`` from left to right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), stripes(values, size))
    return path


def stripes(values: Sequence[int], size: tuple[int, int] = SIZE) -> np.ndarray:
    columns = np.arange(size[1]) * len(values) // size[1]
    return np.broadcast_to(np.array(values, np.uint8)[columns], size).copy()


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def street_hazards(root: Path) -> None:
    frames = {"train/{}/training/t1": 1, "train/{}/validation/t4": 2, "test/{}/test/t5": 3, "test/{}/test/t6": 6}
    for folder, number in frames.items():
        for offset, frame in enumerate((10, 2) if number == 3 else (1,)):
            write_picture(root / folder.format("images") / f"{frame}.png", number + offset)
            write_label(root / folder.format("annotations") / f"{frame}.png", [1, 8, 14, 0])


def bdd_anomaly(root: Path, lists: bool = False) -> None:
    frames = {"train/a": [2, 15], "train/b": [12, 19], "val/c": [1, 2], "val/d": [3, 20]}
    for number, (frame, values) in enumerate(frames.items()):
        write_picture(root / f"seg/images/{frame}.jpg", number)
        write_label(root / f"seg/train_labels/{frame}_train_id.png", values)
    if lists:
        for name, own in {"train": "train/a", "validation": "val/c", "anom": "train/b val/d"}.items():
            entries = [
                {"fpath_img": f"seg/images/{f}.jpg", "fpath_segm": f"seg/train_labels/{f}_train_id.png"}
                for f in own.split()
            ]
            write_json(root / f"{name}.odgt", entries)


LOST_AND_FOUND_FRAMES = {
    "train": ("01_Hanns_Klemm_Str_45_000000_000010", "01_Hanns_Klemm_Str_45_000001_000020"),
    "test": ("04_Maurener_Weg_8_000000_000030",),
}


def lost_and_found(root: Path, labels: bool = True) -> None:
    number = 0
    for split, frames in LOST_AND_FOUND_FRAMES.items():
        for frame in frames:
            place = frame[:-14]
            write_picture(root / f"leftImg8bit/{split}/{place}/{frame}_leftImg8bit.png", number)
            if labels:
                write_label(root / f"gtCoarse/{split}/{place}/{frame}_gtCoarse_labelIds.png", [0, 1, 2, 43])
                write_label(root / f"gtCoarse/{split}/{place}/{frame}_gtCoarse_color.png", [9])
            number += 1


def fishyscapes_lost_and_found(root: Path) -> None:
    """Labels only: one frame of the test sequences, one of the training sequences."""
    for number, frame in enumerate((LOST_AND_FOUND_FRAMES["test"][0], LOST_AND_FOUND_FRAMES["train"][1])):
        write_label(root / f"fishyscapes_lostandfound/{number:04d}_{frame}_labels.png", [0, 1, 255])


CITY_FRAME = "frankfurt_000000_000294"


def cityscapes(root: Path) -> None:
    for split, place, frame in (("val", "frankfurt", CITY_FRAME), ("train", "aachen", "aachen_000000_000019")):
        write_picture(root / f"leftImg8bit/{split}/{place}/{frame}_leftImg8bit.png", 3)
        write_label(root / f"gtFine/{split}/{place}/{frame}_gtFine_labelIds.png", [7, 23, 33, 0])
        write_label(root / f"gtFine/{split}/{place}/{frame}_gtFine_labelTrainIds.png", [99])


def fishyscapes_static(root: Path, difference: np.ndarray | None = None, versions: Sequence[int] = (1, 2, 3)) -> None:
    for version in versions:
        stem = root / f"fs_val_v{version}/0007_{CITY_FRAME}"
        write_label(stem.with_name(stem.name + "_labels.png"), [0, 1, 255])
        added = np.full((*SIZE, 3), version, np.int16) if difference is None else difference
        np.savez_compressed(str(stem) + "_rgb.npz", rgb=added)


def smiyc(root: Path, track: str, suffix: str) -> None:
    folder = root / f"dataset_{track}"
    for number in (1, 2):
        frame = f"validation_{number}"
        write_picture(folder / f"images/{frame}{suffix}", number)
        write_label(folder / f"labels_masks/{frame}_labels_semantic.png", [0, 1, 255])
        write_picture(folder / f"labels_masks/{frame}_labels_semantic_color.png", number)
    write_picture(folder / f"images/test_1{suffix}", 9)


def road_anomaly(root: Path, listed: bool = True) -> None:
    folder = root / "RoadAnomaly_jpg"
    for number, frame in enumerate(("animals01_Place", "zebra_2.5m")):
        write_picture(folder / f"frames/{frame}.jpg", number + 1)
        write_label(folder / f"frames/{frame}.labels/labels_semantic.png", [0, 2])
        write_picture(folder / f"frames/{frame}.labels/labels_semantic_color.png", number)
    if listed:
        write_json(folder / "frame_list.json", ["animals01_Place.jpg", "zebra_2.5m.jpg"])


def image_folder(root: Path, values: Sequence[int] = (0, 1, 255)) -> None:
    for number, frame in enumerate(("a.png", "b.jpg", "near/c.webp")):
        write_picture(root / "images" / frame, number + 1)
        write_label((root / "masks" / frame).with_suffix(".png"), values)
