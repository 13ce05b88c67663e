"""Where a camera stands in a town, and what is around it at that moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.actors import Actor, ActorMaker
from ros_anomaly_sim.street.anomalies import Anomaly
from ros_anomaly_sim.street.furnishing import footprint
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Footprint, Occupancy
from ros_anomaly_sim.street.scene import CameraPose, Placement, Scene, Weather
from ros_anomaly_sim.street.town import Town

FIRST_ACTOR_INSTANCE_ID = 20001
_AHEAD_M = 190.0
_BEHIND_M = 35.0
_PEOPLE_AHEAD_M = 90.0
_CAMERA_AHEAD_OF_BASE_M = 1.5
_EGO_HALF_M = (1.05, 3.2)


@dataclass(frozen=True)
class Viewpoint:
    """A camera at road coordinates that looks along its lane.

    ``direction`` is 1 along s (lane at d > 0) or -1 against it. The lane's middle is ``lane_d_m``; angles are
    relative to the lane.
    """

    s_m: float
    d_m: float
    direction: int
    lane_d_m: float
    height_m: float = 1.6
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0

    def pose(self, town: Town) -> CameraPose:
        """The camera in the world."""
        x, y = town.track.position(self.s_m, self.d_m)
        heading = float(town.track.heading_rad(self.s_m)) + (0.0 if self.direction > 0 else np.pi)
        return CameraPose((x, y, self.height_m), heading + self.yaw_rad, self.pitch_rad, self.roll_rad)

    def ahead_s(self, distance_m: float) -> float:
        """s of what lies that far ahead (behind where negative)."""
        return self.s_m + self.direction * distance_m

    def lateral_m(self, d_m: float) -> float:
        """Offset of ``d_m`` from the lane's middle, positive to the left as the camera looks."""
        return -self.direction * (d_m - self.lane_d_m)

    def ego_footprint(self, town: Town) -> Footprint:
        """The ground of the vehicle that carries the camera, with a little room before it."""
        return footprint(town.track, self.ahead_s(-_CAMERA_AHEAD_OF_BASE_M + 0.6), self.d_m, _EGO_HALF_M, 0.0)

    def free_ground(self, town: Town) -> Occupancy:
        """What is taken around the camera: the town's own things and the ego vehicle."""
        x, y = town.track.position(self.ahead_s(_AHEAD_M / 2), 0.0)
        occupied = town.occupied.near(x, y, _AHEAD_M)
        occupied.add(self.ego_footprint(town))
        return occupied


@dataclass(frozen=True)
class Density:
    """How much goes on: share of parking used, metres between driving cars, people per 100 m of street."""

    parked_share: float
    headway_m: float
    people_per_100_m: float

    @staticmethod
    def sample(rng: np.random.Generator) -> Density:
        """From a quiet to a busy street."""
        return Density(float(rng.uniform(0.05, 0.75)), float(rng.uniform(14, 70)), float(rng.uniform(3, 30)))


def populate(
    town: Town,
    library: ModelLibrary,
    view: Viewpoint,
    anomalies: tuple[Anomaly, ...],
    occupied: Occupancy,
    density: Density,
    weather: Weather,
    rng: np.random.Generator,
) -> Scene:
    """The scene around a viewpoint; ``occupied`` already holds the anomalies and the ego vehicle.

    Nobody drives between the camera and an anomaly in its own lane: they would have met it.
    """
    s0, s1 = sorted((view.ahead_s(-_BEHIND_M), view.ahead_s(_AHEAD_M)))
    for anomaly in anomalies:
        if abs(anomaly.d_m - view.lane_d_m) < 1.75:
            gap = abs(anomaly.s_m - view.s_m)
            middle = view.ahead_s(gap / 2)
            occupied.add(footprint(town.track, middle, view.lane_d_m, (0.4, gap / 2), 0.0))
    near, far = sorted((view.ahead_s(-5.0), view.ahead_s(_PEOPLE_AHEAD_M)))
    maker = ActorMaker(town, library, occupied, rng)
    actors: list[Actor] = [
        *maker.parked(s0, s1, density.parked_share),
        *maker.driving(s0, s1, density.headway_m),
        *maker.pedestrians(near, far, density.people_per_100_m),
    ]
    placements: list[Placement] = [
        *_near(town, view),
        *(a.placement(town, FIRST_ACTOR_INSTANCE_ID + i) for i, a in enumerate(actors)),
        *(a.placement(town) for a in anomalies),
    ]
    return Scene(town.world, tuple(placements), weather)


def _near(town: Town, view: Viewpoint) -> list[Placement]:
    x, y = town.track.position(view.ahead_s((_AHEAD_M - _BEHIND_M) / 2), 0.0)
    reach = (_AHEAD_M + _BEHIND_M) / 2 + 15.0
    return [p for p in town.placements if (p.position[0] - x) ** 2 + (p.position[1] - y) ** 2 < reach**2]
