"""Engines: they give what their network gives, and refuse to run where anything disagrees with the manifest."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import toy_engine
from onnx import helper

from ros_anomaly.runtime.engines import EngineSpec, load_engine, load_raw_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import ENGINES_VARIABLE, manifest_path
from ros_anomaly.runtime.manifest import file_entry
from ros_anomaly.scores.names import Aggregation

SIZE = (72, 128)
CELLS = (18, 32)


def street_image(size=SIZE):
    image = np.full((*size, 3), 127, np.uint8)
    image[20:32, 40:60] = toy_engine.MAGENTA
    return image


def trust_again(manifest, **changes):
    """Give the manifest the hash that its ONNX file has now, so that only what is inside can be wrong."""
    plain = json.loads(manifest.read_text())
    plain["files"]["onnx"]["sha256"] = file_entry(manifest.with_suffix(".onnx")).sha256
    plain.update(changes)
    manifest.write_text(json.dumps(plain))


def save_outputs(manifest, **values):
    """Replace the network by one that gives ``values`` whatever the image."""
    nodes = [helper.make_node("Identity", [f"{name}_value"], [name]) for name in values]
    constants = {f"{name}_value": value for name, value in values.items()}
    outputs = {name: (value.dtype, value.shape) for name, value in values.items()}
    toy_engine.save_graph(manifest.with_suffix(".onnx"), nodes, constants, SIZE, outputs)
    trust_again(manifest)


@pytest.fixture
def toy(tmp_path):
    return toy_engine.make_toy_engine(tmp_path, SIZE)


@pytest.mark.parametrize("threads", [None, 1])
def test_fused_engine_gives_score_and_class_ids(toy, threads):
    engine = load_engine(toy, threads=threads)
    prediction = engine.infer(street_image())
    assert prediction.score.shape == prediction.class_ids.shape == CELLS
    assert prediction.score.dtype == np.float32 and prediction.class_ids.dtype == np.uint8
    expected = np.zeros(CELLS, np.float32)
    expected[5:8, 10:15] = 1
    np.testing.assert_allclose(prediction.score, expected, atol=1e-6)
    assert prediction.scene_score is None
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(street_image())


@pytest.mark.parametrize(("outlier_class", "rows"), [(True, 15), (False, 14)])
def test_raw_engine_gives_logits(tmp_path, outlier_class, rows):
    engine = load_raw_engine(toy_engine.make_toy_raw_engine(tmp_path, SIZE, outlier_class=outlier_class))
    raw = engine.infer(street_image())
    assert raw.class_logits.shape == (toy_engine.NUM_QUERIES, rows)
    assert raw.mask_logits.shape == (toy_engine.NUM_QUERIES, *CELLS)
    assert raw.class_logits[2].argmax() == 2 and raw.mask_logits[0, 0, 0] > 0 > raw.mask_logits[1, 0, 0]


def test_a_kind_is_not_taken_for_the_other(toy, tmp_path):
    with pytest.raises(EngineError, match="expected an engine of kind raw, found fused"):
        load_raw_engine(toy)
    with pytest.raises(EngineError, match="expected an engine of kind fused, found raw"):
        load_engine(toy_engine.make_toy_raw_engine(tmp_path, SIZE))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((72, 127, 3), np.uint8),
        np.zeros((72, 128), np.uint8),
        np.zeros((72, 128, 4), np.uint8),
        np.zeros((72, 128, 3), np.float32),
        np.zeros((0, 0, 3), np.uint8),
        None,
    ],
)
def test_another_image_is_refused(toy, image):
    with pytest.raises(ValueError, match=r"expected uint8 \[72, 128, 3\], found"):
        load_engine(toy).infer(image)


def test_strided_and_read_only_images_are_taken(toy):
    engine = load_engine(toy)
    image = street_image()
    image.flags.writeable = False
    flipped = engine.infer(np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_array_equal(engine.infer(image[:, ::-1]).score, flipped.score)
    np.testing.assert_array_equal(engine.infer(image).score, flipped.score[:, ::-1])


def test_non_finite_scores_are_an_error_that_names_the_output(toy):
    engine = load_engine(toy)
    with pytest.raises(EngineError, match="output score: expected finite values, found 576 of 576 non-finite"):
        engine.infer(np.full((*SIZE, 3), 255, np.uint8))
    assert engine.infer(street_image()).score.max() == 1  # the next good frame is not held back


def test_scene_score_is_passed_on(toy):
    maps = {"score": np.zeros(CELLS, np.float32), "class_ids": np.zeros(CELLS, np.uint8)}
    save_outputs(toy, **maps, scene_score=np.full((), 0.75, np.float32))
    assert load_engine(toy).infer(street_image()).scene_score == 0.75


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"score": np.zeros((18, 31), np.float32)}, r"score: expected float32 \[18, 32\], found float32 \[18, 31\]"),
        ({"score": np.zeros(CELLS, np.float64)}, "score: expected float32 .*found float64"),
        ({"class_ids": np.zeros(CELLS, np.int64)}, "class_ids: expected uint8 .*found int64"),
        ({"class_ids": np.full(CELLS, 13, np.uint8)}, "class_ids: expected ids below 13, found 13"),
        ({"score": np.full(CELLS, np.inf, np.float32)}, "score: expected finite"),
    ],
)
def test_wrong_outputs_show_when_the_engine_is_loaded(toy, outputs, message):
    good = {"score": np.zeros(CELLS, np.float32), "class_ids": np.zeros(CELLS, np.uint8)}
    save_outputs(toy, **{**good, **outputs})
    with pytest.raises(EngineError, match=message):
        load_engine(toy)


def test_missing_output(toy):
    save_outputs(toy, score=np.zeros(CELLS, np.float32))
    with pytest.raises(EngineError, match="found no 'class_ids'"):
        load_engine(toy)


def test_input_of_another_size_than_the_manifest_s(toy):
    trust_again(toy, input_size=[36, 64])
    with pytest.raises(EngineError, match=r"expected the input .*\[36, 64, 3\].*found .*\[72, 128, 3\]"):
        load_engine(toy)


def test_corrupt_network_with_its_hash_and_without(toy):
    onnx = toy.with_suffix(".onnx")
    onnx.write_bytes(onnx.read_bytes()[:200])
    with pytest.raises(EngineError, match="expected sha256"):
        load_engine(toy)
    trust_again(toy)
    with pytest.raises(EngineError, match="expected an ONNX network, found one that does not load"):
        load_engine(toy)


def test_missing_network_and_missing_manifest(toy):
    toy.with_suffix(".onnx").unlink()
    with pytest.raises(EngineError, match=r"expected toy\.onnx in .*found no such file"):
        load_engine(toy)
    with pytest.raises(EngineError, match="found no such file"):
        EngineSpec(str(toy)).check_files()
    toy.unlink()
    with pytest.raises(EngineError, match="expected a manifest at .*found no such file"):
        load_engine(toy)


def test_backend_without_its_file(toy):
    with pytest.raises(EngineError, match="expected a torch program in fp32, found none at all; export it with"):
        load_engine(toy, backend="torch")


def test_the_aggregation_of_engines_from_when_all_masks_had_stride_4(toy):
    toy.write_text(toy.read_text().replace('"masks"', '"stride_4"'))
    engine = load_engine(toy, threads=1)
    assert engine.manifest.aggregation is Aggregation.MASKS
    engine.close()


def test_unknown_backend_and_bad_threads(toy):
    with pytest.raises(ValueError, match="expected one of onnxruntime, .*; found 'tensorflow'"):
        load_engine(toy, backend="tensorflow")
    with pytest.raises(ValueError, match="threads: expected at least 1, found 0"):
        load_engine(toy, threads=0)


def test_engines_are_found_by_name_in_the_folders_of_the_variable(toy, monkeypatch, tmp_path):
    monkeypatch.setenv(ENGINES_VARIABLE, os.pathsep.join([str(tmp_path / "none"), str(tmp_path)]))
    assert manifest_path("toy") == toy
    assert load_engine("toy").manifest.name == "toy"
    with pytest.raises(EngineError, match=f"engine 'other': expected other.json in {tmp_path / 'none'}, .*found none"):
        manifest_path("other")


def test_an_engine_s_file_stands_for_its_manifest(toy, monkeypatch, tmp_path):
    assert manifest_path(toy.with_suffix(".onnx")) == toy
    monkeypatch.chdir(tmp_path)
    assert manifest_path("toy.json").samefile(toy)
    assert manifest_path("./toy.onnx").samefile(toy)
