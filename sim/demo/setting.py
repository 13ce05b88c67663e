"""Where and how a demonstration drives, as its report names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ros_anomaly_sim.scenarios.conditions import Light, WeatherName

WEATHERS: Mapping[str, tuple[WeatherName, Light]] = {
    "noon": (WeatherName.CLEAR, Light.NOON),
    "low_sun": (WeatherName.CLEAR, Light.LOW_SUN),
    "overcast_wet": (WeatherName.OVERCAST, Light.NOON),
    "fog": (WeatherName.FOG, Light.NOON),
    "dusk": (WeatherName.CLEAR, Light.DUSK),
}
"""The streets' weathers as air and light of a scenario."""


@dataclass(frozen=True)
class Setting:
    """What a report names of a run besides its drive; ``drawn_by`` is the OpenGL renderer."""

    town: int
    weather: str
    drawn_by: str
