"""The detector over a toy engine: sizes, thresholds, regions, scenes, bad images."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import toy_engine

from ros_anomaly.detector import Detector, DetectorConfig, fit_image
from ros_anomaly.hazard.config import HazardConfig, RegionConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.monitor import HazardMonitor, Now, Observation
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import EngineSpec, load_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import load_manifest
from ros_anomaly.runtime.runner import InProcessRunner

SIZE = (72, 128)
BOX = (40, 20, 60, 32)  # left, top, right, bottom


def street_image(size=SIZE, box=BOX):
    image = np.full((*size, 3), 127, np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = toy_engine.MAGENTA
    return image


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return load_engine(toy_engine.make_toy_engine(tmp_path_factory.mktemp("engines"), SIZE), threads=1)


@pytest.fixture
def detector(engine):
    return Detector(engine)


class FixedEngine:
    """Gives the same maps for every image."""

    def __init__(self, score, manifest):
        self.manifest, self.backend = manifest, "onnxruntime"
        self.input_size = manifest.input_size
        self._prediction = Prediction(score, np.zeros(score.shape, np.uint8))

    def infer(self, image):
        assert image.shape == (*self.input_size, 3)
        return self._prediction

    def close(self):
        pass


def test_object_becomes_mask_and_region(detector):
    assessment = detector.infer(street_image())
    assert assessment.mask.shape == SIZE and assessment.mask.dtype == np.uint8
    np.testing.assert_array_equal(assessment.mask == 255, street_image()[..., 1] == 0)
    assert set(np.unique(assessment.mask)) == {0, 255}
    (region,) = assessment.regions
    assert region.box == BOX and region.area_px == 20 * 12
    assert region.in_corridor and region.distance_m is None  # no ground projection was given
    assert assessment.max_score == 1
    assert assessment.score.shape == assessment.class_ids.shape == (18, 32)
    assert 0 < assessment.engine_ms < assessment.latency_ms
    assert 0 <= assessment.resize_ms < assessment.latency_ms - assessment.engine_ms


def test_clear_image(detector):
    assessment = detector.infer(np.full((*SIZE, 3), 127, np.uint8))
    assert not assessment.mask.any() and assessment.regions == () and assessment.max_score == 0


@pytest.mark.parametrize("scale", [0.5, 2, 5])
def test_images_of_another_size_give_boxes_in_their_own_pixels(engine, scale):
    detector = Detector(engine, DetectorConfig(region=RegionConfig(min_area_px=16)))
    size = (round(72 * scale), round(128 * scale))
    box = tuple(round(value * scale) for value in BOX)
    assessment = detector.infer(street_image(size, box))
    assert assessment.mask.shape == size
    (region,) = assessment.regions
    np.testing.assert_allclose(region.box, box, atol=4 * scale)
    assert region.area_px == pytest.approx(20 * 12 * scale**2, rel=0.4)
    assert assessment.score.shape == (18, 32)


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (400, 5), (10, 10)])
def test_images_smaller_than_the_score_map_are_assessed_too(detector, size):
    assessment = detector.infer(np.full((*size, 3), toy_engine.MAGENTA, np.uint8))
    assert assessment.mask.shape == size
    assert assessment.max_score == 1
    assert (assessment.mask == 255).all() == (size[0] * size[1] >= RegionConfig().min_area_px)


def test_score_map_of_image_size(tmp_path):
    detector = Detector(load_engine(toy_engine.make_toy_engine(tmp_path, SIZE, stride=1)))
    assessment = detector.infer(street_image(box=(41, 21, 62, 33)))
    assert assessment.score.shape == SIZE
    assert assessment.regions[0].box == (41, 21, 62, 33)


def test_score_at_the_threshold_is_not_above_it(engine):
    image = street_image()
    assert Detector(engine, DetectorConfig(threshold=1.0)).infer(image).regions == ()
    just_below = float(np.nextafter(np.float32(1), np.float32(0)))
    assert len(Detector(engine, DetectorConfig(threshold=just_below)).infer(image).regions) == 1


def test_threshold_is_the_manifest_s_unless_given(engine, tmp_path):
    assert Detector(engine).threshold == 0.5
    assert Detector(engine, DetectorConfig(threshold=-0.5)).threshold == -0.5
    uncalibrated = load_engine(toy_engine.make_toy_engine(tmp_path, SIZE, threshold=None))
    with pytest.raises(ValueError, match="expected a threshold for score 'uno' .*found none"):
        Detector(uncalibrated)
    assert Detector(uncalibrated, DetectorConfig(threshold=0.25)).threshold == 0.25


def test_a_threshold_of_another_policy_or_engine_is_doubted(engine, tmp_path):
    path = toy_engine.make_toy_engine(tmp_path, SIZE)
    manifest = load_manifest(path)
    usual, wider = HazardConfig(), HazardConfig.from_flat({"corridor.half_width_m": 2.0})

    def doubt(calibrated, hazard, **config):
        replace(manifest, thresholds={manifest.score: calibrated}).save(path)
        return Detector(load_engine(path), DetectorConfig(**config)).doubt(hazard)

    own = replace(manifest.thresholds[manifest.score], settings=usual.calibrated())
    assert doubt(own, usual) == ""
    assert doubt(own, wider).endswith("not known with corridor.half_width_m 2.0 (calibrated with 1.6)")
    assert doubt(own, wider, threshold=0.3) == ""
    assert doubt(own.inherited("default"), usual).endswith(
        "with an engine other than default, which it was calibrated on"
    )
    assert doubt(replace(own, backend="onnxruntime"), usual) == ""
    assert doubt(replace(own, backend="openvino:bf16"), usual).endswith(
        "not known with backend onnxruntime (calibrated with openvino:bf16)"
    )


def test_a_threshold_without_a_backend_on_record_is_doubted_under_all_but_the_default(tmp_path):
    manifest = load_manifest(toy_engine.make_toy_engine(tmp_path, SIZE))
    own = replace(manifest.thresholds[manifest.score], settings=HazardConfig().calibrated())
    fixed = FixedEngine(np.zeros((18, 32), np.float32), replace(manifest, thresholds={manifest.score: own}))
    assert Detector(fixed).doubt(HazardConfig()) == ""
    fixed.backend = "openvino:bf16"
    assert "backend openvino:bf16 (calibrated with one that is not on record)" in Detector(fixed).doubt(HazardConfig())


def test_a_threshold_without_a_usual_score_tells_no_scene_from_another(tmp_path):
    manifest = load_manifest(toy_engine.make_toy_engine(tmp_path, SIZE))
    own = replace(manifest.thresholds[manifest.score], settings=HazardConfig().calibrated(), usual_score=None)
    unaware = Detector(
        FixedEngine(np.full((18, 32), 0.4, np.float32), replace(manifest, thresholds={manifest.score: own}))
    )
    assert unaware.infer(street_image()).scene_shift is None
    assert unaware.doubt(HazardConfig()).startswith("an unfamiliar scene is not told from a clear road")
    assert unaware.doubt(HazardConfig.from_flat({"corridor.half_width_m": 2.0})).count(";") == 1
    given = Detector(unaware._engine, DetectorConfig(threshold=0.9))
    assert given.doubt(HazardConfig()).startswith("an unfamiliar scene")
    uncalibrated = load_engine(toy_engine.make_toy_engine(tmp_path, SIZE, threshold=None))
    assert Detector(uncalibrated, DetectorConfig(threshold=0.9)).doubt(HazardConfig()).startswith("an unfamiliar scene")


def test_a_given_threshold_changes_nothing_about_scenes(tmp_path):
    manifest = load_manifest(toy_engine.make_toy_engine(tmp_path, SIZE))
    fixed = FixedEngine(np.full((18, 32), 0.375, np.float32), manifest)
    assert Detector(fixed, DetectorConfig(threshold=0.9)).infer(street_image()).scene_shift == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("upper", "lower", "shift"),
    [(-1.0, 0.25, 0.0), (0.25, -1.0, 0.0), (-1.0, 0.375, 0.5), (0.5, -1.0, 0.0), (0.0, 0.5, 1.0), (0.0, 1.0, 3.0)],
)
def test_scene_is_judged_by_its_ground(tmp_path, upper, lower, shift):
    manifest = load_manifest(toy_engine.make_toy_engine(tmp_path, SIZE))  # threshold 0.5, usual score 0.25
    score = np.full((18, 32), upper, np.float32)
    score[9:] = lower
    score[9:, :14] = 1.0  # an anomaly that fills less than half of the ground changes nothing
    assert Detector(FixedEngine(score, manifest)).infer(street_image()).scene_shift == pytest.approx(shift)


def test_masks_that_hold_nothing_are_no_clear_road():
    """A score of 0 everywhere is what the default score gives where no mask holds a pixel: below the threshold."""
    manifest = load_manifest(manifest_path("default"))
    assert manifest.score == "uno_normalised" and manifest.threshold.value > 0
    blind = Detector(FixedEngine(np.zeros(manifest.output_size, np.float32), manifest))
    monitor = HazardMonitor()
    for frame in range(1, 6):
        now = Now(frame * 100_000_000, frame * 100_000_000)
        state = monitor.step(Observation(blind.infer(street_image(manifest.input_size)), now.ros_ns, None), now)
        assert state.level is HazardLevel.UNKNOWN
    assert state.reason.startswith("unfamiliar scene: scores of the ground shifted by 0.5")


@pytest.mark.parametrize("threshold", [math.nan, math.inf])
def test_configuration_checks_itself(threshold):
    with pytest.raises(ValueError, match="threshold: expected a finite number or None, found"):
        DetectorConfig(threshold=threshold)


def test_regions_are_placed_on_the_ground_of_the_image_s_own_size(detector):
    for scale in (1, 2):
        size = (72 * scale, 128 * scale)
        image = street_image(size, tuple(v * scale for v in (60, 44, 68, 52)))
        ground = GroundProjection.from_fov(size, math.pi / 2)
        (region,) = detector.infer(image, ground).regions
        assert region.distance_m == pytest.approx(1.5 + 1.6 * 64 / 16, rel=0.05)
        assert region.lateral_m == pytest.approx(0, abs=0.7)
        assert region.in_corridor


def test_configuration_of_regions_is_used(engine):
    config = DetectorConfig(region=RegionConfig(min_area_px=1000))
    assert Detector(engine, config).infer(street_image()).regions == ()


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((0, 0, 3), np.uint8), r"uint8 \[0, 0, 3\]"),
        (np.zeros((72, 0, 3), np.uint8), r"uint8 \[72, 0, 3\]"),
        (np.zeros((72, 128), np.uint8), r"uint8 \[72, 128\]"),
        (np.zeros((72, 128, 4), np.uint8), r"uint8 \[72, 128, 4\]"),
        (np.zeros((72, 128, 3), np.float32), r"float32 \[72, 128, 3\]"),
        (np.zeros((1, 72, 128, 3), np.uint8), r"uint8 \[1, 72, 128, 3\]"),
        ([[[0, 0, 0]]], "list"),
        (None, "NoneType"),
    ],
)
def test_bad_images_are_refused_with_expected_and_found(detector, image, found):
    for method in (detector.infer, detector.predict):
        with pytest.raises(ValueError, match=rf"image: expected .*uint8 \[H, W, 3\].*found {found}"):
            method(image)


def test_strided_and_read_only_images(detector):
    image = street_image((144, 256), (80, 40, 120, 64))
    image.flags.writeable = False
    mirrored = detector.infer(image[:, ::-1])
    np.testing.assert_array_equal(mirrored.mask, detector.infer(image).mask[:, ::-1])


def test_an_image_is_assessed_alike_whatever_came_before(detector):
    first = detector.infer(street_image())
    detector.infer(np.full((*SIZE, 3), 127, np.uint8))
    again = detector.infer(street_image())
    np.testing.assert_array_equal(first.mask, again.mask)
    assert first.regions == again.regions


def test_engine_errors_pass_through(detector):
    with pytest.raises(EngineError, match="non-finite"):
        detector.infer(np.full((*SIZE, 3), 255, np.uint8))


def test_predict_gives_the_engine_s_maps(detector, engine):
    image = street_image((144, 256), (80, 40, 120, 64))
    prediction = detector.predict(image)
    small = cv2.resize(image, (128, 72), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(prediction.score, engine.infer(small).score)


def test_a_runner_serves_as_engine(tmp_path):
    runner = InProcessRunner(EngineSpec(str(toy_engine.make_toy_engine(tmp_path, SIZE))))
    assert len(Detector(runner).infer(street_image()).regions) == 1


def test_images_of_engine_size_are_not_copied():
    image = street_image()
    assert fit_image(image, SIZE) is image


@pytest.mark.parametrize("size", [(360, 640), (1080, 1920)])
def test_objects_of_a_score_map_are_regions_at_the_image_s_size(tmp_path, size):
    manifest = load_manifest(toy_engine.make_toy_engine(tmp_path, (360, 640)))
    score = np.random.default_rng(0).normal(0, 0.1, (90, 160)).astype(np.float32)
    for x in range(10, 150, 20):
        score[40:50, x : x + 8] = 1
    detector = Detector(FixedEngine(score, manifest))
    assessment = detector.infer(np.full((*size, 3), 127, np.uint8), GroundProjection.from_fov(size, math.pi / 2))
    assert len(assessment.regions) == 7 and assessment.mask.shape == size
    cell = size[0] // 90
    assert {(region.box[2] - region.box[0], region.area_px) for region in assessment.regions} == {
        (8 * cell, 80 * cell * cell)
    }
