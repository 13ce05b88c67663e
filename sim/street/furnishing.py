"""Placeable models that belong to a town for good: trees, bushes and street furniture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.layout import SIDES, Plan
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Footprint, Occupancy
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M, TERRAIN_HEIGHT_M
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.track import Track

_TRUNK_HALF_M = 0.35
_CROWN_ON_SIDEWALK_M = 4.6
_LOWEST_STREET_TREE_M = 3.8


def footprint(track: Track, s_m: float, d_m: float, half: tuple[float, float], yaw_rad: float) -> Footprint:
    """Footprint at road coordinates, its half extents across and along and its yaw relative to the road."""
    x, y = track.position(s_m, d_m)
    return Footprint(x, y, half[0], half[1], float(track.heading_rad(s_m)) + yaw_rad)


@dataclass
class Furnisher:
    """Places models along the road and marks their ground in ``occupied``."""

    track: Track
    plan: Plan
    library: ModelLibrary
    split: Split
    occupied: Occupancy
    rng: np.random.Generator
    first_instance_id: int = 1

    def __post_init__(self) -> None:
        self.placements: list[Placement] = []

    def trees(self, spots: list[tuple[float, float]]) -> None:
        """Garden and park trees at (s, d), and rows of trees along the kerb."""
        self.plant(spots)
        for side in SIDES:
            profile = self.plan.profile
            if profile.verge_m(side) == 0.0 and profile.sidewalk_m(side) < 2.6:
                continue
            s, spacing = float(self.rng.uniform(-30, 0)), float(self.rng.uniform(11, 26))
            planted = False
            stretch_end = s
            while s < self.plan.length_m + 60:
                if s >= stretch_end:
                    planted = self.rng.random() < 0.55
                    stretch_end = s + float(self.rng.uniform(60, 180))
                if planted and self.plan.clear_of_junctions(s, 6.0) and self.plan.clear_of_zebras(s, 5.0):
                    d = side * (profile.edge_m(side) + 0.85)
                    widest = 2 * min(_CROWN_ON_SIDEWALK_M / 2 + 0.6, profile.frontage_m(side) - abs(d) + 0.7)
                    self._tree(s, d, SIDEWALK_HEIGHT_M - 0.02, float(self.rng.uniform(0.6, 0.95)), widest)
                s += spacing * float(self.rng.uniform(0.9, 1.1))

    def plant(self, spots: list[tuple[float, float]]) -> None:
        """Garden and park trees at (s, d)."""
        for s, d in spots:
            self._tree(s, d, TERRAIN_HEIGHT_M, float(self.rng.uniform(0.75, 1.2)), widest_m=None)

    def bushes(self, spots: list[tuple[float, float]]) -> None:
        """Bushes and small hedges at (s, d)."""
        for s, d in spots:
            self._stand("hedge", s, d, TERRAIN_HEIGHT_M, float(self.rng.uniform(0, 2 * np.pi)), tag="bush")

    def furniture(self) -> None:
        """Benches, hydrants, bins and boxes along both sidewalks."""
        for side in SIDES:
            profile = self.plan.profile
            s = float(self.rng.uniform(-30, -10))
            while s < self.plan.length_m + 40:
                at_kerb = self.rng.random() < 0.55
                offset = 0.55 if at_kerb else profile.frontage_m(side) - profile.edge_m(side) - 0.5
                # Models look along +y at yaw 0: turned to the sidewalk, or to the road from the house line.
                faces = side if at_kerb else -side
                if self.plan.clear_of_junctions(s, 1.5) and self.plan.clear_of_zebras(s, 2.5):
                    d = side * (profile.edge_m(side) + offset)
                    self._stand(
                        "street_furniture", s, d, SIDEWALK_HEIGHT_M, -faces * np.pi / 2, tag="furniture", margin_m=0.15
                    )
                s += float(self.rng.uniform(4.5, 13.0))

    def _tree(self, s: float, d: float, z: float, scale: float, widest_m: float | None) -> None:
        names = self.library.names("tree", self.split)
        name = names[int(self.rng.integers(len(names)))]
        if widest_m is not None:
            width = max(self.library.load(name).size_m[:2])
            scale = min(scale, widest_m / width)
            # A crown shrunk to the sidewalk must still be above the cars.
            if scale * self.library.load(name).size_m[2] < _LOWEST_STREET_TREE_M:
                return
        box = footprint(self.track, s, d, (_TRUNK_HALF_M, _TRUNK_HALF_M), 0.0)
        if self.occupied.is_free(box):
            self._add(name, s, d, z, float(self.rng.uniform(0, 2 * np.pi)), scale, "tree", box)

    def _stand(self, kind: str, s: float, d: float, z: float, yaw: float, tag: str, margin_m: float = 0.0) -> None:
        names = self.library.names(kind, self.split)
        name = names[int(self.rng.integers(len(names)))]
        width, length, _ = self.library.load(name).size_m
        box = footprint(self.track, s, d, (width / 2, length / 2), yaw)
        if self.occupied.is_free(box, margin_m):
            self._add(name, s, d, z, yaw, 1.0, tag, box)

    def _add(self, name: str, s: float, d: float, z: float, yaw: float, scale: float, tag: str, box: Footprint) -> None:
        x, y = self.track.position(s, d)
        self.occupied.add(box)
        self.placements.append(
            Placement(
                model=name,
                position=(x, y, z),
                yaw_rad=float(self.track.heading_rad(s)) + yaw,
                class_id=self.library.spec(name).class_id,
                instance_id=self.first_instance_id + len(self.placements),
                scale=scale,
                tag=tag,
            )
        )
