"""The way along a lane, and the steering that keeps to it. CARLA's frame; the client's map is all that is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_STEP_M = 1.0


class NoRouteError(ValueError):
    """The lane does not go on for as long as the route should."""


@dataclass(frozen=True)
class LaneRoute:
    """A polyline along lane middles, points about 1 m apart; straight on beyond its ends.

    Attributes:
        points: float64 [N, 2] x and y in CARLA's frame.
    """

    points: np.ndarray
    _s: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 2 or len(self.points) < 2:
            raise ValueError(f"points: expected [N >= 2, 2], found {list(self.points.shape)}")
        steps = np.hypot(*np.diff(self.points, axis=0).T)
        object.__setattr__(self, "_s", np.concatenate(([0.0], np.cumsum(steps))))

    @classmethod
    def along(cls, carla_map: Any, start: Any, length_m: float, shortest_m: float | None = None) -> LaneRoute:
        """From a ``carla.Location`` along its lane, through junctions as straight as they let one.

        Raises:
            NoRouteError: the lane ends before ``shortest_m`` (None: ``length_m``).
        """
        shortest_m = length_m if shortest_m is None else shortest_m
        waypoint = carla_map.get_waypoint(start)
        places = [waypoint.transform]
        for done in range(math.ceil(length_m / _STEP_M)):
            following = waypoint.next(_STEP_M)
            if not following:
                if done * _STEP_M >= max(shortest_m, _STEP_M):
                    break
                raise NoRouteError(f"expected a lane of {shortest_m:g} m from {start}, found {done * _STEP_M:g} m")
            yaw = places[-1].rotation.yaw
            waypoint = min(following, key=lambda w: abs(math.remainder(w.transform.rotation.yaw - yaw, 360.0)))
            places.append(waypoint.transform)
        return cls(np.array([(t.location.x, t.location.y) for t in places]))

    @property
    def length_m(self) -> float:
        """From the first to the last point."""
        return float(self._s[-1])

    @property
    def along_m(self) -> np.ndarray:
        """float64 [N]: distance along of each point."""
        return self._s

    def shifted(self, left_m: np.ndarray) -> LaneRoute:
        """The way whose points lie float64 [N] metres to the left of these."""
        ways = np.gradient(self.points, axis=0)
        ways /= np.hypot(*ways.T)[:, None]
        return LaneRoute(self.points + left_m[:, None] * np.stack((ways[:, 1], -ways[:, 0]), axis=1))

    def project(self, x: float, y: float) -> tuple[float, float]:
        """(distance along, metres to the left) of the nearest point of the route."""
        starts, ways = self.points[:-1], np.diff(self.points, axis=0)
        lengths = np.diff(self._s)
        along = ((np.array((x, y)) - starts) * ways).sum(1) / lengths
        # Beyond either end the first and the last piece go on for ever.
        low, high = np.zeros(len(lengths)), lengths.copy()
        low[0], high[-1] = -np.inf, np.inf
        along = np.clip(along, low, high)
        nearest = starts + ways * (along / lengths)[:, None]
        index = int(np.argmin(((nearest - (x, y)) ** 2).sum(1)))
        way = ways[index] / lengths[index]
        offset = np.array((x, y)) - starts[index]
        return float(self._s[index] + along[index]), float(way[1] * offset[0] - way[0] * offset[1])

    def place(self, distance_m: float, left_m: float = 0.0) -> tuple[float, float, float]:
        """(x, y, yaw in degrees) at so many metres along and to the left."""
        index = int(np.clip(np.searchsorted(self._s, distance_m, side="right") - 1, 0, len(self.points) - 2))
        way = self.points[index + 1] - self.points[index]
        way = way / np.hypot(*way)
        x, y = self.points[index] + way * (distance_m - self._s[index]) + left_m * np.array((way[1], -way[0]))
        return float(x), float(y), math.degrees(math.atan2(way[1], way[0]))


@dataclass(frozen=True)
class SteeringGear:
    """How a vehicle turns: distance of its axles, angle at full lock, share of it by speed (km/h, share)."""

    wheelbase_m: float
    max_steer_rad: float
    curve: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, vehicle: Any) -> SteeringGear:
        """Of a ``carla.Vehicle``, by its physics and its box."""
        physics = vehicle.get_physics_control()
        degrees = max((w.max_steer_angle for w in physics.wheels), default=0.0) or 70.0
        curve = tuple((float(p.x), float(p.y)) for p in physics.steering_curve) or ((0.0, 1.0),)
        return cls(1.2 * vehicle.bounding_box.extent.x, math.radians(degrees), curve)

    def steer(self, curvature_per_m: float, speed_mps: float) -> float:
        """Steer in -1..1 (positive to the right) for a curvature, positive to the right."""
        speeds, shares = zip(*self.curve, strict=True)
        lock = self.max_steer_rad * float(np.interp(abs(speed_mps) * 3.6, speeds, shares))
        return float(np.clip(math.atan(self.wheelbase_m * curvature_per_m) / lock, -1.0, 1.0))


def pursuit_curvature(
    route: LaneRoute, x: float, y: float, yaw_deg: float, speed_mps: float, shortest_m: float = 5.0
) -> float:
    """Curvature (1/m, positive to the right) of the arc to the route's point ahead.

    Pure pursuit: R. C. Coulter, Implementation of the Pure Pursuit Path Tracking Algorithm, CMU-RI-TR-92-01.
    """
    along, _ = route.project(x, y)
    goal_x, goal_y, _ = route.place(along + max(shortest_m, 0.9 * speed_mps))
    dx, dy, yaw = goal_x - x, goal_y - y, math.radians(yaw_deg)
    to_the_right = -math.sin(yaw) * dx + math.cos(yaw) * dy
    return 2 * to_the_right / max(dx * dx + dy * dy, 1.0)


def cruise_pedals(speed_mps: float, wanted_mps: float) -> tuple[float, float]:
    """(throttle, brake) in 0..1 that bring a car to a speed, gently above it."""
    error = wanted_mps - speed_mps
    if error < -1.0:
        return 0.0, min(1.0, 0.15 * -error)
    return float(np.clip(0.08 + 0.5 * error, 0.0, 1.0)), 0.0
