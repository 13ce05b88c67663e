"""CARLA's weather as the renderer's light and air."""

from __future__ import annotations

import math
from dataclasses import replace

from ros_anomaly_sim.server.structs import WeatherParameters
from ros_anomaly_sim.street.scene import Vec3, Weather
from ros_anomaly_sim.street.weather import preset

_NOON_DEG, _LOW_DEG, _DUSK_DEG = 45.0, 15.0, 3.0
_LOWEST_SUN_DEG = 4.0
_NIGHT_SHARE = 0.45
_FOG_PER_M_AT_100 = 0.06
_NO_SHADOWS_ABOVE = 0.85


def wetness(weather: WeatherParameters) -> float:
    """How wet the road is, 0..1: the wetness itself, or the water that stands on it."""
    return min(1.0, max(0.0, weather["wetness"], weather["precipitation_deposits"]) / 100.0)


def rendered_weather(weather: WeatherParameters) -> Weather:
    """Light by the sun's altitude between noon, low sun and dusk, clouded over and fogged as far as asked.

    The renderer knows no night: a sun below the horizon is a dark dusk. Rain falls as wet roads and clouds,
    without drops in the air.
    """
    cloud = min(1.0, max(0.0, weather["cloudiness"], weather["precipitation"]) / 100.0)
    light = _by_altitude(weather["sun_altitude_angle"])
    overcast = max(0.0, (cloud - 0.4) / 0.6)
    light = _blend(light, preset("overcast_wet"), overcast)
    fog = min(1.0, max(0.0, weather["fog_density"]) / 100.0)
    light = _blend(light, preset("fog"), min(1.0, fog * 1.5))
    if weather["sun_altitude_angle"] < 0.0:
        light = _dimmed(light, _NIGHT_SHARE)
    return replace(
        light,
        name="carla",
        sun_direction=_sun(weather["sun_azimuth_angle"], weather["sun_altitude_angle"]),
        cloud=cloud,
        fog_per_m=0.0015 + _FOG_PER_M_AT_100 * fog * fog,
        wet=wetness(weather),
        shadows=max(overcast, fog) < _NO_SHADOWS_ABOVE,
    )


def _by_altitude(altitude_deg: float) -> Weather:
    if altitude_deg >= _NOON_DEG:
        return preset("noon")
    if altitude_deg >= _LOW_DEG:
        return _blend(preset("low_sun"), preset("noon"), (altitude_deg - _LOW_DEG) / (_NOON_DEG - _LOW_DEG))
    share = max(0.0, (altitude_deg - _DUSK_DEG) / (_LOW_DEG - _DUSK_DEG))
    return _blend(preset("dusk"), preset("low_sun"), share)


def _blend(first: Weather, second: Weather, share: float) -> Weather:
    def mixed(a: Vec3, b: Vec3) -> Vec3:
        red, green, blue = (x + share * (y - x) for x, y in zip(a, b, strict=True))
        return (red, green, blue)

    return replace(
        first,
        sun_colour=mixed(first.sun_colour, second.sun_colour),
        zenith=mixed(first.zenith, second.zenith),
        horizon=mixed(first.horizon, second.horizon),
        ground=mixed(first.ground, second.ground),
    )


def _dimmed(light: Weather, share: float) -> Weather:
    def darker(colour: Vec3) -> Vec3:
        red, green, blue = (share * c for c in colour)
        return (red, green, blue)

    return replace(
        light,
        sun_colour=darker(light.sun_colour),
        zenith=darker(light.zenith),
        horizon=darker(light.horizon),
        ground=darker(light.ground),
    )


def _sun(azimuth_deg: float, altitude_deg: float) -> Vec3:
    """Unit vector to the sun in the streets' frame; the azimuth counts clockwise from CARLA's +x."""
    altitude = math.radians(max(_LOWEST_SUN_DEG, altitude_deg))
    azimuth = math.radians(azimuth_deg)
    level = math.cos(altitude)
    return (level * math.sin(azimuth), level * math.cos(azimuth), math.sin(altitude))
