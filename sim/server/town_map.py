"""What the server asks of a map, and a town of one main street as such a map."""

from __future__ import annotations

import math
from typing import Protocol

from ros_anomaly_sim.server.geometry import Transform, Vec3, carla_yaw_deg, to_street
from ros_anomaly_sim.server.obstacles import ObstacleGrid
from ros_anomaly_sim.street.anomalies import ground_height_m
from ros_anomaly_sim.street.layout import RIGHT
from ros_anomaly_sim.street.network.opendrive import opendrive_text
from ros_anomaly_sim.street.network.road_map import Signal
from ros_anomaly_sim.street.network.single import road_map_of_street
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.roads import TERRAIN_HEIGHT_M
from ros_anomaly_sim.street.scene import Placement, StaticWorld
from ros_anomaly_sim.street.spawn_places import spawn_places
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import Town

SPAWN_HEIGHT_M = 0.3
"""How high above the road spawn points are."""


class TownMap(Protocol):
    """One map: everything static that the server needs to know, in CARLA's frame.

    Attributes:
        name: without folders ("Town2001").
        split: part of the data that its models come from.
        world: the static mesh; ``placements`` are its furniture, with instance ids below 20000.
        opendrive: OpenDRIVE text of its roads.
        spawn_points: where vehicles may start, heading along their lane.
        signals: its traffic lights, in the streets' frame.
    """

    name: str
    split: Split
    world: StaticWorld
    placements: tuple[Placement, ...]
    opendrive: str
    spawn_points: tuple[Transform, ...]
    signals: tuple[Signal, ...]

    def ground_height_m(self, x: float, y: float) -> float:
        """Height of the ground."""
        ...

    def obstacles_near(self, x: float, y: float) -> Occupancy:
        """Static obstacles within at least 15 m, as footprints in the streets' frame."""
        ...


class StreetTownMap:
    """A town of ``sim.street`` as a TownMap."""

    def __init__(self, name: str, town: Town) -> None:
        self.name = name
        self.split = town.split
        self.world = town.world
        self.placements = town.placements
        road_map = road_map_of_street(town, name)
        self.opendrive = opendrive_text(road_map)
        self.signals = road_map.signals
        self.spawn_points = tuple(
            _on_lane(town, place.s_m, place.side, place.lane, SPAWN_HEIGHT_M) for place in spawn_places(town.plan)
        )
        self._town = town
        self._obstacles = ObstacleGrid(town.occupied)

    def ground_height_m(self, x: float, y: float) -> float:
        s, d = self._road_coordinates(x, y)
        profile = self._town.plan.profile
        side = 1 if d > 0 else -1
        if abs(d) > profile.frontage_m(side):
            crossed = any(side in j.sides and abs(s - j.s_m) < j.half_width_m for j in self._town.plan.junctions)
            return 0.0 if crossed else TERRAIN_HEIGHT_M
        return ground_height_m(self._town, s, d)

    def obstacles_near(self, x: float, y: float) -> Occupancy:
        return self._obstacles.near(x, y)

    def _road_coordinates(self, x: float, y: float) -> tuple[float, float]:
        street_x, street_y, _ = to_street((x, y, 0.0))
        return self._town.track.project(street_x, street_y)


def _on_lane(town: Town, s: float, side: int, lane: int, z: float) -> Transform:
    x, y = town.track.position(s, town.plan.profile.lane_centre_m(side, lane))
    yaw = carla_yaw_deg(float(town.track.heading_rad(s)) + (0.0 if side == RIGHT else math.pi))
    location: Vec3 = to_street((x, y, z))
    return Transform(location, (0.0, yaw, 0.0))
