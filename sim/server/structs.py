"""CARLA's argument structs, read from the wire and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.geometry import Vec3

_GEARS = 20


class AttributeType(IntEnum):
    """Types of a blueprint's attributes."""

    BOOL = 1
    INT = 2
    FLOAT = 3
    STRING = 4
    RGB_COLOR = 5


@dataclass(frozen=True)
class ActorDescription:
    """What a client wants spawned; ``as_sent`` is the description as it came, for the replies that repeat it."""

    type_id: str
    attributes: dict[str, str]
    as_sent: list[Any]

    @staticmethod
    def read(value: Any) -> ActorDescription:
        """From ``[uid, id, [[id, type, value] …]]``."""
        uid, type_id, rows = wire.struct(value, "an actor description", wire.integer, wire.text, wire.list_of(_row))
        attributes = {name: content for name, _, content in rows}
        return ActorDescription(type_id, attributes, [uid, type_id, [list(row) for row in rows]])

    @staticmethod
    def plain(type_id: str) -> ActorDescription:
        """A description without attributes, for actors that the server itself makes."""
        return ActorDescription(type_id, {}, [0, type_id, []])


def _row(value: Any) -> tuple[Any, ...]:
    return wire.struct(value, "an actor attribute", wire.text, wire.integer, wire.text)


@dataclass(frozen=True)
class VehicleControl:
    """Throttle and brake 0..1, steer -1..1 (right positive); values beyond are clipped."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0

    @staticmethod
    def read(value: Any) -> VehicleControl:
        n, b = wire.number, wire.boolean
        throttle, steer, brake, *rest = wire.struct(value, "a vehicle control", n, n, n, b, b, b, wire.integer)
        if not -1 <= rest[-1] <= _GEARS:
            raise wire.WireError(f"gear: expected -1 to {_GEARS}, found {rest[-1]}")
        return VehicleControl(_clip(throttle, 0.0), _clip(steer, -1.0), _clip(brake, 0.0), *rest)


def _clip(value: float, low: float) -> float:
    return min(1.0, max(low, value))


@dataclass(frozen=True)
class WalkerControl:
    """Direction in the world, speed in m/s."""

    direction: Vec3 = (1.0, 0.0, 0.0)
    speed_mps: float = 0.0
    jump: bool = False

    @staticmethod
    def read(value: Any) -> WalkerControl:
        return WalkerControl(*wire.struct(value, "a walker control", wire.vector, wire.number, wire.boolean))


WEATHER_FIELDS = (
    "cloudiness",
    "precipitation",
    "precipitation_deposits",
    "wind_intensity",
    "sun_azimuth_angle",
    "sun_altitude_angle",
    "fog_density",
    "fog_distance",
    "fog_falloff",
    "wetness",
    "scattering_intensity",
    "mie_scattering_scale",
    "rayleigh_scattering_scale",
    "dust_storm",
)


@dataclass(frozen=True)
class WeatherParameters:
    """CARLA's weather: percentages, sun angles in degrees, fog distances in metres."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(WEATHER_FIELDS):
            raise wire.WireError(f"weather: expected {len(WEATHER_FIELDS)} numbers, found {len(self.values)}")

    @staticmethod
    def read(value: Any) -> WeatherParameters:
        return WeatherParameters(wire.struct(value, "weather parameters", *[wire.number] * len(WEATHER_FIELDS)))

    @staticmethod
    def of(**named: float) -> WeatherParameters:
        """From names; what is not named is 0."""
        return WeatherParameters(tuple(float(named.get(name, 0.0)) for name in WEATHER_FIELDS))

    def __getitem__(self, name: str) -> float:
        return self.values[WEATHER_FIELDS.index(name)]


CLEAR_NOON = WeatherParameters.of(
    cloudiness=5.0,
    wind_intensity=10.0,
    sun_azimuth_angle=-1.0,
    sun_altitude_angle=45.0,
    fog_density=2.0,
    fog_distance=0.75,
    fog_falloff=0.1,
    scattering_intensity=1.0,
    mie_scattering_scale=0.03,
    rayleigh_scattering_scale=0.0331,
)
"""carla.WeatherParameters.ClearNoon."""


@dataclass(frozen=True)
class EpisodeSettings:
    """The settings the server acts on; ``as_sent`` holds all eleven fields as the client set them."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_s: float | None = None
    as_sent: Sequence[Any] = field(
        default_factory=lambda: [False, False, [False], True, 0.01, 10, 0.0, True, 3000.0, 2000.0, True]
    )

    @staticmethod
    def read(value: Any) -> EpisodeSettings:
        """Raises WireError for a time step that is not above 0 and at most 1 s."""
        b, n = wire.boolean, wire.number
        fields = wire.struct(value, "episode settings", b, b, wire.optional_of(n), b, n, wire.integer, n, b, n, n, b)
        delta = fields[2]
        if delta is not None and not 0.0 < delta <= 1.0:
            # CARLA's own clients send 0 for "variable".
            if delta != 0.0:
                raise wire.WireError(f"fixed_delta_seconds: expected above 0 and at most 1, found {delta}")
            delta = None
        stored = [*fields[:2], wire.optional(delta), *fields[3:]]
        return EpisodeSettings(fields[0], fields[1], delta, stored)
