"""The sensor model: bounds, determinism, and that each effect does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.render.sensor import SENSOR_PRESETS, SensorModel

_IDEAL = SENSOR_PRESETS["ideal"]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rows = np.linspace(0, 255, 180)[:, None, None]
    colours = np.linspace(0.3, 1.0, 320)[None, :, None] * np.array([1.0, 0.9, 0.8])
    return (rows * colours).astype(np.uint8)


def _with(**changes) -> SensorModel:
    fields = {name: getattr(_IDEAL, name) for name in _IDEAL.__dataclass_fields__}
    return SensorModel(**{**fields, **changes})


@pytest.mark.parametrize("name", SENSOR_PRESETS)
def test_same_seed_same_image(image, name):
    sensor = SensorModel.preset(name)
    first, second = (sensor.apply(image, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first.shape, first.dtype) == (image.shape, np.uint8)


def test_other_seed_other_noise(image):
    sensor = SensorModel()
    assert (sensor.apply(image, np.random.default_rng(3)) != sensor.apply(image, np.random.default_rng(4))).any()
    assert (SensorModel(seed=1).apply(image) != SensorModel(seed=2).apply(image)).any()
    np.testing.assert_array_equal(SensorModel(seed=1).apply(image), SensorModel(seed=1).apply(image))


def test_ideal_changes_nothing(image):
    np.testing.assert_array_equal(_IDEAL.apply(image), image)


@pytest.mark.parametrize("level", [30, 120, 200])
def test_noise_has_the_stated_deviation(level):
    sensor = _with(shot_noise=0.03, read_noise=0.01)
    plain = np.full((360, 640, 3), level, np.uint8)
    linear = (level / 255) ** 2.2
    slope = max(linear, 0.015) ** (1 / 2.2 - 1) / 2.2
    expected = 255 * np.sqrt(0.01**2 + 0.03**2 * linear) * slope
    assert sensor.apply(plain, np.random.default_rng(0)).astype(float).std() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("level", [40, 240])
def test_exposure_pulls_towards_middle_grey(level):
    plain = np.full((90, 160, 3), level, np.uint8)
    middle = 255 * 0.20 ** (1 / 2.2)
    exposed = float(_with(exposure_strength=1.0).apply(plain).mean())
    assert abs(exposed - middle) < abs(level - middle)


def test_exposure_error_and_cast():
    plain = np.full((90, 160, 3), 100, np.uint8)
    assert _with(gain_error_stops=0.5).apply(plain).mean() > 110
    red, green, blue = _with(red_gain=1.2, blue_gain=0.8).apply(plain).reshape(-1, 3).mean(0)
    assert red > green > blue


def test_vignetting_darkens_the_corners_alone():
    plain = np.full((90, 160, 3), 150, np.uint8)
    recorded = _with(vignetting=0.5).apply(plain)
    assert abs(int(recorded[45, 80, 0]) - 150) <= 1
    assert recorded[0, 0, 0] == pytest.approx(150 * 0.5 ** (1 / 2.2), abs=2)


def test_blur_softens_an_edge():
    edge = np.zeros((90, 160, 3), np.uint8)
    edge[:, 80:] = 200
    assert 0 < _with(blur_px=0.7).apply(edge)[45, 79, 1] < 100
    fringed = _with(chromatic_blur_px=0.8).apply(edge)[45, 79]
    assert fringed[0] > 0
    assert fringed[1] == 0


def test_jpeg_quality_costs_detail():
    textured = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    errors = [np.abs(_with(jpeg_quality=q).apply(textured).astype(int) - textured).mean() for q in (30, 95)]
    assert errors[0] > errors[1] > 0


def test_samples_are_legal_and_differ(image):
    rng = np.random.default_rng(0)
    sensors = {SensorModel.sample(rng) for _ in range(30)}
    assert len(sensors) == 30
    assert SensorModel.sample(np.random.default_rng(5)) == SensorModel.sample(np.random.default_rng(5))


@pytest.mark.parametrize(
    "bad", [{"vignetting": 1.0}, {"read_noise": -0.1}, {"jpeg_quality": 0}, {"gain_error_stops": float("nan")}]
)
def test_refuses_bad_values(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SensorModel(**bad)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)]
)
def test_refuses_bad_images(bad):
    with pytest.raises(ValueError, match="expected uint8"):
        SensorModel().apply(bad)


def test_unknown_preset_lists_the_known():
    with pytest.raises(KeyError, match="ordinary"):
        SensorModel.preset("broken")
