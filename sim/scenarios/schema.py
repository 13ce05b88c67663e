"""A scenario: map, weather, ego route, traffic, anomalies and what is expected. Checked when made.

Places are given along the ego's route: ``distance_m`` ahead of where the ego starts (origin of its base_link),
``left_m`` to the left of the middle of its lane (negative: right), ``yaw_deg`` counter-clockwise from the route.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ros_anomaly.limits import check_within
from ros_anomaly_sim.scenarios.conditions import Light, WeatherName


class Expected(Enum):
    """What the route is."""

    BLOCKED = "blocked"
    """An anomaly stands in the way: a driver that sees it stops before it, a blind one runs into it."""
    OPEN = "open"
    """Nothing is in the way: a driver that knows completes the route without a stop."""


class Home(Enum):
    """Where a scenario runs."""

    PORTABLE = "portable"
    """On any CARLA 0.9.16 server: stock maps and blueprints only."""
    EMBEDDED = "embedded"
    """On the embedded server: maps, or objects, that only it has."""


STOCK_MAPS = (
    "Town01",
    "Town02",
    "Town03",
    "Town04",
    "Town05",
    "Town06",
    "Town07",
    "Town10HD",
    "Town12",
    "Town13",
    "Town15",
)
"""Maps that come with CARLA 0.9.16."""

_FARTHEST_M = 10_000.0


def _require(holds: bool, name: str, expected: str, found: Any) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {expected}, found {found!r}")


@dataclass(frozen=True)
class Swerve:
    """A way around something: the ego is ``left_m`` off its lane's middle (negative: right) from ``hold_m`` before
    ``distance_m`` to as much behind it; it takes ``ramp_m`` more before and behind to get there and back.
    """

    distance_m: float
    hold_m: float
    left_m: float
    ramp_m: float = 24.0

    def __post_init__(self) -> None:
        check_within("distance_m", self.distance_m, 0.0, _FARTHEST_M)
        check_within("hold_m", self.hold_m, 0.0, 50.0)
        check_within("left_m", self.left_m, -10.0, 10.0)
        check_within("ramp_m", self.ramp_m, 5.0, 200.0)


@dataclass(frozen=True)
class Ego:
    """The vehicle with the camera: it starts at rest on a spawn point of the map and follows its lane."""

    spawn_point: int
    route_m: float
    speed_kmh: float = 30.0
    blueprint: str = "vehicle.tesla.model3"
    swerves: tuple[Swerve, ...] = ()

    def __post_init__(self) -> None:
        _require(self.spawn_point >= 0, "spawn_point", "a number from 0 on", self.spawn_point)
        check_within("route_m", self.route_m, 20.0, _FARTHEST_M)
        check_within("speed_kmh", self.speed_kmh, 5.0, 60.0)
        _require(self.blueprint.startswith("vehicle."), "blueprint", "one of CARLA's vehicle.*", self.blueprint)


@dataclass(frozen=True)
class SceneActor:
    """A vehicle, person or piece of street furniture of the street itself.

    ``speed_kmh`` 0 stands; else a vehicle follows the lane that it is in, and a walker goes where ``yaw_deg`` points.
    """

    blueprint: str
    distance_m: float
    left_m: float = 0.0
    yaw_deg: float = 0.0
    speed_kmh: float = 0.0

    def __post_init__(self) -> None:
        kinds = ("vehicle.", "walker.", "static.prop.")
        _require(
            self.blueprint.startswith(kinds), "blueprint", "one of vehicle.*, walker.*, static.prop.*", self.blueprint
        )
        check_within("distance_m", self.distance_m, -50.0, _FARTHEST_M)
        check_within("left_m", self.left_m, -30.0, 30.0)
        check_within("yaw_deg", self.yaw_deg, -360.0, 360.0)
        check_within("speed_kmh", self.speed_kmh, 0.0, 60.0)
        moves = self.blueprint.startswith(("vehicle.", "walker."))
        _require(moves or self.speed_kmh == 0, "speed_kmh", "0 for a prop", self.speed_kmh)


@dataclass(frozen=True)
class Anomaly:
    """A thing that does not belong on a street."""

    blueprint: str
    distance_m: float
    left_m: float = 0.0
    yaw_deg: float = 0.0

    def __post_init__(self) -> None:
        _require(self.blueprint.startswith("static.prop."), "blueprint", "one of static.prop.*", self.blueprint)
        check_within("distance_m", self.distance_m, 5.0, _FARTHEST_M)
        check_within("left_m", self.left_m, -30.0, 30.0)
        check_within("yaw_deg", self.yaw_deg, -360.0, 360.0)


@dataclass(frozen=True)
class Scenario:
    """One scenario; ``name`` is that of its file.

    Attributes:
        map: name as CARLA's client gives it, without folders.
        duration_s: simulated time after which a drive is over, wherever it is.
        sun_azimuth_deg: clockwise from CARLA's +x.
    """

    name: str
    description: str
    home: Home
    expected: Expected
    map: str
    ego: Ego
    duration_s: float
    weather: WeatherName = WeatherName.CLEAR
    light: Light = Light.NOON
    sun_azimuth_deg: float = 60.0
    actors: tuple[SceneActor, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(re.fullmatch(r"[a-z][a-z0-9_]*", self.name)), "name", "lower case, digits and _", self.name)
        _require(bool(self.map) and "/" not in self.map, "map", "a name without folders", self.map)
        if self.home is Home.PORTABLE:
            _require(self.map in STOCK_MAPS, "map", f"one of {', '.join(STOCK_MAPS)} where home is portable", self.map)
        check_within("duration_s", self.duration_s, 1.0, 600.0)
        check_within("sun_azimuth_deg", self.sun_azimuth_deg, 0.0, 360.0)
        if self.expected is Expected.BLOCKED:
            _require(bool(self.anomalies), "anomalies", "at least one where the route is blocked", self.anomalies)

    @property
    def weather_parameters(self) -> dict[str, float]:
        """Attributes of ``carla.WeatherParameters``."""
        return {
            **self.weather.parameters,
            "sun_altitude_angle": self.light.sun_altitude_deg,
            "sun_azimuth_angle": self.sun_azimuth_deg,
        }
