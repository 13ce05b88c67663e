"""A drive of the ego vehicle through a town: the scene, the ego pose and the camera at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street import weather as weathers
from ros_anomaly_sim.street.anomalies import Anomaly
from ros_anomaly_sim.street.drive_anomalies import clear_window_s, corridor_swerve, place_along
from ros_anomaly_sim.street.drive_traffic import make_parked, make_traffic
from ros_anomaly_sim.street.ego_path import TOP_SPEED_MPS, EgoPath
from ros_anomaly_sim.street.layout import RIGHT
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.scene import CameraPose, Placement, Scene, Vec3
from ros_anomaly_sim.street.town import DEFAULT_LENGTH_M, Town

CAMERA_AHEAD_M = 1.5
CAMERA_HEIGHT_M = 1.6
_START_S_M = 12.0
_VIEW_AHEAD_M = 200.0
_VIEW_BEHIND_M = 35.0
_LONGEST_S = 600.0


@dataclass(frozen=True)
class DriveAnomaly:
    """An anomaly of a drive, for reports: ``in_corridor`` if it reaches within 1.6 m of the lane's middle."""

    instance_id: int
    model: str
    position: Vec3
    yaw_rad: float
    s_m: float
    d_m: float
    in_corridor: bool


@dataclass(frozen=True)
class DriveState:
    """One moment of a drive: ``ego`` is (x, y, yaw) of base_link on the ground."""

    t_s: float
    scene: Scene
    ego: tuple[float, float, float]
    speed_mps: float
    yaw_rate_radps: float
    camera: CameraPose


class Drive:
    """A drive along a town's main road, the same for the same arguments.

    With ``anomalies`` at least six objects of the town's split stand along the way (fewer if the drive is shorter
    than about 45 s), every other one in the ego vehicle's corridor, where it swerves around them; drives of 45 s
    and more hold a stretch of ``clear_stretch_s`` with none within 100 m ahead. Without, a car drives ahead.

    Attributes:
        town: the town; long drives make it longer than the default.
        anomalies: what stands where.
        swerves: how the ego vehicle passes those in its corridor.
        clear_s: (start, end) of the stretch without anomalies ahead; None if there is none.
    """

    def __init__(
        self,
        seed: int,
        library: ModelLibrary,
        duration_s: float = 90.0,
        anomalies: bool = True,
        weather: str = "noon",
        clear_stretch_s: float = 18.0,
    ) -> None:
        if not 1.0 <= duration_s <= _LONGEST_S:
            raise ValueError(f"duration_s: expected 1..{_LONGEST_S:g}, found {duration_s}")
        self.duration_s = float(duration_s)
        self._weather = weathers.preset(weather)
        length = _START_S_M + TOP_SPEED_MPS * self.duration_s + 100.0
        self.town = Town.generate(seed, library, max(DEFAULT_LENGTH_M, float(np.ceil(length / 50.0) * 50.0)))
        rng = np.random.default_rng([seed, 77, int(anomalies)])
        profile = self.town.plan.profile
        lane_d = profile.lane_centre_m(RIGHT, profile.lanes - 1)
        phases = (float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 2 * np.pi)))
        path = EgoPath(self.town.track, _START_S_M, lane_d, phases)
        occupied = self.town.occupied.near(0.0, 0.0, np.inf)
        self.clear_s = clear_window_s(self.duration_s, clear_stretch_s) if anomalies else (0.0, self.duration_s)
        found: tuple[Anomaly, ...] = ()
        if anomalies:
            found = place_along(self.town, library, path, self.duration_s, self.clear_s, occupied, rng)
        self.swerves = tuple(s for s in (corridor_swerve(a, lane_d) for a in found) if s is not None)
        self._path = EgoPath(self.town.track, _START_S_M, lane_d, phases, self.swerves)
        self._fixed: list[Placement] = [*self.town.placements, *(a.placement(self.town) for a in found)]
        self._fixed += make_parked(self.town, library, occupied, rng)
        self._fixed_xy = np.array([p.position[:2] for p in self._fixed]).reshape(-1, 2)
        self._movers = make_traffic(self.town, library, self._path, self.duration_s, found, occupied, rng)
        self.anomalies = tuple(
            DriveAnomaly(
                a.instance_id,
                a.model,
                a.placement(self.town).position,
                a.placement(self.town).yaw_rad,
                a.s_m,
                a.d_m,
                corridor_swerve(a, lane_d) is not None,
            )
            for a in found
        )

    def state(self, t_s: float) -> DriveState:
        """The moment ``t_s`` seconds after the start; ValueError outside 0..duration_s."""
        if not 0.0 <= t_s <= self.duration_s + 1e-9:
            raise ValueError(f"t_s: expected 0..{self.duration_s:g}, found {t_s}")
        x, y, yaw = self._path.pose(t_s)
        camera = CameraPose(
            (x - CAMERA_AHEAD_M * float(np.sin(yaw)), y + CAMERA_AHEAD_M * float(np.cos(yaw)), CAMERA_HEIGHT_M), yaw
        )
        return DriveState(
            t_s=t_s,
            scene=Scene(self.town.world, tuple(self._placements(t_s, x, y, yaw)), self._weather),
            ego=(x, y, yaw),
            speed_mps=self._path.speed_mps(t_s),
            yaw_rate_radps=self._path.yaw_rate_radps(t_s),
            camera=camera,
        )

    def others(self, tag: str, t_s: float = 0.0) -> tuple[Placement, ...]:
        """Everybody of one kind at a time, wherever they are: "parked", "driving", "walking" or "crossing"."""
        fixed = tuple(p for p in self._fixed if p.tag == tag)
        return fixed + tuple(
            mover.at(t_s).placement(self.town, mover.instance_id) for mover in self._movers if mover.actor.tag == tag
        )

    def _placements(self, t_s: float, x: float, y: float, yaw: float) -> list[Placement]:
        def in_view(xy: np.ndarray) -> np.ndarray:
            offset = xy - (x, y)
            ahead = -np.sin(yaw) * offset[:, 0] + np.cos(yaw) * offset[:, 1]
            return (ahead > -_VIEW_BEHIND_M) & ((offset**2).sum(1) < _VIEW_AHEAD_M**2)

        placements = [self._fixed[i] for i in np.flatnonzero(in_view(self._fixed_xy))]
        limits = (-80.0, self.town.plan.length_m + 80.0)
        actors = [(mover.at(t_s), mover.instance_id) for mover in self._movers]
        moving = [a.placement(self.town, i) for a, i in actors if limits[0] < a.s_m < limits[1]]
        if moving:
            seen = in_view(np.array([p.position[:2] for p in moving]))
            placements += [p for p, is_seen in zip(moving, seen, strict=True) if is_seen]
        return placements
