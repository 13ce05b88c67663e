"""What is wrong with a data set is said: in which folder or file, what was expected and what is there."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import cv2
import dataset_trees as trees
import numpy as np
import pytest

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.registry import DATASETS, open_dataset
from ros_anomaly.data.frame_store import FrameStoreWriter
from ros_anomaly.data.frames import LabelKind

# data set -> the folder that is looked for first
LOOKED_FOR = {
    "streethazards": "test/images/test",
    "bdd-anomaly": "seg/images/train",
    "fishyscapes-lostandfound": "fishyscapes_lostandfound",
    "fishyscapes-static": "fs_val_v3",
    "smiyc-anomaly": "dataset_AnomalyTrack/images",
    "smiyc-obstacle": "dataset_ObstacleTrack/images",
    "road-anomaly": "RoadAnomaly_jpg",
    "lost-and-found": "leftImg8bit/test",
    "cityscapes": "leftImg8bit/val",
    "recorded-streets": "store.json or a folder test or train",
    "folder": "images",
}


def open_any(name: str, root: Path, **arguments):
    kind = LabelKind.ANOMALY_MASK if name == "folder" else None
    return open_dataset(name, root, label_kind=kind, **arguments)


def mask_folder(root: Path, **arguments):
    return open_dataset("folder", root, label_kind=LabelKind.ANOMALY_MASK, **arguments)


@pytest.mark.parametrize("name", DATASETS)
def test_a_wrong_folder_is_told_what_was_looked_for_and_what_is_there(tmp_path, name):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DatasetError, match=f"{re.escape(LOOKED_FOR[name])} in .*, found holiday/, readme.txt"):
        open_any(name, tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_a_folder_that_is_not_there(tmp_path, name):
    with pytest.raises(DatasetError, match=f"{name}: expected a folder with .*, found no folder .*nowhere"):
        open_any(name, tmp_path / "nowhere")


def test_the_folder_is_told_where_the_way_ends(tmp_path):
    trees.road_anomaly(tmp_path)
    inner = tmp_path / "RoadAnomaly_jpg"
    with pytest.raises(DatasetError, match=r"folder RoadAnomaly_jpg in .*, found frame_list.json, frames/$"):
        open_dataset("road-anomaly", inner)
    (inner / "frames").rename(inner / "pictures")
    with pytest.raises(DatasetError, match=r"folder frames in .*, found frame_list.json, pictures/$"):
        open_dataset("road-anomaly", tmp_path)
    for number in range(30):
        (tmp_path / f"dataset_AnomalyTrack/part_{number}").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"found part_0/, part_1/, .*, part_4/, … \(30 in all\) in dataset_Anomaly"):
        open_dataset("smiyc-anomaly", tmp_path)


@pytest.mark.parametrize(
    ("name", "folders", "message"),
    [
        ("bdd-anomaly", ["seg/images/train", "seg/train_labels/train"], "expected the folder seg/images/val"),
        ("smiyc-anomaly", ["dataset_AnomalyTrack/images", "dataset_AnomalyTrack/labels_masks"], "expected frames"),
        ("streethazards", ["test/images/test", "test/annotations/test"], "expected frames of streethazards"),
        ("cityscapes", ["leftImg8bit/val", "gtFine/val"], "<place>/<frame>_leftImg8bit.png, found nothing"),
        ("fishyscapes-static", ["fs_val_v3"], "NNNN_<frame>_labels.png, found nothing"),
        ("folder", ["images", "masks"], "expected masks <frame>.png, found nothing"),
    ],
)
def test_empty_folders_of_the_right_names(tmp_path, name, folders, message):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(DatasetError, match=message):
        open_any(name, tmp_path)


def test_a_folder_of_pictures_without_one_whole_pair(tmp_path):
    trees.write_picture(tmp_path / "images/a.png", 1)
    trees.write_label(tmp_path / "masks/a_mask.png", [0])
    with pytest.raises(DatasetError, match="2 missing: label of images/a.png, picture of masks/a_mask.png$"):
        mask_folder(tmp_path)
    with pytest.raises(DatasetError, match="expected frames of folder, found none"):
        mask_folder(tmp_path, allow_missing=True)


def test_missing_pairs_are_listed_and_counted(tmp_path):
    trees.image_folder(tmp_path)
    for number in range(7):
        trees.write_picture(tmp_path / f"images/more_{number}.png", number)
    trees.write_label(tmp_path / "masks/alone.png", [0])
    with pytest.raises(
        DatasetError, match=r"found 8 missing: picture of masks/alone.png, label of images/more_0.png, .*more_3.png, …$"
    ):
        mask_folder(tmp_path)
    source = mask_folder(tmp_path, allow_missing=True)
    assert source.names == ("a", "b", "near_c")
    assert len(source.missing) == 8 and source.missing[0] == "picture of masks/alone.png"


@pytest.mark.parametrize(
    ("name", "build", "gone", "told"),
    [
        ("streethazards", trees.street_hazards, "test/images/test/t5/2.png", "picture of test/annotations/test/t5/2"),
        ("bdd-anomaly", trees.bdd_anomaly, "seg/train_labels/val/d_train_id.png", "label of seg/images/val/d.jpg"),
        ("bdd-anomaly", lambda r: trees.bdd_anomaly(r, True), "seg/images/val/d.jpg", "seg/images/val/d.jpg"),
        ("road-anomaly", trees.road_anomaly, "RoadAnomaly_jpg/frames/zebra_2.5m.jpg", "picture of frames/zebra_2.5m"),
        (
            "smiyc-obstacle",
            lambda r: trees.smiyc(r, "ObstacleTrack", ".webp"),
            "dataset_ObstacleTrack/labels_masks/validation_2_labels_semantic.png",
            "label of images/validation_2.webp",
        ),
    ],
)
def test_a_missing_file_is_named_and_may_be_left_out(tmp_path, name, build, gone, told):
    build(tmp_path)
    whole = open_dataset(name, tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(DatasetError, match=f"found 1 missing: .*{re.escape(told)}"):
        open_dataset(name, tmp_path)
    source = open_dataset(name, tmp_path, allow_missing=True)
    assert len(source) == len(whole) - 1 and len(source.missing) == 1 and told in source.missing[0]
    with pytest.raises(DatasetError, match="found No such file"):
        list(whole)
    with pytest.raises(DatasetError, match="expected a file"):
        assert whole.fingerprint


def test_missing_pictures_and_overlays_of_fishyscapes(tmp_path):
    trees.cityscapes(tmp_path)
    trees.fishyscapes_static(tmp_path)
    (tmp_path / f"fs_val_v3/0007_{trees.CITY_FRAME}_rgb.npz").unlink()
    with pytest.raises(DatasetError, match=f"1 missing: 0007_{trees.CITY_FRAME}_rgb.npz"):
        open_dataset("fishyscapes-static", tmp_path)
    (tmp_path / f"leftImg8bit/val/frankfurt/{trees.CITY_FRAME}_leftImg8bit.png").unlink()
    with pytest.raises(DatasetError, match=f"1 missing: leftImg8bit/val/frankfurt/{trees.CITY_FRAME}_leftImg8bit.png"):
        open_dataset("fishyscapes-static", tmp_path, "v2")
    with pytest.raises(DatasetError, match="expected frames of fishyscapes-static"):
        open_dataset("fishyscapes-static", tmp_path, "v2", allow_missing=True)
    trees.write_label(tmp_path / "fs_val_v1/strange_labels.png", [0])
    with pytest.raises(DatasetError, match="expected a name NNNN_<place>_.*found strange_labels.png"):
        open_dataset("fishyscapes-static", tmp_path, "v1")


def test_a_listed_frame_that_is_not_there(tmp_path):
    trees.road_anomaly(tmp_path)
    listing = trees.write_json(tmp_path / "RoadAnomaly_jpg/frame_list.json", ["animals01_Place.jpg", "owl.jpg"])
    with pytest.raises(DatasetError, match="found 1 missing: frame owl of frame_list.json"):
        open_dataset("road-anomaly", tmp_path)
    assert open_dataset("road-anomaly", tmp_path, allow_missing=True).missing == ("frame owl of frame_list.json",)
    for broken in ('{"frames": 3}', "[1, 2]", "not JSON"):
        listing.write_text(broken)
        with pytest.raises(DatasetError, match=r"frame_list\.json: expected a JSON list of frame names"):
            open_dataset("road-anomaly", tmp_path)


@pytest.mark.parametrize("broken", ["[1]", "{}{}", '[{"fpath_img": "a.jpg"}]', "3"])
def test_a_broken_odgt_list(tmp_path, broken):
    trees.bdd_anomaly(tmp_path, lists=True)
    (tmp_path / "anom.odgt").write_text(broken)
    with pytest.raises(DatasetError, match=r"anom\.odgt: expected one JSON list with fpath_img and fpath_segm"):
        open_dataset("bdd-anomaly", tmp_path)


def test_a_label_of_another_size(tmp_path):
    trees.image_folder(tmp_path)
    trees.write_label(tmp_path / "masks/b.png", [0, 1], (9, 12))
    source = mask_folder(tmp_path)
    assert source[0].name == "a"
    with pytest.raises(DatasetError, match=r"masks/b\.png: expected a label of 8 x 12 .* b\.jpg, found 9 x 12"):
        source[1]


@pytest.mark.parametrize(
    ("frame", "content"),
    [("a.png", b"no picture"), ("a.png", b""), ("a.png", None), ("b.jpg", None), ("near/c.webp", None)],
    ids=["text", "empty", "half a PNG", "half a JPEG", "half a WebP"],
)
def test_an_unreadable_picture(tmp_path, frame, content):
    trees.image_folder(tmp_path)
    path = tmp_path / "images" / frame
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with pytest.raises(DatasetError, match=rf"{frame}: expected a whole picture .*, found {path.stat().st_size} bytes"):
        list(mask_folder(tmp_path))


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (np.zeros((8, 12, 3), np.uint8), "a PNG of colours, 8 bits"),
        (np.zeros((8, 12), np.uint16), "a PNG of grey, 16 bits"),
    ],
    ids=["colours", "16 bits"],
)
def test_a_label_that_holds_no_ids(tmp_path, label, found):
    trees.image_folder(tmp_path)
    cv2.imwrite(str(tmp_path / "masks/a.png"), label)
    with pytest.raises(DatasetError, match=rf"masks/a\.png: expected a label of one 8-bit channel, found {found}"):
        mask_folder(tmp_path)[0]


def write_png(path: Path, rows: np.ndarray, depth: int, colour_type: int) -> None:
    """A PNG of packed samples, uint8 [H, bytes a row], by the bare format: no library here writes every depth."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", rows.shape[1] * 8 // depth, len(rows), depth, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(6))) if colour_type == 3 else b""
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    path.write_bytes(start + palette + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


@pytest.mark.parametrize(
    ("depth", "colour_type", "kind"), [(1, 0, "grey"), (2, 0, "grey"), (4, 0, "grey"), (8, 3, "a palette")]
)
def test_a_label_whose_values_decoding_would_change(tmp_path, depth, colour_type, kind):
    trees.image_folder(tmp_path)
    write_png(tmp_path / "masks/a.png", np.zeros((8, 12 * depth // 8 or 1), np.uint8), depth, colour_type)
    with pytest.raises(DatasetError, match=rf"a\.png: expected a label of one .*, found a PNG of {kind}, {depth} bits"):
        mask_folder(tmp_path)


def test_masks_that_mean_anomaly_by_255_are_refused_and_those_without_any_are_not(tmp_path):
    trees.image_folder(tmp_path, [0, 255])
    with pytest.raises(
        DatasetError, match=r"masks: expected .*1 \(anomaly\) and 255 \(void\), found 255 and not one 1 in 3"
    ):
        mask_folder(tmp_path)
    trees.write_label(tmp_path / "masks/near/c.png", [0, 1])
    assert len(mask_folder(tmp_path)) == 3
    trees.image_folder(tmp_path, [0])
    assert len(mask_folder(tmp_path)) == 3


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (LabelKind.ANOMALY_MASK, [0, 1, 13], r"expected label values 0, 1 or 255 .*; found 13 \(32 px\)$"),
        (LabelKind.CLASS_IDS, [0, 14, 254], r".* 0 to 13 or 255 .*; found 14 \(32 px\), 254 \(32 px\)$"),
        (
            LabelKind.ANOMALY_MASK,
            list(range(12)),
            r".*found 2 \(8 px\), 3 \(8 px\), 4 \(8 px\), 5 \(8 px\), 6 \(8 px\), …$",
        ),
    ],
)
def test_unknown_label_values(tmp_path, kind, values, message):
    trees.image_folder(tmp_path, values)
    with pytest.raises(DatasetError, match=r"masks/a\.png: " + message):
        open_dataset("folder", tmp_path, label_kind=kind)[0]


def test_bdd_labels_that_were_never_shifted_are_refused(tmp_path):
    trees.bdd_anomaly(tmp_path)
    trees.write_label(tmp_path / "seg/train_labels/train/a_train_id.png", [0, 255])
    with pytest.raises(DatasetError, match=r"a_train_id\.png: .* 1 to 20 .*; found 0 \(48 px\), 255 \(48 px\)"):
        open_dataset("bdd-anomaly", tmp_path)


@pytest.mark.parametrize(
    ("difference", "message"),
    [
        (np.zeros((8, 12)), r"expected numbers of \[8, 12, 3\], found float64 \[8, 12\]"),
        (np.full((8, 12, 3), np.nan), "expected finite values"),
        (np.full((8, 12, 3), "x"), "expected numbers of"),
    ],
)
def test_an_overlay_that_does_not_fit(tmp_path, difference, message):
    trees.cityscapes(tmp_path)
    trees.fishyscapes_static(tmp_path, difference)
    with pytest.raises(DatasetError, match=rf"_rgb\.npz: {message}"):
        open_dataset("fishyscapes-static", tmp_path)[0]


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut off", b"text", None], ids=["empty", "zip", "text", "other key"]
)
def test_an_overlay_that_is_none(tmp_path, content):
    trees.cityscapes(tmp_path)
    trees.fishyscapes_static(tmp_path)
    path = tmp_path / f"fs_val_v3/0007_{trees.CITY_FRAME}_rgb.npz"
    if content is None:
        np.savez(path, picture=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"_rgb\.npz: expected an npz file with the array 'rgb'"):
        open_dataset("fishyscapes-static", tmp_path)[0]


def test_two_files_of_one_frame(tmp_path):
    trees.image_folder(tmp_path)
    trees.write_picture(tmp_path / "images/a.jpg", 4)
    with pytest.raises(DatasetError, match=r"images: expected one file a frame, found a.jpg and a.png"):
        mask_folder(tmp_path)
    (tmp_path / "images/a.jpg").unlink()
    for folder in ("images", "masks"):
        trees.write_label(tmp_path / folder / "near_c.png", [0])
    with pytest.raises(DatasetError, match="expected a frame name of its own, found 'near_c'"):
        mask_folder(tmp_path)


def test_a_broken_frame_store(tmp_path):
    FrameStoreWriter(tmp_path, (6, 10))
    with pytest.raises(DatasetError, match="expected a frame store with complete shards, found store.json"):
        open_dataset("recorded-streets", tmp_path)
    with pytest.raises(DatasetError, match="expected no split for a frame store, found 'test'"):
        open_dataset("recorded-streets", tmp_path, "test")
    (tmp_path / "shard").mkdir()
    trees.write_json(tmp_path / "shard/shard.json", {"frames": 1, "instances": False})
    with pytest.raises(DatasetError, match="expected a frame store, found .*images.npy"):
        open_dataset("recorded-streets", tmp_path)
    for content in ("{}", "[", '{"format": 1}'):
        (tmp_path / "store.json").write_text(content)
        with pytest.raises(DatasetError, match="expected a frame store, found"):
            open_dataset("recorded-streets", tmp_path)


def test_a_tree_has_no_split_all(tmp_path):
    trees.street_hazards(tmp_path)
    with pytest.raises(DatasetError, match="expected one of the splits test, validation, train, found 'all'"):
        open_dataset("recorded-streets", tmp_path, "all")
