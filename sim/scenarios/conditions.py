"""Weather and light of scenarios, as the values that CARLA's weather has."""

from __future__ import annotations

from enum import Enum

_SHAPELESS = {"cloudiness": 5.0, "wind_intensity": 10.0, "fog_distance": 0.75, "fog_falloff": 0.2}


class WeatherName(Enum):
    """Air and road."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    OVERCAST = "overcast"
    PUDDLES = "puddles"
    RAIN = "rain"
    FOG = "fog"

    @property
    def parameters(self) -> dict[str, float]:
        """Attributes of ``carla.WeatherParameters`` without the sun's; 0 to 100 unless their name says otherwise."""
        return {**_SHAPELESS, **_AIR[self]}


class Light(Enum):
    """Time of day."""

    NOON = "noon"
    AFTERNOON = "afternoon"
    LOW_SUN = "low_sun"
    DUSK = "dusk"

    @property
    def sun_altitude_deg(self) -> float:
        """Of the sun above the horizon."""
        return _ALTITUDE_DEG[self]


_AIR: dict[WeatherName, dict[str, float]] = {
    WeatherName.CLEAR: {},
    WeatherName.CLOUDY: {"cloudiness": 60.0},
    WeatherName.OVERCAST: {"cloudiness": 95.0, "wetness": 20.0},
    # Water stands on the road and mirrors; the sky is open, so there are shadows, too.
    WeatherName.PUDDLES: {"cloudiness": 20.0, "precipitation_deposits": 85.0, "wetness": 60.0},
    WeatherName.RAIN: {
        "cloudiness": 90.0,
        "precipitation": 60.0,
        "precipitation_deposits": 60.0,
        "wetness": 80.0,
    },
    WeatherName.FOG: {"cloudiness": 70.0, "fog_density": 30.0, "fog_distance": 5.0, "wetness": 20.0},
}
_ALTITUDE_DEG = {Light.NOON: 65.0, Light.AFTERNOON: 35.0, Light.LOW_SUN: 12.0, Light.DUSK: 3.0}
