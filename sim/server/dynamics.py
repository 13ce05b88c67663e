"""Vehicle dynamics: a kinematic bicycle with an engine, drag, brakes and the grip of the road.

The bicycle model with its reference at the middle of the wheelbase: R. Rajamani, Vehicle Dynamics and Control,
2nd ed., section 2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ros_anomaly_sim.server.structs import VehicleControl

GRAVITY_MPS2 = 9.81
DRY_BRAKING_MPS2 = 8.0
_HAND_BRAKE_MPS2 = 5.0
_WET_LOSS = 0.4
_LATERAL_MPS2 = 7.0
_ROLLING_MPS2 = 0.13
_ENGINE_BRAKING_MPS2 = 0.5
_AIR_KGPM3 = 1.2
_REVERSE_TOP_MPS = 8.0


@dataclass(frozen=True)
class VehiclePhysics:
    """What a vehicle can do.

    ``drag_area_m2`` is drag coefficient times frontal area; a steer of 1 turns the wheels by ``max_steer_deg``.
    """

    mass_kg: float
    power_w: float
    start_mps2: float
    wheelbase_m: float
    drag_area_m2: float
    max_steer_deg: float


@dataclass(frozen=True)
class VehicleMotion:
    """Position of the middle on the ground, heading (degrees, clockwise), speed along it (backwards negative)."""

    x: float
    y: float
    yaw_deg: float
    speed_mps: float
    yaw_rate_dps: float = 0.0


# form -> mass, power, acceleration from rest, drag area, steering angle at full lock.
_FORMS: dict[str, tuple[float, float, float, float, float]] = {
    "passenger_car": (1600.0, 95e3, 4.0, 0.68, 70.0),
    "van": (2600.0, 100e3, 3.0, 1.6, 70.0),
    "truck": (9000.0, 180e3, 1.8, 5.0, 60.0),
    "bus": (12000.0, 200e3, 1.6, 5.0, 60.0),
    "motorbike": (260.0, 50e3, 5.0, 0.45, 70.0),
    "bicycle": (90.0, 300.0, 1.0, 0.5, 70.0),
}


def physics_of(form: str, length_m: float) -> VehiclePhysics:
    """Physics of a form of vehicle with that length; KeyError for an unknown form."""
    mass, power, start, drag, steer = _FORMS[form]
    return VehiclePhysics(mass, power, start, 0.6 * length_m, drag, steer)


def grip_when(wet: float) -> float:
    """Share of the dry road's grip that is left when it is ``wet`` (0..1)."""
    return 1.0 - _WET_LOSS * min(1.0, max(0.0, wet))


def step(
    motion: VehicleMotion, control: VehicleControl, physics: VehiclePhysics, grip: float, dt_s: float
) -> VehicleMotion:
    """The motion ``dt_s`` later; ``grip`` 1 is a dry road, on which full brakes give 8 m/s²."""
    speed = _next_speed(motion.speed_mps, control, physics, grip, dt_s)
    mean = (motion.speed_mps + speed) / 2
    angle = math.radians(physics.max_steer_deg) * control.steer * _steering_share(mean)
    half = physics.wheelbase_m / 2
    slip = math.atan(0.5 * math.tan(angle))
    yaw_rate = mean * math.sin(slip) / half
    limit = _LATERAL_MPS2 * grip / max(abs(mean), 0.1)
    if abs(yaw_rate) > limit:
        yaw_rate = math.copysign(limit, yaw_rate)
        slip = math.asin(max(-1.0, min(1.0, yaw_rate * half / mean)))
    course = math.radians(motion.yaw_deg) + yaw_rate * dt_s / 2 + slip
    return VehicleMotion(
        x=motion.x + mean * math.cos(course) * dt_s,
        y=motion.y + mean * math.sin(course) * dt_s,
        yaw_deg=math.remainder(motion.yaw_deg + math.degrees(yaw_rate * dt_s), 360.0),
        speed_mps=speed,
        yaw_rate_dps=math.degrees(yaw_rate),
    )


def _next_speed(speed: float, control: VehicleControl, physics: VehiclePhysics, grip: float, dt_s: float) -> float:
    direction = -1.0 if control.reverse or (control.manual_gear_shift and control.gear < 0) else 1.0
    along = speed * direction
    strongest = min(physics.start_mps2, physics.power_w / (physics.mass_kg * max(abs(speed), 0.5)))
    drive = control.throttle * min(strongest, DRY_BRAKING_MPS2 * grip)
    if direction < 0 and along >= _REVERSE_TOP_MPS:
        drive = 0.0
    speed += direction * drive * dt_s
    brakes = DRY_BRAKING_MPS2 * control.brake + (_HAND_BRAKE_MPS2 if control.hand_brake else 0.0)
    against = min(brakes, DRY_BRAKING_MPS2) * grip
    against += _ROLLING_MPS2 + 0.5 * _AIR_KGPM3 * physics.drag_area_m2 * speed * speed / physics.mass_kg
    if control.throttle < 0.01:
        against += _ENGINE_BRAKING_MPS2
    # Brakes and drag stop a vehicle; they never turn its direction.
    return math.copysign(max(0.0, abs(speed) - against * dt_s), speed)


def _steering_share(speed_mps: float) -> float:
    """How far the wheels turn at that speed: CARLA's default steering curve (km/h → share of full lock)."""
    kmh = abs(speed_mps) * 3.6
    for (low, at_low), (high, at_high) in zip(STEERING_CURVE[:-1], STEERING_CURVE[1:], strict=True):
        if kmh <= high:
            return at_low + (at_high - at_low) * (kmh - low) / (high - low)
    return STEERING_CURVE[-1][1]


STEERING_CURVE: tuple[tuple[float, float], ...] = ((0.0, 1.0), (20.0, 0.9), (60.0, 0.8), (120.0, 0.7))
