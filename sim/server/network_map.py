"""A town of several streets and junctions as a map of the server."""

from __future__ import annotations

from ros_anomaly_sim.server.geometry import Transform, carla_yaw_deg, to_street
from ros_anomaly_sim.server.obstacles import ObstacleGrid
from ros_anomaly_sim.server.town_map import SPAWN_HEIGHT_M
from ros_anomaly_sim.street.network.lanes import SpawnPoint
from ros_anomaly_sim.street.network.opendrive import opendrive_text
from ros_anomaly_sim.street.network.town import NetworkTown
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.spawn_places import CLEAR_M, EVERY_M


class NetworkTownMap:
    """A ``NetworkTown`` as a TownMap; its spawn points go lane by lane in driving order."""

    def __init__(self, name: str, town: NetworkTown) -> None:
        self.name = name
        self.split = town.split
        self.world = town.world
        self.placements = town.placements
        self.opendrive = opendrive_text(town.road_map, name)
        self.signals = town.road_map.signals
        self.spawn_points = tuple(_transform(p) for p in town.lanes.spawn_points(EVERY_M, CLEAR_M))
        self._town = town
        self._obstacles = ObstacleGrid(town.occupied)

    def ground_height_m(self, x: float, y: float) -> float:
        """Height of the ground."""
        return self._town.ground_height_m(*to_street((x, y, 0.0))[:2])

    def obstacles_near(self, x: float, y: float) -> Occupancy:
        """Static obstacles within at least 15 m, as footprints in the streets' frame."""
        return self._obstacles.near(x, y)


def _transform(point: SpawnPoint) -> Transform:
    location = to_street((float(point.pose.x_m), float(point.pose.y_m), SPAWN_HEIGHT_M))
    return Transform(location, (0.0, carla_yaw_deg(float(point.pose.heading_rad)), 0.0))
