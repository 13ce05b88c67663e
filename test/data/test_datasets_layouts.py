"""Every reader on a small tree of its layout: which frames it finds, paired with what, and what the labels become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dataset_trees as trees
import numpy as np
import pytest

from ros_anomaly.data.datasets.registry import DATASETS, open_dataset
from ros_anomaly.data.frame_store import FrameStoreWriter
from ros_anomaly.data.frames import Frame, LabelKind
from ros_anomaly.data.labels import ANOMALY_ID, INLIER_ID, VOID_ID, StreetClass
from ros_anomaly.data.street_tree import StreetTreeWriter

MASK = [INLIER_ID, ANOMALY_ID, VOID_ID]


def build_fishyscapes_lost_and_found(root: Path) -> None:
    trees.lost_and_found(root, labels=False)
    trees.fishyscapes_lost_and_found(root)


def build_fishyscapes_static(root: Path) -> None:
    trees.cityscapes(root)
    trees.fishyscapes_static(root, np.zeros((*trees.SIZE, 3), np.int16))


@dataclass(frozen=True)
class Layout:
    """A tree, and what must be read from it: frame name → number of its picture, and the stripes of every label."""

    dataset: str
    build: Callable[[Path], None]
    split: str | None
    frames: dict[str, int]
    labels: list[int]
    arguments: dict = field(default_factory=dict)


STREET_LABELS = [StreetClass.BACKGROUND, StreetClass.ROAD, ANOMALY_ID, VOID_ID]
LAF = trees.LOST_AND_FOUND_FRAMES
LAF_LABELS = [VOID_ID, INLIER_ID, ANOMALY_ID, ANOMALY_ID]
CITY_LABELS = [StreetClass.ROAD, StreetClass.BACKGROUND, StreetClass.CAR, VOID_ID]
LAYOUTS = [
    Layout("streethazards", trees.street_hazards, None, {"t5_2": 4, "t5_10": 3, "t6_1": 6}, STREET_LABELS),
    Layout("streethazards", trees.street_hazards, "validation", {"t4_1": 2}, STREET_LABELS),
    Layout("streethazards", trees.street_hazards, "train", {"t1_1": 1}, STREET_LABELS),
    Layout("recorded-streets", trees.street_hazards, None, {"t5_2": 4, "t5_10": 3, "t6_1": 6}, STREET_LABELS),
    Layout("recorded-streets", trees.street_hazards, "train", {"t1_1": 1}, STREET_LABELS),
    Layout("bdd-anomaly", trees.bdd_anomaly, "train", {"a": 0}, [StreetClass.ROAD, StreetClass.CAR]),
    Layout("bdd-anomaly", trees.bdd_anomaly, "validation", {"c": 2}, [INLIER_ID, StreetClass.ROAD]),
    Layout(
        "fishyscapes-lostandfound",
        build_fishyscapes_lost_and_found,
        None,
        {f"0000_{LAF['test'][0]}": 2, f"0001_{LAF['train'][1]}": 1},
        MASK,
    ),
    Layout("fishyscapes-static", build_fishyscapes_static, None, {f"0007_{trees.CITY_FRAME}": 3}, MASK),
    Layout("fishyscapes-static", build_fishyscapes_static, "v1", {f"0007_{trees.CITY_FRAME}": 3}, MASK),
    Layout(
        "smiyc-anomaly",
        lambda root: trees.smiyc(root, "AnomalyTrack", ".jpg"),
        None,
        {"validation_1": 1, "validation_2": 2},
        MASK,
    ),
    Layout(
        "smiyc-obstacle",
        lambda root: trees.smiyc(root, "ObstacleTrack", ".webp"),
        None,
        {"validation_1": 1, "validation_2": 2},
        MASK,
    ),
    Layout("road-anomaly", trees.road_anomaly, None, {"animals01_Place": 1, "zebra_2.5m": 2}, [INLIER_ID, ANOMALY_ID]),
    Layout("lost-and-found", trees.lost_and_found, None, {LAF["test"][0]: 2}, LAF_LABELS),
    Layout("lost-and-found", trees.lost_and_found, "train", {LAF["train"][0]: 0, LAF["train"][1]: 1}, LAF_LABELS),
    Layout("cityscapes", trees.cityscapes, None, {trees.CITY_FRAME: 3}, CITY_LABELS),
    Layout("cityscapes", trees.cityscapes, "train", {"aachen_000000_000019": 3}, CITY_LABELS),
    Layout(
        "folder",
        trees.image_folder,
        None,
        {"a": 1, "b": 2, "near_c": 3},
        MASK,
        {"label_kind": LabelKind.ANOMALY_MASK},
    ),
    Layout(
        "folder",
        lambda root: trees.image_folder(root, [0, 1, 13, 255]),
        None,
        {"a": 1, "b": 2, "near_c": 3},
        [StreetClass.BACKGROUND, StreetClass.BUILDING, ANOMALY_ID, VOID_ID],
        {"label_kind": LabelKind.CLASS_IDS},
    ),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.dataset}-{layout.split}")
def test_layout(tmp_path, layout):
    layout.build(tmp_path)
    source = open_dataset(layout.dataset, tmp_path, layout.split, **layout.arguments)
    assert source.name == layout.dataset
    assert source.names == tuple(layout.frames) and len(source) == len(layout.frames)
    assert source.missing == ()
    for frame, number in zip(source, layout.frames.values(), strict=True):
        assert frame.image.dtype == frame.class_ids.dtype == np.uint8
        # WebP and JPEG are off by a few.
        np.testing.assert_allclose(
            frame.image.astype(int), np.broadcast_to(trees.colour(number), (*trees.SIZE, 3)), atol=6
        )
        np.testing.assert_array_equal(frame.class_ids, trees.stripes([int(v) for v in layout.labels]))
    mask_only = {INLIER_ID, ANOMALY_ID, VOID_ID}.issuperset(int(v) for v in layout.labels)
    assert source.label_kind is (LabelKind.ANOMALY_MASK if mask_only else LabelKind.CLASS_IDS)


def test_every_data_set_has_a_layout_here():
    assert {layout.dataset for layout in LAYOUTS} == set(DATASETS)
    assert all(DATASETS[layout.dataset].label_kind is not None or layout.arguments for layout in LAYOUTS)


@pytest.mark.parametrize("lists", [False, True], ids=["labels", "lists"])
def test_bdd_anomaly_holds_out_every_frame_with_an_anomaly(tmp_path, lists):
    trees.bdd_anomaly(tmp_path, lists)
    test = open_dataset("bdd-anomaly", tmp_path, "test")
    assert test.names == ("b", "d")
    np.testing.assert_array_equal(test[0].class_ids, trees.stripes([StreetClass.BACKGROUND, ANOMALY_ID]))
    assert open_dataset("bdd-anomaly", tmp_path, "train").names == ("a",)
    assert open_dataset("bdd-anomaly", tmp_path, "validation").names == ("c",)


def test_pictures_may_lie_in_another_root(tmp_path):
    trees.fishyscapes_lost_and_found(tmp_path / "labels")
    trees.lost_and_found(tmp_path / "pictures")
    source = open_dataset("fishyscapes-lostandfound", tmp_path / "labels", images=tmp_path / "pictures")
    assert tuple(source[0].image[0, 0]) == trees.colour(2)


def test_static_overlay_is_added_and_clipped(tmp_path):
    difference = np.zeros((*trees.SIZE, 3), np.float64)
    difference[0, 0], difference[0, 1], difference[0, 2] = (-300, 300, 10.4), (0.6, -1, 0), (1, 2, 3)
    trees.cityscapes(tmp_path)
    trees.fishyscapes_static(tmp_path, difference)
    image = open_dataset("fishyscapes-static", tmp_path, "v2")[0].image
    red, green, blue = trees.colour(3)
    assert image[0, :4].tolist() == [
        [0, 255, blue + 10],
        [red + 1, green - 1, blue],
        [red + 1, green + 2, blue + 3],
        [red, green, blue],
    ]


def test_static_versions_are_told_apart(tmp_path):
    trees.cityscapes(tmp_path)
    trees.fishyscapes_static(tmp_path)
    reds = [int(open_dataset("fishyscapes-static", tmp_path, split)[0].image[0, 0, 0]) for split in ("v1", "v2", "v3")]
    assert reds == [trees.colour(3)[0] + version for version in (1, 2, 3)]
    assert open_dataset("fishyscapes-static", tmp_path).split == "v3"


def test_road_anomaly_reads_what_is_listed(tmp_path):
    trees.road_anomaly(tmp_path, listed=False)
    assert open_dataset("road-anomaly", tmp_path).names == ("animals01_Place", "zebra_2.5m")
    trees.write_json(tmp_path / "RoadAnomaly_jpg/frame_list.json", ["zebra_2.5m"])
    assert open_dataset("road-anomaly", tmp_path).names == ("zebra_2.5m",)


def frame_of(number: int, height: int = 6, width: int = 10) -> Frame:
    rng = np.random.default_rng(number)
    ids = rng.choice(np.array([0, 7, 12, 13, 255], np.uint8), (height, width))
    instances = rng.integers(0, 900, (height, width), np.uint16)
    image = rng.integers(0, 255, (height, width, 3), np.uint8)
    return Frame(f"frame_{number}", image, ids, instances, info={"weather": "rain"})


def assert_same_pixels(found: Frame, expected: Frame) -> None:
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)


def test_a_recorded_tree_is_read_as_it_was_written(tmp_path):
    frames = [frame_of(number) for number in range(3)]
    with StreetTreeWriter(tmp_path, "test", "drive_2000") as tree:
        for frame in frames:
            tree.add(frame.name, frame.image, frame.class_ids)
    source = open_dataset("recorded-streets", tmp_path)
    assert source.names == ("drive_2000_frame_0", "drive_2000_frame_1", "drive_2000_frame_2")
    assert source[1].info["town"] == "drive_2000"
    for found, expected in zip(source, frames, strict=True):
        assert_same_pixels(found, expected)


def test_a_frame_store_is_a_recorded_street(tmp_path):
    frames = [frame_of(number) for number in range(3)]
    writer = FrameStoreWriter(tmp_path, (6, 10))
    writer.write_shard("town_1", frames[:1])
    first = open_dataset("recorded-streets", tmp_path).fingerprint
    writer.write_shard("town_2", frames[1:])
    source = open_dataset("recorded-streets", tmp_path)
    assert source.names == ("frame_0", "frame_1", "frame_2")
    assert (source.split, source.label_kind, source.missing) == ("all", LabelKind.CLASS_IDS, ())
    assert source.fingerprint != first
    for found, expected in zip(source, frames, strict=True):
        assert_same_pixels(found, expected)
        np.testing.assert_array_equal(found.instance_ids, expected.instance_ids)
        assert found.info == {"weather": "rain"}
