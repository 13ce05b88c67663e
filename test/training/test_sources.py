"""What a recipe trains on: rendered streets, data sets on disk, users' own folders, negatives to paste."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import dataset_trees as trees
import numpy as np
import pytest

from ros_anomaly.checked import from_mapping
from ros_anomaly.data.cutout_store import Cutout, CutoutStoreWriter
from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.frame_store import FrameStoreWriter
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import CITYSCAPES_CLASSES, PALETTE, STREET_CLASSES
from ros_anomaly.training.recipe import Recipe, RecipeError
from ros_anomaly.training.sources import FrameFolders, training_frames, validation_frames, with_dataset

NOWHERE = FrameFolders(Path("nowhere"))


def recipe(**values: object) -> Recipe:
    return from_mapping(Recipe, values)


def dataset(kind: str, root: Path, classes: int = 13, **values: object) -> Recipe:
    data = {"dataset": {"kind": kind, "root": str(root), **values}}
    return recipe(data=data, network={"inlier_classes": classes}, outlier={"mixture": {"shapes": 0.5}})


def ids_of(frames: object, index: int = 0) -> set[int]:
    _, class_ids = frames.arrays(index)  # type: ignore[attr-defined]
    return set(np.unique(class_ids).tolist())


def test_cityscapes_is_read_by_train_id(tmp_path):
    trees.cityscapes(tmp_path)
    made = dataset("cityscapes", tmp_path, 19)
    frames = training_frames(made, "outlier", NOWHERE)
    assert frames.classes is CITYSCAPES_CLASSES
    assert len(frames.clean) == 1 and frames.negatives is frames.cutouts is None
    # Labels 7 road, 23 sky, 33 bicycle, 0 unlabelled.
    assert ids_of(frames.clean) == {0, 10, 18, 255}
    image, class_ids = frames.clean.arrays(0)
    assert image.shape == (*trees.SIZE, 3) and not image.flags.writeable
    assert image is frames.clean.arrays(0)[0], "decoded once"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames)).clean.arrays(0)[1], class_ids)
    validation = validation_frames(made, NOWHERE)
    assert validation is not None and ids_of(validation) == {0, 10, 18, 255}


def test_streethazards_has_the_street_classes(tmp_path):
    trees.street_hazards(tmp_path)
    made = dataset("streethazards", tmp_path)
    frames = training_frames(made, "closed", NOWHERE)
    assert frames.classes is STREET_CLASSES
    assert len(frames.clean) == 1 and ids_of(frames.clean) == {0, 7, 13, 255}  # 13 is the anomaly there and here
    validation = validation_frames(made, NOWHERE)
    assert validation is not None and validation.arrays(0)[0][0, 0].tolist() == list(trees.colour(2))


def test_a_users_folder_has_a_users_classes(tmp_path):
    for part in ("train", "val"):
        trees.image_folder(tmp_path / part, (0, 3, 2, 255))
    made = dataset(
        "folder", tmp_path / "train", 3, class_names=["road", "wall", "car"], validation_root=str(tmp_path / "val")
    )
    frames = training_frames(made, "outlier", NOWHERE)
    assert frames.classes.names == ("road", "wall", "car") and frames.classes.anomaly_id == 3
    assert len(frames.clean) == 3 and ids_of(frames.clean) == {0, 2, 3, 255}
    validation = validation_frames(made, NOWHERE)
    assert validation is not None and len(validation) == 3
    without = dataset("folder", tmp_path / "train", 3, class_names=["road", "wall", "car"])
    assert validation_frames(without, NOWHERE) is None


def test_unnamed_inliers_are_void_to_training(tmp_path):
    trees.bdd_anomaly(tmp_path)
    frames = training_frames(dataset("bdd-anomaly", tmp_path), "closed", NOWHERE)
    values = set().union(*(ids_of(frames.clean, i) for i in range(len(frames.clean))))
    assert values <= {*range(13), 13, 254, 255}


def test_frame_stores_are_sources_too(tmp_path):
    write_store(tmp_path / "store")
    frames = training_frames(dataset("recorded-streets", tmp_path / "store"), "closed", NOWHERE)
    assert len(frames.clean) == 2
    assert validation_frames(dataset("recorded-streets", tmp_path / "store"), NOWHERE) is None


def test_what_is_wrong_with_a_data_set_is_said_at_once(tmp_path):
    trees.image_folder(tmp_path, (0, 1, 9))
    own = {"class_names": ["road", "car"]}
    wrong = r"found 9 \(32 px\)"
    with pytest.raises(DatasetError, match=r"a\.png: expected label values 0 to 2 or 255 .*; " + wrong):
        training_frames(dataset("folder", tmp_path, 2, **own), "closed", NOWHERE)
    trees.image_folder(tmp_path, (255,))
    with pytest.raises(DatasetError, match="expected pixels of the 2 classes of folder, found none in the labels of 3"):
        training_frames(dataset("folder", tmp_path, 2, **own), "closed", NOWHERE)
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"found 1 missing: label of images/a\.png"):
        training_frames(dataset("folder", tmp_path, 2, **own), "closed", NOWHERE)
    with pytest.raises(DatasetError, match="expected a folder with"):
        training_frames(dataset("folder", tmp_path / "none", 2, **own), "closed", NOWHERE)
    with pytest.raises(RecipeError, match=r"data\.dataset\.root: .* \(or --dataset cityscapes:PATH\), found none"):
        training_frames(
            recipe(data={"dataset": {"kind": "cityscapes"}}, network={"inlier_classes": 19}), "closed", NOWHERE
        )


def write_store(folder: Path, anomalies: list[list[str]] | None = None) -> None:
    def frames() -> list[Frame]:
        class_ids = np.full((32, 48), 7, np.uint8)
        models = anomalies or [[], []]
        return [
            Frame(f"f{i}", PALETTE[class_ids], class_ids, info={"anomalies": [{"model": m} for m in found], "i": i})
            for i, found in enumerate(models)
        ]

    FrameStoreWriter(folder, (32, 48)).write_shard("town", frames())


@pytest.fixture
def streets(tmp_path: Path) -> FrameFolders:
    folders = FrameFolders(tmp_path, {"chair": "household", "cube": "shape"})
    write_store(folders.clean)
    write_store(folders.negatives, [["chair"], ["chair", "cube"], ["cube"], ["chair", "chair"]])
    writer = CutoutStoreWriter(folders.cutouts)
    for number, name in enumerate(("chair", "cube", "chair")):
        writer.add(Cutout(f"{name}_{number}", np.full((4, 4 + number, 4), 255, np.uint8), 1.0, {"object": name}))
    writer.finish()
    return folders


MIXED = {"outlier": {"mixture": {"pasted": 0.4, "rendered": 0.4}}}


def test_rendered_streets_are_opened_as_the_mixture_asks(streets):
    frames = training_frames(recipe(**MIXED), "outlier", streets)
    assert len(frames.clean) == 2 and len(frames.negatives) == 4
    assert {frames.cutouts.draw(np.random.default_rng(i)).name for i in range(20)} == {"chair_0", "cube_1", "chair_2"}
    closed = training_frames(recipe(**MIXED), "closed", streets)
    assert closed.negatives is closed.cutouts is None
    assert validation_frames(recipe(), streets) is None
    write_store(streets.validation)
    assert len(validation_frames(recipe(), streets)) == 2


def test_negatives_of_one_kind_alone(streets):
    """The experiment of the paper: kind A in training, A and B in the test."""
    frames = training_frames(recipe(data={"negative_kinds": ["household"]}, **MIXED), "outlier", streets)
    assert len(frames.negatives) == 2
    assert {frames.cutouts.draw(np.random.default_rng(i)).name for i in range(20)} == {"chair_0", "chair_2"}
    with pytest.raises(RecipeError, match="expected kinds of household, shape; found animal"):
        training_frames(recipe(data={"negative_kinds": ["animal"]}, **MIXED), "outlier", streets)
    unknown = FrameFolders(streets.root)
    with pytest.raises(RecipeError, match="expected to be told the kinds"):
        training_frames(recipe(data={"negative_kinds": ["household"]}, **MIXED), "outlier", unknown)


def test_own_cut_outs_take_the_place_of_rendered_ones(streets, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    cv2.imwrite(str(own / "duck.png"), np.full((5, 6, 4), 255, np.uint8))
    made = recipe(data={"negatives": {"kind": "cutouts", "root": str(own)}}, **MIXED)
    assert training_frames(made, "outlier", streets).cutouts.draw(np.random.default_rng(0)).name == "duck.png"
    with pytest.raises(DatasetError, match="found no folder"):
        made = recipe(data={"negatives": {"kind": "cutouts", "root": str(own / "none")}}, **MIXED)
        training_frames(made, "outlier", streets)


def test_own_cut_outs_beside_rendered_ones(streets, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    cv2.imwrite(str(own / "duck.png"), np.full((5, 6, 4), 255, np.uint8))
    values = {"negatives": {"kind": "cutouts", "root": str(own), "share": 0.25}}
    cutouts = training_frames(recipe(data=values, **MIXED), "outlier", streets).cutouts
    drawn = [cutouts.draw(np.random.default_rng(i)).name for i in range(400)]
    assert set(drawn) == {"duck.png", "chair_0", "cube_1", "chair_2"}
    assert 0.18 < drawn.count("duck.png") / len(drawn) < 0.32
    chairs = recipe(data={**values, "negative_kinds": ["household"]}, **MIXED)
    kept = training_frames(chairs, "outlier", streets).cutouts
    assert {kept.draw(np.random.default_rng(i)).name for i in range(40)} == {"duck.png", "chair_0", "chair_2"}


def test_the_command_line_names_another_source(tmp_path):
    made = dataset("folder", tmp_path, 2, class_names=["road", "car"])
    moved = with_dataset(made, f"folder:{tmp_path / 'other'}").data.dataset
    assert moved is not None and moved.root == str(tmp_path / "other") and moved.class_names == ("road", "car")
    assert with_dataset(recipe(), "streethazards:/data/hazards").data.dataset.root == "/data/hazards"
    assert with_dataset(dataset("streethazards", tmp_path), "streets").data.dataset is None
    for source, message in (
        ("kitti:/data", r"data set 'kitti:/data': dataset kind: expected one of streethazards, .*; found 'kitti'"),
        ("smiyc-anomaly:/data", "found only anomaly masks"),
        ("cityscapes:", "expected KIND:PATH or streets, found 'cityscapes:'"),
        ("cityscapes:/data", r"network inlier_classes: expected 19 as the data has \(cityscapes classes\), found 13"),
    ):
        with pytest.raises(RecipeError, match=message):
            with_dataset(recipe(), source)
