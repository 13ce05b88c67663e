"""Calls about traffic lights: states, times, freezing, groups."""

from __future__ import annotations

from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.dispatcher import Answer, Call, Dispatcher
from ros_anomaly_sim.server.signal_models import HEAD_SIZE_M
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.traffic_lights import LightState, TrafficLight

_LONGEST_S = 1e6


class TrafficLightCalls:
    """Handlers of those calls."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handlers known."""
        add, integer = dispatcher.register, wire.integer
        add("set_traffic_light_state", lambda _, i, s: self.set_state(i, s), integer, integer, answer=Answer.VOID)
        for state in (LightState.GREEN, LightState.YELLOW, LightState.RED):
            add(
                f"set_traffic_light_{state.name.lower()}_time",
                lambda _, i, seconds, state=state: self._set_seconds(i, state, seconds),
                integer,
                wire.number,
                answer=Answer.VOID,
            )
        add("freeze_traffic_light", self._freeze, integer, wire.boolean, answer=Answer.VOID)
        add("reset_traffic_light_group", lambda _, i: self.find(i).group.reset(), integer, answer=Answer.VOID)
        add("freeze_all_traffic_lights", self._freeze_all, wire.boolean, answer=Answer.VOID)
        add("reset_all_traffic_lights", self._reset_all, answer=Answer.VOID)
        add("get_group_traffic_lights", self._group, integer)
        add("get_light_boxes", self._boxes, integer)

    def find(self, actor_id: int) -> TrafficLight:
        """The light; WireError where there is none."""
        light = self._simulation.episode.lights.find(actor_id)
        if light is None:
            actor = self._simulation.episode.find(actor_id)
            raise wire.WireError(f"actor {actor_id} is no traffic light but a {actor.type_id}")
        return light

    def set_state(self, actor_id: int, state: int) -> None:
        """Show this state until the light's phase takes its next step."""
        try:
            wanted = LightState(state)
        except ValueError:
            legal = ", ".join(f"{s.value} {s.name}" for s in LightState)
            raise wire.WireError(f"traffic light state: expected one of {legal}; found {state}") from None
        self.find(actor_id).show(wanted)

    def _set_seconds(self, actor_id: int, state: LightState, seconds: float) -> None:
        if not 0.0 <= seconds <= _LONGEST_S:
            raise wire.WireError(f"{state.name.lower()} time: expected 0 to {_LONGEST_S:g} s, found {seconds:g}")
        self.find(actor_id).seconds[state] = seconds

    def _freeze(self, _: Call, actor_id: int, frozen: bool) -> None:
        """As in CARLA, with all lights of the junction."""
        self.find(actor_id).group.frozen = frozen

    def _freeze_all(self, _: Call, frozen: bool) -> None:
        for group in self._simulation.episode.lights.groups:
            group.frozen = frozen

    def _reset_all(self, _: Call) -> None:
        for group in self._simulation.episode.lights.groups:
            group.reset()

    def _group(self, _: Call, actor_id: int) -> list[int]:
        return [light.actor.id for light in self.find(actor_id).group.lights]

    def _boxes(self, _: Call, actor_id: int) -> list[Any]:
        """BoundingBox of each head, in the world."""
        light = self.find(actor_id)
        width, depth, height = HEAD_SIZE_M
        extent, rotation = [depth / 2, width / 2, height / 2], [0.0, light.traffic_yaw_deg, 0.0]
        return [[list(middle), extent, rotation, actor_id] for middle in light.head_middles()]
