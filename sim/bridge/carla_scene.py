"""A scenario as it stands in a CARLA world: ego vehicle, traffic and anomalies, all placed along the ego's route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np

from ros_anomaly_sim.bridge.lane_route import LaneRoute
from ros_anomaly_sim.bridge.road_users import DrivingVehicle, LaneFollower, RoadUser, Walker
from ros_anomaly_sim.bridge.world_hold import MissingBlueprint, WorldHold
from ros_anomaly_sim.scenarios.schema import Anomaly, Scenario, SceneActor, Swerve
from ros_anomaly_sim.street import ego_path

# A route goes on beyond its end, so that what the ego steers for and its braking distance lie on it.
_ROUTE_GOES_ON_M = 40.0
_TRAFFIC_ROUTE_M = 250.0  # and as much more as the ego's is longer than 100 m
# Things are put down from a little above: at the very ground CARLA takes the ground for what is in the way.
_ABOVE_GROUND_M = 0.3
_WALKER_HALF_HEIGHT_M = 1.0
_SETTLING_TICKS = 20


@dataclass(frozen=True)
class PlacedAnomaly:
    """An anomaly in the world.

    Attributes:
        first_m, last_m: extent of its box along the route, from where the ego's origin starts.
        right_m, left_m: extent across it, left positive (``right_m`` <= ``left_m``).
        corners: float64 [8, 3] of its box in CARLA's frame.
    """

    anomaly: Anomaly
    actor_id: int
    first_m: float
    last_m: float
    right_m: float
    left_m: float
    corners: np.ndarray

    @property
    def name(self) -> str:
        """Its blueprint without ``static.prop.``."""
        return self.anomaly.blueprint.removeprefix("static.prop.")

    @property
    def middle(self) -> tuple[float, float]:
        """Middle of its box on the ground, in the odometry's frame (CARLA's turned right-handed)."""
        x, y = self.corners[:, :2].mean(axis=0)
        return float(x), -float(y)

    def reaches_into(self, half_width_m: float) -> bool:
        """Whether any of it lies in a strip along the route."""
        return self.right_m < half_width_m and self.left_m > -half_width_m


class CarlaScene:
    """Spawns a scenario through a hold, which also destroys it; when made, everything stands.

    Attributes:
        ego: the ``carla.Vehicle``.
        driver: keeps it on its route.
        start_m: where on the route its origin starts.

    Raises:
        MissingBlueprint: something of the scenario does not exist on this server.
        SpawnRefused, NoRouteError: it cannot stand where the scenario wants it.
    """

    def __init__(self, hold: WorldHold, scenario: Scenario) -> None:
        self.scenario = scenario
        self._hold = hold
        hold.world.set_weather(carla.WeatherParameters(**scenario.weather_parameters))
        start = _spawn_point(hold, scenario)
        self._route = LaneRoute.along(
            hold.map, start.location, _farthest_m(scenario) + _ROUTE_GOES_ON_M, scenario.ego.route_m + _ROUTE_GOES_ON_M
        )
        self.start_m = self._route.project(start.location.x, start.location.y)[0]
        self.ego = hold.spawn(hold.blueprint(scenario.ego.blueprint, role_name="ego_vehicle"), start)
        self._movers: list[RoadUser] = []
        traffic = [(actor, self._spawn_actor(actor)) for actor in scenario.actors]
        props = [self._spawn(a.blueprint, a.distance_m, a.left_m, a.yaw_deg) for a in scenario.anomalies]
        self._settle([*props, *(spawned for actor, spawned in traffic if not actor.speed_kmh)])
        self.driver = LaneFollower(self.ego, self._way_around(scenario.ego.swerves))
        for actor, spawned in traffic:
            self._set_in_motion(actor, spawned)
        self.anomalies = tuple(self._placed(a, p) for a, p in zip(scenario.anomalies, props, strict=True))

    def travelled_m(self) -> float:
        """How far the ego's origin has come along the route."""
        location = self.ego.get_location()
        return self._route.project(location.x, location.y)[0] - self.start_m

    def drive_traffic(self) -> None:
        """Tell everybody else to go on; before every tick."""
        for mover in self._movers:
            mover.go_on()

    def _way_around(self, swerves: Sequence[Swerve]) -> LaneRoute:
        """The route with the ego's swerves."""
        along_m = self._route.along_m - self.start_m
        left_m = np.zeros_like(along_m)
        for swerve in swerves:
            way = ego_path.Swerve(swerve.distance_m, swerve.hold_m, swerve.left_m, swerve.ramp_m)
            left_m += way.offset_m(along_m)
        return self._route.shifted(left_m) if swerves else self._route

    def _settle(self, standing: list[Any]) -> None:
        """Let everything come to rest on the ground, then keep what never moves as it stands."""
        self.ego.apply_control(carla.VehicleControl(brake=1.0))
        for actor in standing:
            actor.set_simulate_physics(True)
        for _ in range(_SETTLING_TICKS):
            self._hold.tick()
        for actor in standing:
            actor.set_simulate_physics(False)
        self._hold.tick()

    def _transform(self, distance_m: float, left_m: float, yaw_deg: float) -> carla.Transform:
        x, y, route_yaw_deg = self._route.place(self.start_m + distance_m, left_m)
        ground = self._hold.map.get_waypoint(carla.Location(x=x, y=y)).transform.location.z
        return carla.Transform(
            carla.Location(x=x, y=y, z=ground + _ABOVE_GROUND_M), carla.Rotation(yaw=route_yaw_deg - yaw_deg)
        )

    def _spawn(self, blueprint: str, distance_m: float, left_m: float, yaw_deg: float) -> Any:
        return self._hold.spawn(self._hold.blueprint(blueprint), self._transform(distance_m, left_m, yaw_deg))

    def _spawn_actor(self, actor: SceneActor) -> Any:
        transform = self._transform(actor.distance_m, actor.left_m, actor.yaw_deg)
        if actor.blueprint.startswith("walker."):
            transform.location.z += _WALKER_HALF_HEIGHT_M
        elif actor.blueprint.startswith("vehicle.") and actor.speed_kmh:
            lane = self._hold.map.get_waypoint(transform.location).transform
            transform = carla.Transform(lane.location + carla.Location(z=_ABOVE_GROUND_M), lane.rotation)
        return self._hold.spawn(self._hold.blueprint(actor.blueprint, role_name="traffic"), transform)

    def _set_in_motion(self, actor: SceneActor, spawned: Any) -> None:
        speed_mps = actor.speed_kmh / 3.6
        if not speed_mps:
            return
        if actor.blueprint.startswith("walker."):
            self._movers.append(Walker(spawned, speed_mps))
        else:
            length_m = _TRAFFIC_ROUTE_M + max(0.0, self.scenario.ego.route_m - 100.0)
            route = LaneRoute.along(self._hold.map, spawned.get_location(), length_m, shortest_m=1.0)
            self._movers.append(DrivingVehicle(spawned, route, speed_mps))

    def _placed(self, anomaly: Anomaly, prop: Any) -> PlacedAnomaly:
        vertices = prop.bounding_box.get_world_vertices(prop.get_transform())
        corners = np.array([(v.x, v.y, v.z) for v in vertices])
        places = np.array([self._route.project(x, y) for x, y, _ in corners])
        (first, right), (last, left) = places.min(axis=0), places.max(axis=0)
        return PlacedAnomaly(
            anomaly,
            int(prop.id),
            float(first - self.start_m),
            float(last - self.start_m),
            float(right),
            float(left),
            corners,
        )


def _farthest_m(scenario: Scenario) -> float:
    """How far the lane is followed: what stands beyond the route's end stands along the lane, too."""
    actors, anomalies = scenario.actors, scenario.anomalies
    return max(scenario.ego.route_m, *(a.distance_m for a in actors), *(a.distance_m for a in anomalies), 0.0)


def _spawn_point(hold: WorldHold, scenario: Scenario) -> carla.Transform:
    points = hold.map.get_spawn_points()
    number = scenario.ego.spawn_point
    if number >= len(points):
        raise MissingBlueprint(f"{hold.map.name}: expected a spawn point {number}, found {len(points)} of them")
    return points[number]
