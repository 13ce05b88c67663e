"""What runs into what: oriented boxes on the ground with a range of heights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ros_anomaly_sim.server.actors import Actor
from ros_anomaly_sim.server.geometry import Transform, Vec3
from ros_anomaly_sim.street.occupancy import Occupancy, overlap


@dataclass(frozen=True)
class Collision:
    """``actor`` ran into ``other`` (None: something of the town); the impulse in N·s acts on ``actor``."""

    actor: Actor
    other: Actor | None
    impulse: Vec3


def touching(actor: Actor, transform: Transform, others: Iterable[Actor]) -> list[Actor]:
    """The solid actors that ``actor`` would overlap at ``transform``."""
    box = actor.footprint(transform)
    low, high = actor.height_range(transform)
    family = actor.family()
    found = []
    for other in others:
        if other is actor or not other.solid or other.family() is family:
            continue
        footprint = other.footprint()
        reach = box.reach_m + footprint.reach_m
        if (footprint.x_m - box.x_m) ** 2 + (footprint.y_m - box.y_m) ** 2 > reach * reach:
            continue
        other_low, other_high = other.height_range()
        if low < other_high and other_low < high and overlap(box, footprint):
            found.append(other)
    return found


def first_obstacle(
    actor: Actor, to: Transform, others: Iterable[Actor], obstacles: Occupancy
) -> tuple[bool, Actor | None]:
    """(whether the way from where the actor is to ``to`` is blocked, by which actor; None: by the town).

    What the actor overlaps already does not hold it unless it moves further in: whoever was put into something
    can leave it.
    """
    before = actor.world_transform()
    for other in touching(actor, to, others):
        if not touching(actor, before, [other]) or _closer(other, before, to):
            return True, other
    if obstacles.is_free(actor.footprint(before)) and not obstacles.is_free(actor.footprint(to)):
        return True, None
    return False, None


def _closer(other: Actor, before: Transform, after: Transform) -> bool:
    x, y, _ = other.world_transform().location

    def distance2(transform: Transform) -> float:
        return (transform.location[0] - x) ** 2 + (transform.location[1] - y) ** 2

    return distance2(after) < distance2(before)
