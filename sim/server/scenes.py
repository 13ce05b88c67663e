"""What one tick looks like: the town's own things around a camera, and the actors."""

from __future__ import annotations

import math

import numpy as np

from ros_anomaly_sim.server.episode import Episode
from ros_anomaly_sim.server.town_map import TownMap
from ros_anomaly_sim.server.weather import rendered_weather
from ros_anomaly_sim.street.scene import CameraPose, Placement, Scene

_VIEW_M = 220.0
_CELL_M = 30.0


class Scenery:
    """The placements of a town near a camera; the same for a whole cell of the ground.

    A set that changed with every metre would make the renderer draw its far shadows anew each time.
    """

    def __init__(self, town: TownMap) -> None:
        self._town = town
        self._positions = np.array([p.position[:2] for p in town.placements]).reshape(-1, 2)
        self._near: dict[tuple[int, int], tuple[Placement, ...]] = {}

    def near(self, pose: CameraPose) -> tuple[Placement, ...]:
        """Placements within about 200 m."""
        cell = (math.floor(pose.position[0] / _CELL_M), math.floor(pose.position[1] / _CELL_M))
        if cell not in self._near:
            middle = (np.array(cell) + 0.5) * _CELL_M
            seen = np.flatnonzero(((self._positions - middle) ** 2).sum(1) < _VIEW_M**2)
            self._near[cell] = tuple(self._town.placements[i] for i in seen)
        return self._near[cell]


def scene(episode: Episode, scenery: Scenery, pose: CameraPose) -> Scene:
    """The scene that a camera of the episode looks at."""
    actors = [p for p in (a.placement() for a in episode.actors) if p is not None]
    lights = [p for light in episode.lights for p in light.placements()]
    return Scene(episode.town.world, (*scenery.near(pose), *lights, *actors), rendered_weather(episode.weather))
