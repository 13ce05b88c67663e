"""Who moves along a street: vehicles that keep to their lane, and walkers."""

from __future__ import annotations

import math
from typing import Any, Protocol

import carla

from ros_anomaly_sim.bridge.lane_route import LaneRoute, SteeringGear, cruise_pedals, pursuit_curvature


class RoadUser(Protocol):
    """Somebody who is told before every tick to go on."""

    def go_on(self) -> None: ...


class LaneFollower:
    """A vehicle on a route."""

    def __init__(self, vehicle: Any, route: LaneRoute) -> None:
        self.vehicle, self.route = vehicle, route
        self._gear = SteeringGear.of(vehicle)

    def control(self, wanted_mps: float, brake: float | None = None) -> carla.VehicleControl:
        """Control that keeps it on the route, at a speed or braking by so much (0..1)."""
        transform, velocity = self.vehicle.get_transform(), self.vehicle.get_velocity()
        x, y, yaw_deg = transform.location.x, transform.location.y, transform.rotation.yaw
        speed = math.hypot(velocity.x, velocity.y)
        steer = self._gear.steer(pursuit_curvature(self.route, x, y, yaw_deg, speed), speed)
        throttle, slowing = cruise_pedals(speed, wanted_mps) if brake is None else (0.0, brake)
        return carla.VehicleControl(throttle=throttle, steer=steer, brake=slowing)


class DrivingVehicle(LaneFollower):
    """Traffic: a vehicle at a steady speed, which stops where its route ends."""

    def __init__(self, vehicle: Any, route: LaneRoute, speed_mps: float) -> None:
        super().__init__(vehicle, route)
        self._speed_mps = speed_mps

    def go_on(self) -> None:
        location = self.vehicle.get_location()
        at_end = self.route.project(location.x, location.y)[0] > self.route.length_m - 15.0
        self.vehicle.apply_control(self.control(self._speed_mps, 0.6 if at_end else None))


class Walker:
    """A person who goes straight on."""

    def __init__(self, walker: Any, speed_mps: float) -> None:
        self._walker, self._speed_mps = walker, speed_mps

    def go_on(self) -> None:
        direction = self._walker.get_transform().get_forward_vector()
        self._walker.apply_control(carla.WalkerControl(direction=direction, speed=self._speed_mps))
