"""A frame to be rendered, and the sampling of training frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ros_anomaly.limits import check_at_least
from ros_anomaly_sim.street import weather as weathers
from ros_anomaly_sim.street.anomalies import FIRST_INSTANCE_ID, Anomaly, draw_model, fits, ground_height_m
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.scene import CameraPose, Scene
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import Town
from ros_anomaly_sim.street.viewpoint import Density, Viewpoint, populate

Anomalies = Literal["none", "negatives"]
_DRAWS = 30


@dataclass(frozen=True)
class FrameSpec:
    """What to render: ``name`` is unique in its set; ``info`` is JSON-serialisable and says what is in view.

    ``info`` holds protocol, town, frame, weather, sensor_noise and a list ``anomalies`` of instance_id, model,
    position, distance_m (on the ground, from the camera), lateral_m (left-positive from the lane's middle), in_lane.
    """

    name: str
    scene: Scene
    pose: CameraPose
    info: dict[str, Any]


def describe(anomaly: Anomaly, view: Viewpoint, town: Town) -> dict[str, Any]:
    """The entry of an anomaly in ``FrameSpec.info``."""
    x, y = town.track.position(anomaly.s_m, anomaly.d_m)
    eye = view.pose(town).position
    lateral = view.lateral_m(anomaly.d_m)
    return {
        "instance_id": anomaly.instance_id,
        "model": anomaly.model,
        "position": [round(x, 3), round(y, 3), round(anomaly.z_m, 3)],
        "distance_m": round(float(np.hypot(x - eye[0], y - eye[1])), 3),
        "lateral_m": round(lateral, 3),
        "in_lane": bool(abs(lateral) <= 1.75),
    }


@dataclass(frozen=True)
class TrainingFrames:
    """Frames of training towns: varied camera, traffic and light; the same on every pass.

    ``anomaly`` is "none", or "negatives" for one to five training negatives near the road. The field of view is
    the renderer's.
    """

    library: ModelLibrary
    towns: Sequence[int]
    frames_per_town: int
    seed: int = 0
    anomaly: Anomalies = "none"

    def __post_init__(self) -> None:
        check_at_least("frames_per_town", self.frames_per_town, 1)
        if self.anomaly not in ("none", "negatives"):
            raise ValueError(f"anomaly: expected 'none' or 'negatives', found {self.anomaly!r}")

    def __len__(self) -> int:
        return len(self.towns) * self.frames_per_town

    def __iter__(self) -> Iterator[FrameSpec]:
        for town_seed in self.towns:
            yield from self.of_town(town_seed)

    def of_town(self, town_seed: int) -> Iterator[FrameSpec]:
        """The frames of one town: one shard."""
        town = Town.generate(town_seed, self.library)
        for frame in range(self.frames_per_town):
            yield self._frame(town, frame)

    def _frame(self, town: Town, frame: int) -> FrameSpec:
        rng = np.random.default_rng([self.seed, town.seed, frame, 1 + ("none", "negatives").index(self.anomaly)])
        view = varied_viewpoint(town, rng)
        occupied = view.free_ground(town)
        anomalies = self._negatives(town, view, occupied, rng) if self.anomaly == "negatives" else ()
        light = weathers.sample(rng)
        scene = populate(town, self.library, view, anomalies, occupied, Density.sample(rng), light, rng)
        info = {
            "protocol": f"training-{self.anomaly}",
            "town": town.seed,
            "frame": frame,
            "weather": light.name,
            "sensor_noise": True,
            "anomalies": [describe(a, view, town) for a in anomalies],
        }
        return FrameSpec(f"{self.anomaly}_{town.seed:04d}_{frame:04d}", scene, view.pose(town), info)

    def _negatives(
        self, town: Town, view: Viewpoint, occupied: Occupancy, rng: np.random.Generator
    ) -> tuple[Anomaly, ...]:
        found: list[Anomaly] = []
        for _ in range(int(rng.integers(1, 6))):
            for _ in range(_DRAWS):
                name, half = draw_model(self.library, "negative", Split.TRAIN, rng)
                natural = float(np.hypot(*half)) * 2
                # Neither toys nor giants: what is small by nature is often enlarged, what is large never.
                scale = float(np.clip(rng.uniform(0.8, 1.7), 0.5 / natural, max(1.0, 3.2 / natural)))
                half = (half[0] * scale, half[1] * scale)
                distance = float(np.exp(rng.uniform(np.log(3.5), np.log(38.0)))) + max(half)
                d = _road_or_sidewalk_d(town, view, rng)
                if abs(d - view.d_m) > distance * 1.1:
                    continue
                s = view.ahead_s(distance)
                z = ground_height_m(town, s, d)
                yaw = float(rng.uniform(0, 2 * np.pi))
                anomaly = Anomaly(FIRST_INSTANCE_ID + len(found), name, s, d, z, yaw, half, scale)
                if fits(town, anomaly, occupied):
                    found.append(anomaly)
                    occupied.add(anomaly.footprint(town))
                    break
        return tuple(found)


def training_frames(
    library: ModelLibrary,
    towns: Sequence[int] = range(0, 40),
    frames_per_town: int = 20,
    seed: int = 0,
    anomaly: Anomalies = "none",
) -> TrainingFrames:
    """Training frames of these towns; see ``TrainingFrames``."""
    return TrainingFrames(library, towns, frames_per_town, seed, anomaly)


def preview_frame(town: Town, library: ModelLibrary, place: int, weather: str) -> FrameSpec:
    """A frame of a random lane of the town; the same place has the same camera and actors in every weather."""
    rng = np.random.default_rng([town.seed, 5, place])
    view = lane_viewpoint(town, rng)
    scene = populate(
        town, library, view, (), view.free_ground(town), Density(0.5, 30.0, 15.0), weathers.preset(weather), rng
    )
    info = {"protocol": "preview", "town": town.seed, "frame": place, "weather": weather, "anomalies": []}
    return FrameSpec(f"preview_{town.seed:04d}_{place}_{weather}", scene, view.pose(town), info)


def lane_viewpoint(town: Town, rng: np.random.Generator, run_up_m: float = 15.0, view_m: float = 70.0) -> Viewpoint:
    """A level camera 1.6 m high in the middle of a random lane, with road before and behind it."""
    profile = town.plan.profile
    direction = int(rng.choice([-1, 1]))
    lane_d = profile.lane_centre_m(direction, int(rng.integers(profile.lanes)))
    s = float(rng.uniform(run_up_m, town.plan.length_m - view_m))
    return Viewpoint(s if direction > 0 else town.plan.length_m - s, lane_d, direction, lane_d)


def varied_viewpoint(town: Town, rng: np.random.Generator) -> Viewpoint:
    """A lane viewpoint shifted, turned, tilted and raised; one in twenty on the sidewalk."""
    view = lane_viewpoint(town, rng)
    side = view.direction
    shift = float(rng.normal(0, 0.3))
    d = view.d_m + shift
    if rng.random() < 0.05:
        profile = town.plan.profile
        d = side * float(
            rng.uniform(profile.edge_m(side) + profile.verge_m(side) + 0.6, profile.frontage_m(side) - 0.6)
        )
    turned = float(rng.normal(0, 0.06) if rng.random() < 0.8 else rng.normal(0, 0.35))
    return replace(
        view,
        d_m=d,
        height_m=float(rng.uniform(1.25, 2.0)),
        yaw_rad=turned,
        pitch_rad=float(rng.normal(-0.02, 0.03)),
        roll_rad=float(rng.normal(0, 0.01)),
    )


def _road_or_sidewalk_d(town: Town, view: Viewpoint, rng: np.random.Generator) -> float:
    profile = town.plan.profile
    choice = rng.random()
    if choice < 0.35:
        return view.lane_d_m + float(rng.normal(0, 0.9))
    if choice < 0.7:
        return float(rng.uniform(-profile.edge_m(-1), profile.edge_m(1)))
    side = int(rng.choice([-1, 1]))
    return side * float(rng.uniform(profile.edge_m(side) + profile.verge_m(side), profile.frontage_m(side)))
