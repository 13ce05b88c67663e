"""Configuration checks itself and speaks flat names; images and stamps are judged by it."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.hazard.config import (
    PARAMETERS,
    CameraMount,
    ConfirmationConfig,
    CorridorConfig,
    HazardConfig,
    ImageHealthConfig,
    RegionConfig,
)
from ros_anomaly.hazard.image_health import inspect_image


def test_flat_names_go_there_and_back():
    flat = HazardConfig().to_flat()
    assert flat["corridor.half_width_m"] == 1.6 and flat["confirm.hits"] == 2 and flat["fresh.watchdog_ms"] == 1000.0
    changed = HazardConfig.from_flat(flat | {"camera.z_m": 2, "region.min_area_px": 10})
    assert changed.camera == CameraMount(z_m=2.0) and type(changed.camera.z_m) is float
    assert changed.region == RegionConfig(min_area_px=10)
    assert HazardConfig.from_flat(changed.to_flat()) == changed
    assert HazardConfig.from_flat({}) == HazardConfig()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"corridor.width_m": 1.0}, "unknown hazard parameter 'corridor.width_m'"),
        ({"corridor.half_width_m": -1.0}, "CorridorConfig.half_width_m: expected 0.1 to 20, found -1.0"),
        ({"corridor.half_width_m": float("nan")}, "found nan"),
        ({"corridor.half_width_m": "wide"}, "expected float, found str 'wide'"),
        ({"region.min_area_px": 2.5}, "RegionConfig.min_area_px: expected int, found float 2.5"),
        ({"region.min_area_px": True}, "expected int, found bool"),
        ({"confirm.hits": 4}, "expected hits <= window, found 4 > 3"),
        ({"confirm.release": 1}, "expected release > window - hits = 1, found 1"),
    ],
)
def test_bad_values_are_named(values, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        HazardConfig.from_flat(values)


def test_parameters_describe_every_field_once():
    assert [spec.name for spec in PARAMETERS] == list(HazardConfig().to_flat())
    for spec in PARAMETERS:
        assert spec.minimum <= spec.default <= spec.maximum and spec.description
        assert isinstance(spec.default, spec.type)


def test_topics_are_frozen():
    with pytest.raises(AttributeError):
        CorridorConfig().half_width_m = 3.0  # type: ignore[misc]
    assert ConfirmationConfig(hits=1, window=1, release=1).hits == 1


def test_facts_of_an_image():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    facts = inspect_image(image)
    assert (facts.dark_share, facts.bright_share) == (0.5, 0.5) and facts.contrast == pytest.approx(127.5)
    assert facts.fault(ImageHealthConfig()) is None
    assert inspect_image(image).digest == facts.digest
    changed = image.copy()
    changed[4, 4] = 1
    assert inspect_image(changed).digest != facts.digest


def test_two_exposures_of_a_noisy_sensor_differ():
    rng = np.random.default_rng(0)
    scene = np.full((360, 640, 3), 100.0)
    digests = {inspect_image((scene + rng.normal(0, 1, scene.shape)).astype(np.uint8)).digest for _ in range(5)}
    assert len(digests) == 5


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 4), (4, 4, 4)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match="expected non-empty uint8"):
        inspect_image(np.zeros(shape, np.uint8))
