"""One episode: a map, its actors, the settings, the weather and the clock. Only the simulation thread touches it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.actors import STILL, Actor, Shape, paint_of
from ros_anomaly_sim.server.blueprints import Blueprint, BlueprintLibrary, Kind
from ros_anomaly_sim.server.collisions import Collision, touching
from ros_anomaly_sim.server.dynamics import grip_when, physics_of
from ros_anomaly_sim.server.geometry import Transform
from ros_anomaly_sim.server.motion import move_all
from ros_anomaly_sim.server.structs import CLEAR_NOON, ActorDescription, EpisodeSettings, WeatherParameters
from ros_anomaly_sim.server.tags import Tag
from ros_anomaly_sim.server.town_map import TownMap
from ros_anomaly_sim.server.traffic_lights import TrafficLights
from ros_anomaly_sim.server.weather import wetness
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.splits import Split

FIRST_ACTOR_ID = 20001
"""Instance ids below belong to the town's own furniture."""

_SPECTATOR = Blueprint("spectator", Kind.SPECTATOR, Tag.NONE)
_BLOCKED = "Spawn failed because of collision at spawn position"


class Episode:
    """The world between two ``load_world``.

    Attributes:
        number: identifies the episode; clients notice a new map by it.
        lights: the map's traffic lights; their actors cannot be destroyed.
        frame, elapsed_s, delta_s: the last tick, simulated time since the episode began, and the last step.
    """

    def __init__(
        self,
        number: int,
        town: TownMap,
        blueprints: BlueprintLibrary,
        library: ModelLibrary,
        first_frame: int,
        settings: EpisodeSettings,
    ) -> None:
        self.number = number
        self.town = town
        self.blueprints = blueprints
        self.settings = settings
        self.weather: WeatherParameters = CLEAR_NOON
        self.frame = first_frame
        self.elapsed_s = 0.0
        self.delta_s = 0.0
        self._library = library
        self._actors: dict[int, Actor] = {}
        self._next_id = FIRST_ACTOR_ID
        start = town.spawn_points[0] if town.spawn_points else Transform()
        x, y, z = start.location
        self.spectator = self._admit(
            Actor(
                self._new_id(),
                _SPECTATOR,
                ActorDescription.plain("spectator"),
                Transform((x, y, z + 2.0), start.rotation),
            )
        )
        self.lights = TrafficLights(town.signals, (self._new_id() for _ in town.signals))
        for light in self.lights:
            self._admit(light.actor)

    @property
    def actors(self) -> Sequence[Actor]:
        """The living actors, in the order they were spawned."""
        return list(self._actors.values())

    def find(self, actor_id: int) -> Actor:
        """The living actor; WireError where there is none."""
        actor = self._actors.get(actor_id)
        if actor is None:
            raise wire.WireError(f"actor not found: no actor {actor_id} is alive")
        return actor

    def known(self, ids: Iterable[int]) -> list[Actor]:
        """Those of the actors that are alive."""
        return [self._actors[i] for i in ids if i in self._actors]

    def spawn(self, description: ActorDescription, transform: Transform, parent_id: int = 0) -> Actor:
        """A new actor; ``transform`` is relative to the parent where one is given.

        Raises:
            WireError: no such blueprint, attribute or parent, or something solid already stands there.
        """
        blueprint = self.blueprints.find(description.type_id)
        parent = self.find(parent_id) if parent_id else None
        actor = Actor(
            id=0,
            blueprint=blueprint,
            description=description,
            transform=transform,
            shape=self._shape(blueprint, description),
            parent=parent,
            parent_id=parent_id,
            simulates_physics=blueprint.kind in (Kind.VEHICLE, Kind.WALKER),
        )
        if blueprint.kind is Kind.VEHICLE and actor.shape is not None:
            actor.physics = physics_of(blueprint.form, 2 * actor.shape.extent[0])
        if actor.solid and self._is_taken(actor):
            raise wire.WireError(_BLOCKED)
        actor.id = self._new_id()
        return self._admit(actor)

    def destroy(self, actor_id: int) -> Actor | None:
        """Remove an actor; None if there is none that may go. What was attached stays where it is, as in CARLA."""
        actor = self._actors.get(actor_id)
        if actor is None or actor.kind in (Kind.SPECTATOR, Kind.TRAFFIC_LIGHT):
            return None
        for child in self._actors.values():
            if child.parent is actor:
                child.transform = child.world_transform()
                child.parent = None
        del self._actors[actor_id]
        return actor

    def tick(self, delta_s: float) -> list[Collision]:
        """Move everything by one step; gives what ran into what."""
        self.frame += 1
        self.elapsed_s += delta_s
        self.delta_s = delta_s
        self.lights.tick(delta_s)
        return move_all(self.actors, self.town, grip_when(wetness(self.weather)), delta_s)

    def _admit(self, actor: Actor) -> Actor:
        self._actors[actor.id] = actor
        return actor

    def _is_taken(self, actor: Actor) -> bool:
        where = actor.world_transform()
        if touching(actor, where, self._actors.values()):
            return True
        if actor.kind is Kind.PROP:
            return False
        obstacles = self.town.obstacles_near(*where.location[:2])
        return not obstacles.is_free(actor.footprint(where))

    def _new_id(self) -> int:
        """Ids whose low 16 bits are free and above the town's own instance ids."""
        taken = {a.instance_id for a in self._actors.values()} if self._next_id > 0xFFFF else set()
        while (self._next_id & 0xFFFF) < FIRST_ACTOR_ID or (self._next_id & 0xFFFF) in taken:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _shape(self, blueprint: Blueprint, description: ActorDescription) -> Shape | None:
        if blueprint.kind is Kind.VEHICLE:
            model = self._of_split("car", blueprint)
            return replace(self._box(model), paint=paint_of(_colour(blueprint, description)))
        if blueprint.kind is Kind.WALKER:
            shape = self._box(self._of_split("person", blueprint))
            return replace(shape, origin_height_m=shape.extent[2])
        if blueprint.kind is Kind.PROP and blueprint.model is not None:
            return self._box(blueprint.model)
        return None

    def _of_split(self, kind: str, blueprint: Blueprint) -> str:
        """The blueprint's model among those of the town's split; training's where the split has none of the form."""
        names = self._library.names(kind, self.town.split, blueprint.form)
        names = names or self._library.names(kind, Split.TRAIN, blueprint.form)
        return names[blueprint.number % len(names)]

    def _box(self, model: str) -> Shape:
        width, length, height = self._library.load(model).size_m
        return Shape(model, (length / 2, width / 2, height / 2))


def _colour(blueprint: Blueprint, description: ActorDescription) -> str:
    attribute = blueprint.attribute("color")
    return description.attributes.get("color", attribute.default if attribute else "128,128,128")


def stop(actor: Actor) -> None:
    """Take all motion out of an actor."""
    actor.velocity = actor.angular_velocity = actor.acceleration = STILL
    actor.speed_mps = 0.0
