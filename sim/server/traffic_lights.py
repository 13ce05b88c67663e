"""Traffic lights: junctions that give way to one phase after the other, and who stands before which light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from ros_anomaly_sim.server.actors import Actor, TriggerBox
from ros_anomaly_sim.server.blueprints import Blueprint, Kind
from ros_anomaly_sim.server.geometry import Transform, Vec3, carla_yaw_deg, to_street
from ros_anomaly_sim.server.signal_models import HEAD_SIZE_M, signal_model
from ros_anomaly_sim.server.structs import ActorDescription
from ros_anomaly_sim.server.tags import Tag, drawn_class
from ros_anomaly_sim.street.network.road_map import Signal
from ros_anomaly_sim.street.scene import Placement

BLUEPRINT = Blueprint("traffic.traffic_light", Kind.TRAFFIC_LIGHT, Tag.TRAFFIC_LIGHT)

_TRIGGER_M = 8.0
_OVER_THE_LINE_M = 0.5
_TRIGGER_HALF_HEIGHT_M = 1.0


class LightState(IntEnum):
    """carla.TrafficLightState."""

    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3
    UNKNOWN = 4


DEFAULT_SECONDS: dict[LightState, float] = {LightState.GREEN: 10.0, LightState.YELLOW: 3.0, LightState.RED: 2.0}
"""CARLA's own: how long a phase is green, then yellow, then red with all the others."""

_ORDER = (LightState.GREEN, LightState.YELLOW, LightState.RED)


@dataclass
class TrafficLight:
    """A light: its actor, where it belongs, what it shows and for how long already."""

    actor: Actor
    signal: Signal
    group: LightGroup
    state: LightState = LightState.RED
    shown_s: float = 0.0

    @property
    def seconds(self) -> dict[LightState, float]:
        """How long it is green, yellow and red with all others; lights of one phase share them."""
        return self.group.seconds[self.signal.phase]

    def show(self, state: LightState) -> None:
        """Show a state from now on, until its phase takes its next step."""
        self.state, self.shown_s = state, 0.0

    @property
    def traffic_yaw_deg(self) -> float:
        """Heading of the traffic that it is for."""
        return carla_yaw_deg(self.signal.stop.heading_rad)

    def head_middles(self) -> list[Vec3]:
        """Middle of each head, in CARLA's frame."""
        return [to_street((x, y, z + HEAD_SIZE_M[2] / 2)) for x, y, z in self.signal.heads]

    def placements(self) -> Iterator[Placement]:
        """Its heads as they look now."""
        for x, y, z in self.signal.heads:
            yield Placement(
                model=signal_model(self.state.name),
                position=(x, y, z),
                yaw_rad=self.signal.stop.heading_rad,
                class_id=drawn_class(Tag.TRAFFIC_LIGHT),
                instance_id=self.actor.instance_id,
                tag="traffic light",
            )


@dataclass
class LightGroup:
    """The lights of one junction. Phases without a light are the turn of roads that have none."""

    lights: list[TrafficLight] = field(default_factory=list)
    seconds: list[dict[LightState, float]] = field(default_factory=list)
    frozen: bool = False
    phase: int = 0
    step: LightState = LightState.GREEN
    step_s: float = 0.0

    def reset(self) -> None:
        """Begin with the first phase's green."""
        self.phase, self.step, self.step_s = 0, LightState.GREEN, 0.0
        for light in self.lights:
            light.show(LightState.GREEN if light.signal.phase == 0 else LightState.RED)

    def tick(self, delta_s: float) -> None:
        """Let time pass; a frozen junction keeps what it shows."""
        if self.frozen:
            return
        for light in self.lights:
            light.shown_s += delta_s
        self.step_s += delta_s
        # At most once around: times of zero must not turn for ever.
        for _ in range(len(_ORDER) * len(self.seconds)):
            if self.step_s < self.seconds[self.phase][self.step] - 1e-9:
                return
            self.step_s -= self.seconds[self.phase][self.step]
            self._advance()

    def _advance(self) -> None:
        if self.step is LightState.RED:
            self.phase = (self.phase + 1) % len(self.seconds)
        self.step = _ORDER[(_ORDER.index(self.step) + 1) % len(_ORDER)]
        for light in self.lights:
            if light.signal.phase == self.phase:
                light.show(self.step)


class TrafficLights:
    """All lights of a map, by the ids of their actors."""

    def __init__(self, signals: Sequence[Signal], ids: Iterable[int]) -> None:
        """Actors are made for the signals, one id each."""
        groups: dict[int, LightGroup] = {}
        self._by_id: dict[int, TrafficLight] = {}
        for signal, actor_id in zip(signals, ids, strict=True):
            group = groups.setdefault(signal.junction, LightGroup())
            if not group.seconds:
                group.seconds = [dict(DEFAULT_SECONDS) for _ in range(signal.phases)]
            light = TrafficLight(_actor(signal, actor_id), signal, group)
            group.lights.append(light)
            self._by_id[actor_id] = light
        self.groups = tuple(groups.values())
        for group in self.groups:
            group.reset()
        self._lights = tuple(self._by_id.values())
        stops = [light.signal.stop for light in self._lights]
        self._stops = np.array([s.position for s in stops]).reshape(-1, 2)
        self._forward = np.array([s.forward for s in stops]).reshape(-1, 2)
        self._half_width = np.array([light.signal.width_m / 2 for light in self._lights])

    def __iter__(self) -> Iterator[TrafficLight]:
        return iter(self._lights)

    def __len__(self) -> int:
        return len(self._lights)

    def find(self, actor_id: int) -> TrafficLight | None:
        """The light with that actor."""
        return self._by_id.get(actor_id)

    def tick(self, delta_s: float) -> None:
        """Let time pass."""
        for group in self.groups:
            group.tick(delta_s)

    def before(self, vehicle: Actor) -> TrafficLight | None:
        """The light that a vehicle stands before: its front is on the light's lanes, close to where these stop."""
        if not self._lights or vehicle.shape is None:
            return None
        where = vehicle.world_transform()
        front = vehicle.shape.extent[0]
        ahead = where.matrix()[:2, 0]
        x, y, _ = to_street((where.location[0] + front * ahead[0], where.location[1] + front * ahead[1], 0.0))
        offset = np.array([x, y]) - self._stops
        along = (offset * self._forward).sum(1)
        across = np.abs(offset[:, 0] * self._forward[:, 1] - offset[:, 1] * self._forward[:, 0])
        # Who comes out of the junction on the same ground drives the other way.
        with_it = self._forward @ np.array([ahead[1], ahead[0]]) > 0.0
        inside = (-_TRIGGER_M < along) & (along < _OVER_THE_LINE_M) & (across < self._half_width) & with_it
        found = np.flatnonzero(inside)
        return self._lights[int(found[0])] if len(found) else None


def _actor(signal: Signal, actor_id: int) -> Actor:
    """Its post's foot; x points across the road, to the right of the traffic that it is for, as CARLA's do."""
    x, y = signal.foot
    where = Transform(to_street((x, y, 0.0)), (0.0, carla_yaw_deg(signal.stop.heading_rad - np.pi / 2), 0.0))
    middle = signal.stop.moved(-_TRIGGER_M / 2)
    offset = np.array(to_street((middle.x_m, middle.y_m, _TRIGGER_HALF_HEIGHT_M))) - where.location
    cx, cy, cz = (float(v) for v in where.matrix().T @ offset)
    box = TriggerBox((cx, cy, cz), (signal.width_m / 2, _TRIGGER_M / 2, _TRIGGER_HALF_HEIGHT_M))
    return Actor(
        actor_id,
        BLUEPRINT,
        ActorDescription.plain(BLUEPRINT.type_id),
        where,
        trigger=box,
        simulates_physics=False,
    )
