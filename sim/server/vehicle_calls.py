"""Calls about vehicles: controls, lights, physics."""

from __future__ import annotations

from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.actors import Actor
from ros_anomaly_sim.server.blueprints import Kind
from ros_anomaly_sim.server.dispatcher import Answer, Call, Dispatcher
from ros_anomaly_sim.server.dynamics import DRY_BRAKING_MPS2, STEERING_CURVE, VehiclePhysics
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.structs import VehicleControl

_WHEEL_RADIUS_CM = 34.0
_MAX_RPM = 5800.0


class VehicleCalls:
    """Handlers of those calls."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handlers known."""
        add, integer = dispatcher.register, wire.integer
        for name, handler, reader in (
            ("apply_control_to_vehicle", self.control, VehicleControl.read),
            ("set_vehicle_light_state", self.set_lights, wire.anything),
        ):
            add(name, lambda _, i, value, handler=handler: handler(i, value), integer, reader, answer=Answer.VOID)
        add("get_vehicle_light_state", lambda _, i: [self.find(i).light_state], integer)
        add("get_vehicle_light_states", self._all_lights)
        add("get_physics_control", self._physics, integer)

    def find(self, actor_id: int) -> Actor:
        """The living vehicle; WireError where there is none."""
        actor = self._simulation.episode.find(actor_id)
        if actor.kind is not Kind.VEHICLE:
            raise wire.WireError(f"actor {actor_id} is no vehicle but a {actor.type_id}")
        return actor

    def control(self, actor_id: int, control: VehicleControl) -> None:
        """Hold these pedals and this wheel until others come."""
        self.find(actor_id).control = control

    def set_autopilot(self, actor_id: int, _enabled: bool) -> None:
        """In a batch: the client's own traffic manager drives, with controls, once the server knows the vehicle."""
        self.find(actor_id)

    def set_lights(self, actor_id: int, state: Any) -> None:
        """Lights are kept and told, not drawn."""
        (value,) = wire.struct(state, "a light state", wire.integer)
        self.find(actor_id).light_state = value

    def _all_lights(self, _: Call) -> list[Any]:
        return [[a.id, a.light_state] for a in self._simulation.episode.actors if a.kind is Kind.VEHICLE]

    def _physics(self, _: Call, actor_id: int) -> list[Any]:
        actor = self.find(actor_id)
        assert actor.physics is not None
        return physics_control(actor, actor.physics)


def physics_control(actor: Actor, physics: VehiclePhysics) -> list[Any]:
    """VehiclePhysicsControl of a vehicle: what this model knows of it, the rest a plain car's."""
    where = actor.world_transform()
    half_track = actor.shape.extent[1] - 0.1 if actor.shape else 0.8
    wheels = []
    for ahead in (physics.wheelbase_m / 2, -physics.wheelbase_m / 2):
        for right in (-half_track, half_track):
            x, y, z = (where.matrix() @ (ahead, right, _WHEEL_RADIUS_CM / 100.0) + where.location).tolist()
            steer = physics.max_steer_deg if ahead > 0 else 0.0
            torque = physics.mass_kg * DRY_BRAKING_MPS2 * _WHEEL_RADIUS_CM / 100.0 / 4.0
            place_cm = [100.0 * x, 100.0 * y, 100.0 * z]
            wheels.append([3.5, 0.25, steer, _WHEEL_RADIUS_CM, torque, torque, 2.0, 17.0, 1000.0, place_cm])
    torque_nm = physics.power_w / (_MAX_RPM / 60.0 * 6.2832)
    return [
        [[0.0, torque_nm], [_MAX_RPM, torque_nm]],
        _MAX_RPM,
        1.0,
        0.15,
        2.0,
        0.35,
        True,
        0.0,
        10.0,
        4.0,
        [[1.0, 0.5, 0.65]],
        physics.mass_kg,
        2.0 * physics.drag_area_m2 / 4.4,
        [0.0, 0.0, 0.0],
        [[kmh, share] for kmh, share in STEERING_CURVE],
        wheels,
        False,
    ]
