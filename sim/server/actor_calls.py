"""Calls about actors of any kind: spawning, destroying, finding, placing."""

from __future__ import annotations

import logging
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.actors import STILL, Actor, length_of
from ros_anomaly_sim.server.blueprints import Kind
from ros_anomaly_sim.server.dispatcher import Answer, Call, Dispatcher
from ros_anomaly_sim.server.episode import stop
from ros_anomaly_sim.server.geometry import Transform, Vec3, forward
from ros_anomaly_sim.server.sensor_spec import sensor_spec
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.structs import ActorDescription, WalkerControl

_RIGID = 0
_log = logging.getLogger(__name__)


class ActorCalls:
    """Handlers of those calls."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._spring_arm_warned = False

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handlers known."""
        description, transform, integer = ActorDescription.read, wire.transform, wire.integer
        boolean, vector = wire.boolean, wire.vector
        add = dispatcher.register
        add("spawn_actor", lambda _, d, t: self._shown(self.spawn(d, t)), description, transform)
        add("spawn_actor_with_parent", self._with_parent, description, transform, integer, integer, wire.text)
        add("destroy_actor", lambda _, i: self.destroy(i), integer)
        add("get_actors_by_id", self._by_id, wire.list_of(integer))
        add("get_spectator", lambda _: self._shown(self._simulation.episode.spectator))
        add("get_actor_bounding_box", lambda _, i: self.find(i).bounding_box(), integer)
        for name, handler, reader in (
            ("set_actor_transform", self.set_transform, transform),
            ("set_actor_location", self.set_location, vector),
            ("set_actor_target_velocity", self.set_velocity, vector),
            ("set_actor_target_angular_velocity", self.set_angular_velocity, vector),
            ("enable_actor_constant_velocity", self.set_constant_velocity, vector),
            ("set_actor_simulate_physics", self.set_physics, boolean),
            ("set_actor_enable_gravity", self.set_gravity, boolean),
            ("set_actor_collisions", self.set_collisions, boolean),
            ("apply_control_to_walker", self.walk, WalkerControl.read),
        ):
            add(name, lambda _, i, value, handler=handler: handler(i, value), integer, reader, answer=Answer.VOID)
        add(
            "disable_actor_constant_velocity",
            lambda _, i: self.set_constant_velocity(i, None),
            integer,
            answer=Answer.VOID,
        )

    def find(self, actor_id: int) -> Actor:
        """The living actor; WireError where there is none."""
        return self._simulation.episode.find(actor_id)

    def spawn(
        self, description: ActorDescription, transform: Transform, parent: int = 0, attachment: int = _RIGID
    ) -> Actor:
        """A new actor; sensors get their stream. Raises WireError."""
        if parent and attachment != _RIGID and not self._spring_arm_warned:
            self._spring_arm_warned = True
            _log.warning("spring arms are attached rigidly by this server")
        blueprint = self._simulation.blueprints.find(description.type_id)
        spec = sensor_spec(blueprint, description) if blueprint.kind is Kind.SENSOR else None
        actor = self._simulation.episode.spawn(description, transform, parent)
        if spec is not None:
            self._simulation.sensing.add(actor, spec)
        return actor

    def destroy(self, actor_id: int) -> bool:
        """Whether there was such an actor."""
        self._simulation.sensing.remove(actor_id)
        return self._simulation.episode.destroy(actor_id) is not None

    def set_transform(self, actor_id: int, transform: Transform) -> None:
        """Put an actor somewhere; relative to its parent, where it has one."""
        self.find(actor_id).transform = transform

    def set_location(self, actor_id: int, location: Vec3) -> None:
        actor = self.find(actor_id)
        actor.transform = actor.transform.at(location)

    def set_velocity(self, actor_id: int, velocity: Vec3) -> None:
        """Velocity in the world; of a vehicle what lies along its heading remains with the next tick."""
        actor = self.find(actor_id)
        cos, sin = forward(actor.transform.yaw_deg)
        actor.velocity = velocity
        actor.speed_mps = cos * velocity[0] + sin * velocity[1]
        if actor.kind is Kind.WALKER:
            actor.walk = WalkerControl(velocity, length_of(velocity))

    def set_angular_velocity(self, actor_id: int, velocity: Vec3) -> None:
        self.find(actor_id).angular_velocity = velocity

    def set_constant_velocity(self, actor_id: int, velocity: Vec3 | None) -> None:
        """Velocity that holds until it is taken back (None): in a vehicle's own axes, in the world for a walker."""
        self.find(actor_id).constant_velocity = velocity

    def set_physics(self, actor_id: int, enabled: bool) -> None:
        """Without physics an actor stays where it is put."""
        actor = self.find(actor_id)
        actor.simulates_physics = enabled
        if not enabled:
            stop(actor)

    def set_gravity(self, actor_id: int, enabled: bool) -> None:
        """The ground holds everything here; only a prop can be freed of gravity."""
        actor = self.find(actor_id)
        if actor.kind is Kind.PROP:
            actor.simulates_physics = enabled and actor.simulates_physics

    def set_collisions(self, actor_id: int, enabled: bool) -> None:
        self.find(actor_id).collides = enabled

    def walk(self, actor_id: int, control: WalkerControl) -> None:
        """Let a walker walk."""
        actor = self.find(actor_id)
        if actor.kind is not Kind.WALKER:
            raise wire.WireError(f"actor {actor_id} is no walker but a {actor.type_id}")
        actor.walk = control
        if control.speed_mps == 0.0:
            actor.velocity = STILL

    def _with_parent(
        self,
        _: Call,
        description: ActorDescription,
        transform: Transform,
        parent: int,
        attachment: int,
        _socket: str,
    ) -> list[Any]:
        return self._shown(self.spawn(description, transform, parent, attachment))

    def _by_id(self, _: Call, ids: list[int]) -> list[Any]:
        return [self._shown(a) for a in self._simulation.episode.known(ids)]

    def _shown(self, actor: Actor) -> list[Any]:
        return self._simulation.sensing.on_the_wire(actor)
