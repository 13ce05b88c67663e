"""A CARLA world taken in hand: synchronous, with what is spawned in it known, and given back as it was."""

from __future__ import annotations

import logging
from typing import Any

import carla

_log = logging.getLogger(__name__)


class SpawnRefused(RuntimeError):
    """The server would not spawn an actor; the message says which and why."""


class MissingBlueprint(RuntimeError):
    """The server has no blueprint, or no map, of that name: what needs it is skipped."""


def connect(host: str, port: int, timeout_s: float) -> carla.Client:
    """A client of a server that answers. RuntimeError where none does within ``timeout_s``."""
    client = carla.Client(host, port)
    client.set_timeout(timeout_s)
    client.get_server_version()
    return client


class WorldHold:
    """Holds a world: its settings, and every actor spawned through it.

    Args:
        map_name: loaded unless it is there already; None takes what is there.
        fresh: load the map even if it is there, so that nothing is left of earlier sessions.
    """

    def __init__(self, client: carla.Client, map_name: str | None, delta_s: float, fresh: bool = False) -> None:
        self._client = client
        self._actors: list[Any] = []
        self._world = client.get_world()
        present = short_name(self._world.get_map().name)
        if map_name is not None and (fresh or present != map_name):
            known = {short_name(name) for name in client.get_available_maps()}
            # Some servers stand in for maps that they do not list: they are asked, too.
            try:
                self._world = client.load_world(map_name)
            except RuntimeError as error:
                if map_name in known:
                    raise
                raise MissingBlueprint(f"the server has no map {map_name!r}: {error}") from error
        self.map = self._world.get_map()
        self._blueprints = self._world.get_blueprint_library()
        self._before = self._world.get_settings()
        settings = self._world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = delta_s
        self._world.apply_settings(settings)

    @property
    def world(self) -> Any:
        """The ``carla.World``."""
        return self._world

    def blueprint(self, name: str, **attributes: str) -> Any:
        """A blueprint with attributes set, those that it does not have left out. Raises MissingBlueprint."""
        try:
            blueprint = self._blueprints.find(name)
        except IndexError:
            raise MissingBlueprint(f"the server has no blueprint {name!r}") from None
        for attribute, value in attributes.items():
            if blueprint.has_attribute(attribute):
                blueprint.set_attribute(attribute, value)
        return blueprint

    def spawn(self, blueprint: Any, transform: Any, parent: Any = None) -> Any:
        """Spawn an actor that is destroyed with this hold. Raises SpawnRefused."""
        try:
            actor = self._world.spawn_actor(blueprint, transform, attach_to=parent)
        except RuntimeError as error:
            raise SpawnRefused(f"{blueprint.id} at {transform.location}: {error}") from error
        self._actors.append(actor)
        return actor

    def hold_lights(self) -> None:
        """Put all traffic lights back to the start of their cycle, and keep them there."""
        self._world.freeze_all_traffic_lights(True)
        self._world.reset_all_traffic_lights()

    def let_lights_change(self) -> None:
        """Let them go on."""
        self._world.freeze_all_traffic_lights(False)

    def tick(self) -> int:
        """Move the world one step; the frame that it is at now. RuntimeError where the server is gone."""
        return int(self._world.tick())

    def close(self) -> None:
        """Destroy what was spawned, the last first, and give the settings back; a second call does nothing.

        A server that is gone has nothing left to give back: that is logged, not raised.
        """
        actors, self._actors = self._actors[::-1], []
        before, self._before = self._before, None
        if before is None:
            return
        try:
            # A destroy that nobody answers is no error to the client; each would wait for its time to run out.
            self._client.get_server_version()
            for actor in actors:
                if hasattr(actor, "stop"):
                    actor.stop()
            for actor in actors:
                actor.destroy()
            self.let_lights_change()
            self._world.apply_settings(before)
        except RuntimeError as error:
            _log.warning("the CARLA server is gone, nothing to tidy up there: %s", error)


def short_name(map_name: str) -> str:
    """A map's name without folders."""
    return map_name.rsplit("/", 1)[-1]
