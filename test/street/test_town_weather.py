"""Weather presets and their blends."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.scene import Weather
from ros_anomaly_sim.street.weather import PRESETS, preset, sample, turned


def _check(weather: Weather) -> None:
    assert np.linalg.norm(weather.sun_direction) == pytest.approx(1.0)
    assert weather.sun_direction[2] > 0.1
    colours = np.array([weather.sun_colour, weather.zenith, weather.horizon, weather.ground])
    assert (colours > 0).all() and (colours < 6).all()
    assert 0 <= weather.cloud <= 1 and 0 <= weather.wet <= 1 and 0 < weather.fog_per_m < 0.05


def test_presets():
    assert set(PRESETS) == {"noon", "low_sun", "overcast_wet", "fog", "dusk"}
    for name in PRESETS:
        assert preset(name).name == name
        _check(preset(name))
    assert preset("fog").fog_per_m > 5 * preset("noon").fog_per_m
    assert preset("overcast_wet").wet > 0.5 and not preset("overcast_wet").shadows


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(KeyError, match="noon"):
        preset("sandstorm")


def test_samples_are_sound_varied_and_repeatable():
    rng = np.random.default_rng(1)
    samples = [sample(rng) for _ in range(200)]
    for weather in samples:
        _check(weather)
    assert {w.name.split("+")[0] for w in samples} == set(PRESETS)
    assert len({w.sun_direction for w in samples}) > 190
    assert sample(np.random.default_rng(5)) == sample(np.random.default_rng(5))


def test_turned_keeps_the_suns_height():
    noon = preset("noon")
    moved = turned(noon, 1.0)
    assert moved.sun_direction[2] == noon.sun_direction[2]
    assert moved.sun_direction != noon.sun_direction
    assert turned(moved, -1.0).sun_direction == pytest.approx(noon.sun_direction)
