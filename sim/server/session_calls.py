"""Calls about the session and the world as a whole: versions, maps, settings, weather, ticks, streams."""

from __future__ import annotations

import logging
import math
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.dispatcher import Answer, Call, Dispatcher
from ros_anomaly_sim.server.geometry import Vec3
from ros_anomaly_sim.server.map_store import available_maps
from ros_anomaly_sim.server.rays import hits
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.streams import WORLD_STREAM, token
from ros_anomaly_sim.server.structs import EpisodeSettings, WeatherParameters
from ros_anomaly_sim.server.tags import Tag

VERSION = "0.9.16"
"""Of the client whose protocol this is."""

_MAP_FOLDER = "Carla/Maps"
_log = logging.getLogger(__name__)


class SessionCalls:
    """Handlers of those calls."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._debug_warned = False

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handlers known."""
        add, text, boolean = dispatcher.register, wire.text, wire.boolean
        add("version", lambda _: VERSION)
        add("get_episode_info", self._episode_info)
        add("get_sensor_token", self._sensor_token, wire.integer)
        add("get_episode_settings", lambda _: list(self._simulation.episode.settings.as_sent))
        add("set_episode_settings", self._set_settings, EpisodeSettings.read)
        add("tick_cue", lambda _: self._simulation.tick())
        add("get_available_maps", self._available_maps)
        add("get_map_info", self._map_info)
        add("get_map_data", lambda _: self._simulation.episode.town.opendrive)
        add("get_required_files", lambda _, __: [], wire.anything)
        add("load_new_episode", self._load, text, boolean, wire.anything, answer=Answer.VOID)
        add("get_actor_definitions", lambda _: self._simulation.blueprints.on_the_wire())
        add("get_weather_parameters", lambda _: list(self._simulation.episode.weather.values))
        add("set_weather_parameters", self._set_weather, WeatherParameters.read, answer=Answer.VOID)
        # The towns have no lamps that can be switched and no level of separate objects.
        add("query_lights_state", lambda _, __: [], wire.anything)
        add("get_environment_objects", lambda _, __: [], wire.anything)
        add("get_all_level_BBs", lambda _, __: [], wire.anything)
        add("project_point", self._project, wire.vector, wire.vector, wire.number)
        add("cast_ray", self._cast_ray, wire.vector, wire.vector)
        add("draw_debug_shape", self._draw_debug_shape, wire.anything, answer=Answer.VOID)

    def _episode_info(self, _: Call) -> list[Any]:
        return [self._simulation.episode.number, [token(WORLD_STREAM, self._simulation.network.stream_port)]]

    def _sensor_token(self, call: Call, stream: int) -> list[Any]:
        if stream != WORLD_STREAM and stream not in self._simulation.sensing.specs:
            raise wire.WireError(f"no stream {stream}: no sensor with that id is alive")
        self._simulation.network.hub.announce(stream, call.client)
        return [token(stream, self._simulation.network.stream_port)]

    def _set_settings(self, _: Call, settings: EpisodeSettings) -> int:
        self._simulation.episode.settings = settings
        return self._simulation.episode.frame

    def _available_maps(self, _: Call) -> list[str]:
        return [f"/Game/{_MAP_FOLDER}/{name}" for name in available_maps()]

    def _map_info(self, _: Call) -> list[Any]:
        town = self._simulation.episode.town
        return [f"{_MAP_FOLDER}/{town.name}", [wire.from_transform(p) for p in town.spawn_points]]

    def _load(self, _: Call, name: str, reset_settings: bool, _layers: object) -> None:
        try:
            self._simulation.load(name, reset_settings)
        except ValueError as error:
            raise wire.WireError(str(error)) from error

    def _set_weather(self, _: Call, weather: WeatherParameters) -> None:
        self._simulation.episode.weather = weather

    def _project(self, _: Call, start: Vec3, direction: Vec3, reach_m: float) -> list[Any]:
        """Whether something is hit, and what."""
        hit = next(hits(self._simulation.sensing, start, direction, reach_m), None)
        return [False, [[0.0, 0.0, 0.0], int(Tag.NONE)]] if hit is None else [True, hit.labelled_point]

    def _cast_ray(self, _: Call, start: Vec3, end: Vec3) -> list[Any]:
        x, y, z = (b - a for a, b in zip(start, end, strict=True))
        found = hits(self._simulation.sensing, start, (x, y, z), math.hypot(x, y, z))
        return [hit.labelled_point for hit in found]

    def _draw_debug_shape(self, _: Call, _shape: object) -> None:
        if not self._debug_warned:
            self._debug_warned = True
            _log.warning("debug shapes are not drawn by this server")
