"""One tick of everything that moves: vehicles under their controls, walkers, and what they run into."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ros_anomaly_sim.server.actors import STILL, Actor, length_of
from ros_anomaly_sim.server.blueprints import Kind
from ros_anomaly_sim.server.collisions import Collision, first_obstacle
from ros_anomaly_sim.server.dynamics import VehicleMotion, step
from ros_anomaly_sim.server.geometry import Transform, Vec3, forward
from ros_anomaly_sim.server.town_map import TownMap

_WALKER_KG = 75.0
_STILL_MPS = 1e-3


def move_all(actors: Sequence[Actor], town: TownMap, grip: float, dt_s: float) -> list[Collision]:
    """Move every actor by one tick, in the order of their ids; gives what ran into what."""
    found: list[Collision] = []
    solid = [a for a in actors if a.solid]
    for actor in actors:
        if actor.parent is not None or not actor.simulates_physics:
            continue
        before = actor.velocity
        if actor.kind is Kind.VEHICLE and actor.physics is not None:
            found += _move_vehicle(actor, solid, town, grip, dt_s)
        elif actor.kind is Kind.WALKER:
            found += _move_walker(actor, solid, town, dt_s)
        elif actor.kind is Kind.PROP:
            _settle(actor, town)
            continue
        else:
            continue
        actor.acceleration = _rate(before, actor.velocity, dt_s)
    return found


def _move_vehicle(actor: Actor, solid: Sequence[Actor], town: TownMap, grip: float, dt_s: float) -> list[Collision]:
    assert actor.physics is not None
    where = actor.transform
    x, y, _ = where.location
    if actor.constant_velocity is not None:
        ahead, right, _ = actor.constant_velocity
        cos, sin = forward(where.yaw_deg)
        vx, vy = cos * ahead - sin * right, sin * ahead + cos * right
        after = VehicleMotion(x + vx * dt_s, y + vy * dt_s, where.yaw_deg, ahead)
    else:
        now = VehicleMotion(x, y, where.yaw_deg, actor.speed_mps)
        after = step(now, actor.control, actor.physics, grip, dt_s)
    to = Transform((after.x, after.y, town.ground_height_m(after.x, after.y)), (0.0, after.yaw_deg, 0.0))
    velocity = ((after.x - x) / dt_s, (after.y - y) / dt_s, 0.0)
    hit = _blocked(actor, to, velocity, actor.physics.mass_kg, solid, town)
    if hit is not None:
        actor.speed_mps, actor.velocity, actor.angular_velocity = 0.0, STILL, STILL
        return [hit]
    actor.transform, actor.velocity, actor.speed_mps = to, velocity, after.speed_mps
    actor.angular_velocity = (0.0, 0.0, after.yaw_rate_dps)
    return []


def _move_walker(actor: Actor, solid: Sequence[Actor], town: TownMap, dt_s: float) -> list[Collision]:
    assert actor.shape is not None
    x, y, _ = actor.transform.location
    rotation = actor.transform.rotation
    if actor.constant_velocity is not None:
        velocity = actor.constant_velocity
    else:
        size = length_of(actor.walk.direction)
        share = actor.walk.speed_mps / size if size > 1e-6 else 0.0
        velocity = (actor.walk.direction[0] * share, actor.walk.direction[1] * share, 0.0)
    moving = math.hypot(velocity[0], velocity[1]) > _STILL_MPS
    if moving:
        rotation = (0.0, math.degrees(math.atan2(velocity[1], velocity[0])), 0.0)
    x, y = x + velocity[0] * dt_s, y + velocity[1] * dt_s
    to = Transform((x, y, town.ground_height_m(x, y) + actor.shape.origin_height_m), rotation)
    hit = _blocked(actor, to, velocity, _WALKER_KG, solid, town) if moving else None
    if hit is not None:
        actor.velocity, actor.speed_mps = STILL, 0.0
        return [hit]
    actor.transform, actor.velocity, actor.speed_mps = to, velocity, length_of(velocity)
    return []


def _settle(actor: Actor, town: TownMap) -> None:
    """A prop with physics lies on the ground."""
    x, y, _ = actor.transform.location
    actor.transform = actor.transform.at((x, y, town.ground_height_m(x, y)))


def _blocked(
    actor: Actor, to: Transform, velocity: Vec3, mass_kg: float, solid: Sequence[Actor], town: TownMap
) -> Collision | None:
    """The collision that keeps the actor where it is: whatever is hit stays, and what hits it stops."""
    if not actor.collides or math.hypot(velocity[0], velocity[1]) < _STILL_MPS:
        return None
    blocked, other = first_obstacle(actor, to, solid, town.obstacles_near(*to.location[:2]))
    if not blocked:
        return None
    return Collision(actor, other, (-mass_kg * velocity[0], -mass_kg * velocity[1], 0.0))


def _rate(before: Vec3, after: Vec3, dt_s: float) -> Vec3:
    x, y, z = ((b - a) / dt_s for a, b in zip(before, after, strict=True))
    return (x, y, z)
