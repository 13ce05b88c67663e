"""What can be spawned: blueprints by CARLA's names, their attributes, and the model that shows each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.structs import AttributeType
from ros_anomaly_sim.server.tags import Tag


class Kind(Enum):
    """How an actor behaves."""

    VEHICLE = "vehicle"
    WALKER = "walker"
    PROP = "prop"
    SENSOR = "sensor"
    SPECTATOR = "spectator"
    TRAFFIC_LIGHT = "traffic light"
    CLIENT_SIDE = "client side"
    """Lives in the client that made it; the server only knows its name."""


@dataclass(frozen=True)
class Attribute:
    """One attribute of a blueprint: default as text, recommended values, and whether a client may change it."""

    name: str
    type: AttributeType
    default: str
    recommended: tuple[str, ...] = ()
    modifiable: bool = True

    def on_the_wire(self) -> list[Any]:
        return [self.name, int(self.type), self.default, list(self.recommended), self.modifiable, False]


@dataclass(frozen=True)
class Blueprint:
    """A blueprint. A prop shows the object ``model``; a vehicle or walker shows, of the objects of the town's split
    with that ``form``, the one with that ``number`` (counted around).
    """

    type_id: str
    kind: Kind
    tag: Tag
    attributes: tuple[Attribute, ...] = ()
    model: str | None = None
    form: str = ""
    number: int = 0

    def attribute(self, name: str) -> Attribute | None:
        return next((a for a in self.attributes if a.name == name), None)

    def on_the_wire(self, uid: int) -> list[Any]:
        """ActorDefinition."""
        tags = self.type_id.replace(".", ",")
        return [uid, self.type_id, tags, [a.on_the_wire() for a in self.attributes]]


class BlueprintLibrary:
    """Blueprints by type id."""

    def __init__(self, blueprints: Iterable[Blueprint]) -> None:
        self._by_id: dict[str, Blueprint] = {}
        for blueprint in blueprints:
            if blueprint.type_id in self._by_id:
                raise ValueError(f"blueprint {blueprint.type_id} stands twice in the library")
            self._by_id[blueprint.type_id] = blueprint

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterable[Blueprint]:
        return iter(self._by_id.values())

    def find(self, type_id: str) -> Blueprint:
        """The blueprint; WireError in CARLA's words where there is none."""
        blueprint = self._by_id.get(type_id)
        if blueprint is None:
            raise wire.WireError(
                f"Actor could not be spawned because the blueprint {type_id!r} is not one of the "
                f"{len(self._by_id)} of this server"
            )
        return blueprint

    def on_the_wire(self) -> list[Any]:
        """ActorDefinitions."""
        return [b.on_the_wire(uid) for uid, b in enumerate(self._by_id.values(), 1)]
