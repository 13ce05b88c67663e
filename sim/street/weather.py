"""Light and air: five presets from daylight to dusk, and jittered blends of them for training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ros_anomaly_sim.street.scene import Vec3, Weather


def _unit(x: float, y: float, z: float) -> Vec3:
    length = float(np.sqrt(x * x + y * y + z * z))
    return (x / length, y / length, z / length)


_PRESETS: dict[str, Weather] = {
    w.name: w
    for w in (
        Weather(
            name="noon",
            sun_direction=_unit(0.55, -0.35, 0.8),
            sun_colour=(3.3, 3.05, 2.7),
            zenith=(0.24, 0.42, 0.80),
            horizon=(0.74, 0.84, 0.98),
            ground=(0.32, 0.29, 0.26),
            cloud=0.5,
            fog_per_m=0.0015,
            wet=0.0,
        ),
        Weather(
            name="low_sun",
            sun_direction=_unit(-0.75, 0.55, 0.28),
            sun_colour=(3.4, 1.95, 1.0),
            zenith=(0.24, 0.31, 0.52),
            horizon=(0.98, 0.68, 0.46),
            ground=(0.24, 0.20, 0.17),
            cloud=0.5,
            fog_per_m=0.0030,
            wet=0.0,
        ),
        Weather(
            name="overcast_wet",
            sun_direction=_unit(0.2, -0.3, 0.9),
            sun_colour=(0.22, 0.22, 0.23),
            zenith=(0.72, 0.75, 0.80),
            horizon=(0.84, 0.86, 0.88),
            ground=(0.34, 0.34, 0.34),
            cloud=0.95,
            fog_per_m=0.0070,
            wet=0.9,
            shadows=False,
        ),
        Weather(
            name="fog",
            sun_direction=_unit(0.4, 0.4, 0.6),
            sun_colour=(0.45, 0.44, 0.41),
            zenith=(0.72, 0.75, 0.79),
            horizon=(0.82, 0.84, 0.86),
            ground=(0.40, 0.40, 0.40),
            cloud=0.9,
            fog_per_m=0.026,
            wet=0.2,
            shadows=False,
        ),
        Weather(
            name="dusk",
            sun_direction=_unit(0.8, 0.5, 0.16),
            sun_colour=(0.55, 0.30, 0.20),
            zenith=(0.16, 0.20, 0.36),
            horizon=(0.62, 0.42, 0.36),
            ground=(0.15, 0.14, 0.15),
            cloud=0.6,
            fog_per_m=0.0040,
            wet=0.0,
        ),
    )
}

PRESETS: tuple[str, ...] = tuple(_PRESETS)


def preset(name: str) -> Weather:
    """The preset of that name; KeyError lists the known ones."""
    if name not in _PRESETS:
        raise KeyError(f"no weather {name!r}; presets are {list(PRESETS)}")
    return _PRESETS[name]


def sample(rng: np.random.Generator) -> Weather:
    """A jittered preset, in six of ten cases blended with another one: for training frames."""
    first, second = (preset(str(rng.choice(PRESETS))) for _ in range(2))
    share = float(rng.uniform(0.0, 0.5)) if rng.random() < 0.6 else 0.0
    exposure = float(rng.uniform(0.75, 1.25))

    def blend(a: float, b: float) -> float:
        return a * (1 - share) + b * share

    def colour(a: Vec3, b: Vec3) -> Vec3:
        tint = rng.uniform(0.95, 1.05, 3)
        red, green, blue = (float(exposure * t * blend(x, y)) for t, x, y in zip(tint, a, b, strict=True))
        return (red, green, blue)

    azimuth = rng.uniform(0, 2 * np.pi)
    x, y, z = first.sun_direction
    flat = np.hypot(x, y)
    height = float(np.clip(z * rng.uniform(0.7, 1.25), 0.15, 0.95))
    return replace(
        first,
        name=first.name if share == 0.0 else f"{first.name}+{second.name}",
        sun_direction=_unit(float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), height),
        sun_colour=colour(first.sun_colour, second.sun_colour),
        zenith=colour(first.zenith, second.zenith),
        horizon=colour(first.horizon, second.horizon),
        ground=colour(first.ground, second.ground),
        cloud=float(np.clip(blend(first.cloud, second.cloud) + rng.uniform(-0.15, 0.15), 0.0, 1.0)),
        fog_per_m=blend(first.fog_per_m, second.fog_per_m) * float(rng.uniform(0.6, 1.3)),
        wet=float(np.clip(blend(first.wet, second.wet) * rng.uniform(0.6, 1.2), 0.0, 1.0)),
    )


def turned(weather: Weather, angle_rad: float) -> Weather:
    """The same light with the sun moved around the vertical: as over a street of another orientation."""
    x, y, z = weather.sun_direction
    cos, sin = float(np.cos(angle_rad)), float(np.sin(angle_rad))
    return replace(weather, sun_direction=(cos * x - sin * y, sin * x + cos * y, z))
