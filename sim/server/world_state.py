"""The world-state stream: one snapshot of every actor a tick, in CARLA's packed layout."""

from __future__ import annotations

import struct
import time

from ros_anomaly_sim.server.actors import Actor
from ros_anomaly_sim.server.blueprints import Kind
from ros_anomaly_sim.server.episode import Episode
from ros_anomaly_sim.server.geometry import Transform
from ros_anomaly_sim.server.sensor_types import SensorType
from ros_anomaly_sim.server.traffic_lights import LightState, TrafficLight

MAP_CHANGED = 1
"""Flag of the first state of an episode: clients fetch the map again."""

_HEADER = struct.Struct("<QQd6f")
_EPISODE = struct.Struct("<QdfiiiI")
_ACTOR = struct.Struct("<IB6f3f3f3f")
_VEHICLE = struct.Struct("<fff???ifB?IB")
_WALKER = struct.Struct("<3ff?")
_STATE_BYTES = 54
_ALIVE = 1
_LIGHT = struct.Struct("<32sffffI?B")
_NO_FAILURE = 0
_POLE = 0
_SPEED_LIMIT_KMH = 50.0


def header(sensor: SensorType, frame: int, elapsed_s: float, transform: Transform | None = None) -> bytes:
    """The 48 bytes before every payload of a stream."""
    where = transform or Transform()
    return _HEADER.pack(int(sensor), frame, elapsed_s, *where.location, *where.rotation)


def world_state(episode: Episode, flags: int = 0) -> bytes:
    """The snapshot of the episode's last tick."""
    parts = [
        header(SensorType.WORLD_STATE, episode.frame, episode.elapsed_s),
        _EPISODE.pack(episode.number, time.time(), episode.delta_s, 0, 0, 0, flags),
    ]
    parts += [_actor(episode, a) for a in episode.actors]
    return b"".join(parts)


def _actor(episode: Episode, actor: Actor) -> bytes:
    where = actor.world_transform()
    fixed = _ACTOR.pack(
        actor.id,
        _ALIVE,
        *where.location,
        *where.rotation,
        *actor.world_velocity(),
        *actor.angular_velocity,
        *actor.acceleration,
    )
    return fixed + _own_state(episode, actor).ljust(_STATE_BYTES, b"\0")


def _own_state(episode: Episode, actor: Actor) -> bytes:
    if actor.kind is Kind.VEHICLE:
        light = episode.lights.before(actor)
        # Who stands before no light has green, as in CARLA.
        shown = (LightState.GREEN, False, 0) if light is None else (light.state, True, light.actor.id)
        c = actor.control
        flags = (c.hand_brake, c.reverse, c.manual_gear_shift, c.gear)
        return _VEHICLE.pack(c.throttle, c.steer, c.brake, *flags, _SPEED_LIMIT_KMH, *shown, _NO_FAILURE)
    if actor.kind is Kind.WALKER:
        return _WALKER.pack(*actor.walk.direction, actor.walk.speed_mps, actor.walk.jump)
    light = episode.lights.find(actor.id)
    return b"" if light is None else _light_state(light)


def _light_state(light: TrafficLight) -> bytes:
    seconds = (light.seconds[s] for s in (LightState.GREEN, LightState.YELLOW, LightState.RED))
    number = str(light.signal.number).encode()
    return _LIGHT.pack(number, *seconds, light.shown_s, _POLE, light.group.frozen, light.state)
