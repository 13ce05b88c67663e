"""Batches: many commands in one call, each with a response of its own."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.actor_calls import ActorCalls
from ros_anomaly_sim.server.dispatcher import Answer, Call, Dispatcher
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.structs import ActorDescription, VehicleControl, WalkerControl
from ros_anomaly_sim.server.traffic_light_calls import TrafficLightCalls
from ros_anomaly_sim.server.vehicle_calls import VehicleCalls

FUTURE_ACTOR = 0
"""Stands, in what is to be done after a spawn, for the actor that was spawned."""


class Command(IntEnum):
    """Numbers of the commands: the order of the client's variant (0.9.16)."""

    SPAWN_ACTOR = 0
    DESTROY_ACTOR = 1
    APPLY_VEHICLE_CONTROL = 2
    APPLY_VEHICLE_ACKERMANN_CONTROL = 3
    APPLY_WALKER_CONTROL = 4
    APPLY_VEHICLE_PHYSICS_CONTROL = 5
    APPLY_TRANSFORM = 6
    APPLY_WALKER_STATE = 7
    APPLY_TARGET_VELOCITY = 8
    APPLY_TARGET_ANGULAR_VELOCITY = 9
    APPLY_IMPULSE = 10
    APPLY_FORCE = 11
    APPLY_ANGULAR_IMPULSE = 12
    APPLY_TORQUE = 13
    SET_SIMULATE_PHYSICS = 14
    SET_ENABLE_GRAVITY = 15
    SET_AUTOPILOT = 16
    SHOW_DEBUG_TELEMETRY = 17
    SET_VEHICLE_LIGHT_STATE = 18
    APPLY_LOCATION = 19
    CONSOLE_COMMAND = 20
    SET_TRAFFIC_LIGHT_STATE = 21


class BatchCalls:
    """Handler of ``apply_batch``."""

    def __init__(
        self, simulation: Simulation, actors: ActorCalls, vehicles: VehicleCalls, lights: TrafficLightCalls
    ) -> None:
        self._simulation = simulation
        self._actors = actors
        # Commands of the form [actor, value].
        self._simple: dict[Command, tuple[wire.Reader, Callable[[int, Any], None]]] = {
            Command.APPLY_VEHICLE_CONTROL: (VehicleControl.read, vehicles.control),
            Command.APPLY_WALKER_CONTROL: (WalkerControl.read, actors.walk),
            Command.APPLY_TRANSFORM: (wire.transform, actors.set_transform),
            Command.APPLY_TARGET_VELOCITY: (wire.vector, actors.set_velocity),
            Command.APPLY_TARGET_ANGULAR_VELOCITY: (wire.vector, actors.set_angular_velocity),
            Command.SET_SIMULATE_PHYSICS: (wire.boolean, actors.set_physics),
            Command.SET_ENABLE_GRAVITY: (wire.boolean, actors.set_gravity),
            Command.SET_AUTOPILOT: (wire.boolean, vehicles.set_autopilot),
            Command.SET_VEHICLE_LIGHT_STATE: (wire.integer, lambda i, state: vehicles.set_lights(i, [state])),
            Command.APPLY_LOCATION: (wire.vector, actors.set_location),
            Command.SET_TRAFFIC_LIGHT_STATE: (wire.integer, lights.set_state),
        }

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handler known."""
        dispatcher.register("apply_batch", self._apply, wire.list_of(wire.anything), wire.boolean, answer=Answer.BARE)

    def _apply(self, _: Call, commands: list[Any], tick: bool) -> list[Any]:
        responses = [self._respond(command) for command in commands]
        if tick:
            self._simulation.tick()
        return responses

    def _respond(self, command: Any) -> list[Any]:
        """Response<ActorId>: one command's failure is its own."""
        try:
            return wire.ok(self._run(command))
        except wire.WireError as error:
            return wire.failed(str(error))

    def _run(self, command: Any, spawned: int | None = None) -> int:
        """Run a command; gives the actor it is about."""
        (variant,) = wire.struct(command, "a command", wire.anything)
        index, value = wire.struct(variant, "a numbered command", wire.integer, wire.anything)
        try:
            kind = Command(index)
        except ValueError as error:
            raise wire.WireError(f"expected a command of 0 to {max(Command)}, found {index}") from error
        if kind is Command.SPAWN_ACTOR:
            return self._spawn(value)
        if not isinstance(value, list) or not value:
            raise wire.WireError(f"{kind.name}: expected an actor, found {wire.shown(value)}")
        actor = wire.integer(value[0])
        if actor == FUTURE_ACTOR and spawned is not None:
            actor = spawned
        if kind is Command.DESTROY_ACTOR:
            if not self._actors.destroy(actor):
                raise wire.WireError(f"unable to destroy actor {actor}: not found")
        elif kind is Command.APPLY_WALKER_STATE:
            _, where, speed = wire.struct(value, kind.name, wire.integer, wire.transform, wire.number)
            self._actors.set_transform(actor, where)
            self._actors.walk(actor, WalkerControl((0.0, 0.0, 0.0), speed))
        elif kind in self._simple:
            reader, handler = self._simple[kind]
            handler(actor, reader(value[1] if len(value) > 1 else None))
        else:
            raise wire.WireError(f"command {kind.name} is not supported by this server")
        return actor

    def _spawn(self, value: Any) -> int:
        description, where, parent, attachment, _, after = wire.struct(
            value,
            "SPAWN_ACTOR",
            ActorDescription.read,
            wire.transform,
            wire.optional_of(wire.integer),
            wire.integer,
            wire.text,
            wire.list_of(wire.anything),
        )
        actor = self._actors.spawn(description, where, parent or 0, attachment)
        for command in after:
            self._run(command, actor.id)
        return actor.id
