"""An actor: what it is, where it is, and how it moves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.blueprints import Blueprint, Kind
from ros_anomaly_sim.server.dynamics import VehiclePhysics
from ros_anomaly_sim.server.geometry import Transform, Vec3, street_yaw_rad, to_street
from ros_anomaly_sim.server.structs import ActorDescription, VehicleControl, WalkerControl
from ros_anomaly_sim.server.tags import Tag, drawn_class
from ros_anomaly_sim.street.occupancy import Footprint
from ros_anomaly_sim.street.scene import Placement

STILL: Vec3 = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """How an actor looks and the box it takes: half extents (along, across, up) and how high the origin is in it.

    ``origin_height_m`` is the origin's height above the model's underside: walkers have theirs at half height.
    """

    model: str
    extent: Vec3
    origin_height_m: float = 0.0
    paint: Vec3 | None = None

    @property
    def box_centre(self) -> Vec3:
        """Middle of the box, relative to the origin."""
        return (0.0, 0.0, self.extent[2] - self.origin_height_m)


@dataclass(frozen=True)
class TriggerBox:
    """The ground that a traffic light is about, in its actor's axes: the middle, and half extents."""

    middle: Vec3
    extent: Vec3


@dataclass
class Actor:
    """A living actor; the simulation thread alone changes it.

    ``transform`` is relative to the parent where there is one, else in the world. ``velocity`` and
    ``acceleration`` are in the world, per second; ``angular_velocity`` in degrees per second.
    """

    id: int
    blueprint: Blueprint
    description: ActorDescription
    transform: Transform
    shape: Shape | None = None
    parent: Actor | None = None
    parent_id: int = 0
    physics: VehiclePhysics | None = None
    simulates_physics: bool = True
    collides: bool = True
    velocity: Vec3 = STILL
    angular_velocity: Vec3 = STILL
    acceleration: Vec3 = STILL
    speed_mps: float = 0.0
    control: VehicleControl = field(default_factory=VehicleControl)
    walk: WalkerControl = field(default_factory=WalkerControl)
    constant_velocity: Vec3 | None = None
    light_state: int = 0
    trigger: TriggerBox | None = None

    @property
    def kind(self) -> Kind:
        return self.blueprint.kind

    @property
    def type_id(self) -> str:
        return self.blueprint.type_id

    @property
    def tag(self) -> Tag:
        return self.blueprint.tag

    @property
    def solid(self) -> bool:
        """Whether others collide with it."""
        return self.shape is not None and self.collides

    @property
    def instance_id(self) -> int:
        """Its id in the instance camera: the actor id's low 16 bits, unique among living actors."""
        return self.id & 0xFFFF

    def attribute(self, name: str) -> str:
        """Value of an attribute as the client set it, else the blueprint's default; KeyError if it has none."""
        value = self.description.attributes.get(name)
        if value is not None:
            return value
        attribute = self.blueprint.attribute(name)
        if attribute is None:
            raise KeyError(f"{self.type_id} has no attribute {name!r}")
        return attribute.default

    def world_transform(self) -> Transform:
        """Where it is in the world."""
        return self.transform if self.parent is None else self.parent.world_transform().compose(self.transform)

    def world_velocity(self) -> Vec3:
        """Velocity of what it is mounted on, or its own."""
        return self.velocity if self.parent is None else self.parent.world_velocity()

    def family(self) -> Actor:
        """The outermost parent: actors of one family do not collide."""
        return self if self.parent is None else self.parent.family()

    def footprint(self, transform: Transform | None = None) -> Footprint:
        """The ground it takes, in the streets' frame; at another place if one is given."""
        if self.shape is None:
            raise ValueError(f"{self.type_id} takes no ground")
        where = transform or self.world_transform()
        x, y, _ = to_street(where.location)
        along, across, _ = self.shape.extent
        return Footprint(x, y, across, along, street_yaw_rad(where.yaw_deg))

    def height_range(self, transform: Transform | None = None) -> tuple[float, float]:
        """Lowest and highest z it takes."""
        if self.shape is None:
            raise ValueError(f"{self.type_id} takes no room")
        low = (transform or self.world_transform()).location[2] - self.shape.origin_height_m
        return low, low + 2 * self.shape.extent[2]

    def placement(self) -> Placement | None:
        """What the renderer draws for it; None for what is not seen."""
        if self.shape is None:
            return None
        where = self.world_transform()
        x, y, z = to_street(where.location)
        return Placement(
            model=self.shape.model,
            position=(x, y, z - self.shape.origin_height_m),
            yaw_rad=street_yaw_rad(where.yaw_deg),
            class_id=drawn_class(self.tag),
            instance_id=self.instance_id,
            paint=self.shape.paint,
            tag=self.kind.value,
        )

    def bounding_box(self) -> list[Any]:
        """BoundingBox on the wire: centre relative to the actor, extent, rotation, actor id."""
        extent, centre = (self.shape.extent, self.shape.box_centre) if self.shape else (STILL, STILL)
        if self.trigger is not None:
            extent, centre = self.trigger.extent, self.trigger.middle
        return [list(centre), list(extent), [0.0, 0.0, 0.0], self.id]

    def on_the_wire(self, token: bytes) -> list[Any]:
        """Actor; ``token`` is the stream token of a sensor, else empty."""
        tags = bytes([self.tag]) if self.tag is not Tag.NONE else b""
        return [self.id, self.parent_id, self.description.as_sent, self.bounding_box(), tags, token]


def paint_of(colour: str) -> Vec3:
    """sRGB 0..1 of a blueprint's "r,g,b"; WireError for anything else."""
    parts = colour.split(",")
    try:
        red, green, blue = (int(p) for p in parts)
    except ValueError as error:
        raise wire.WireError(f"attribute color: expected 'red,green,blue' of 0 to 255, found {colour!r}") from error
    if not all(0 <= c <= 255 for c in (red, green, blue)):
        raise wire.WireError(f"attribute color: expected 0 to 255, found {colour!r}")
    return (red / 255, green / 255, blue / 255)


def length_of(vector: Vec3) -> float:
    """Euclidean length."""
    return math.hypot(*vector)
