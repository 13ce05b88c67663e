"""Puts objects that no street network was taught on or near the road, on free ground at the right height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly_sim.street.furnishing import footprint
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Footprint, Occupancy
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import Town

FIRST_INSTANCE_ID = 60001
"""Instance ids of anomalies start here, whatever else the scene holds."""

KIND_OF_SPLIT: dict[Split, str] = {
    Split.TRAIN: "negative",
    Split.VALIDATION: "validation_anomaly",
    Split.TEST: "reserved",
}


@dataclass(frozen=True)
class Anomaly:
    """An anomalous object at road coordinates; ``yaw_rad`` is relative to the road."""

    instance_id: int
    model: str
    s_m: float
    d_m: float
    z_m: float
    yaw_rad: float
    half_m: tuple[float, float]
    scale: float = 1.0

    @property
    def reach_m(self) -> float:
        """Radius of the circle on the ground that holds it."""
        return float(np.hypot(*self.half_m))

    def footprint(self, town: Town) -> Footprint:
        """The ground it takes."""
        return footprint(town.track, self.s_m, self.d_m, self.half_m, self.yaw_rad)

    def placement(self, town: Town) -> Placement:
        """The anomaly in the world, with class 13."""
        x, y = town.track.position(self.s_m, self.d_m)
        return Placement(
            model=self.model,
            position=(x, y, self.z_m),
            yaw_rad=float(town.track.heading_rad(self.s_m)) + self.yaw_rad,
            class_id=ANOMALY_ID,
            instance_id=self.instance_id,
            scale=self.scale,
            tag="anomaly",
        )


def ground_height_m(town: Town, s_m: float, d_m: float) -> float:
    """Height of road or sidewalk at road coordinates within the frontages."""
    side = 1 if d_m > 0 else -1
    if abs(d_m) <= town.plan.profile.edge_m(side):
        return 0.0
    crossed = any(side in j.sides and abs(s_m - j.s_m) < j.half_width_m for j in town.plan.junctions)
    return 0.0 if crossed else SIDEWALK_HEIGHT_M


def stands_level(town: Town, s_m: float, d_m: float, reach_m: float) -> bool:
    """Whether a circle lies wholly on the road or wholly on one sidewalk, off the verges' grass."""
    side = 1 if d_m > 0 else -1
    profile = town.plan.profile
    edge, front = profile.edge_m(side), profile.frontage_m(side)
    if abs(d_m) + reach_m <= edge:
        return True
    near = edge + profile.verge_m(side)
    if abs(d_m) - reach_m < near - 0.05 or abs(d_m) + reach_m > front:
        return False
    return all(side not in j.sides or not abs(abs(s_m - j.s_m) - j.half_width_m) < reach_m for j in town.plan.junctions)


def draw_model(
    library: ModelLibrary, kind: str, split: Split, rng: np.random.Generator
) -> tuple[str, tuple[float, float]]:
    """Name and half extents (across, along) of a random object of that kind."""
    names = library.names(kind, split)
    if not names:
        raise ValueError(f"no objects of kind {kind!r} in split {split.value}")
    name = names[int(rng.integers(len(names)))]
    width, length, _ = library.load(name).size_m
    return name, (width / 2, length / 2)


def fits(town: Town, anomaly: Anomaly, blocked: Occupancy, margin_m: float = 0.1) -> bool:
    """Whether the anomaly stands level and overlaps nothing in ``blocked``."""
    return stands_level(town, anomaly.s_m, anomaly.d_m, _level_reach(anomaly)) and blocked.is_free(
        anomaly.footprint(town), margin_m
    )


def _level_reach(anomaly: Anomaly) -> float:
    """Half extent across the road of the turned footprint."""
    cos, sin = abs(np.cos(anomaly.yaw_rad)), abs(np.sin(anomaly.yaw_rad))
    return float(anomaly.half_m[0] * cos + anomaly.half_m[1] * sin)
