"""Builds up the lots of a plan: buildings, gardens, parks and what closes them off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.boundaries import BoundaryMaker
from ros_anomaly_sim.street.builder import MeshBuilder, Surface
from ros_anomaly_sim.street.buildings import Block, BuildingMaker
from ros_anomaly_sim.street.layout import RUN_OUT_M, SIDE_STREET_M, SIDES, Lot, LotKind, Plan
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M, TERRAIN_HEIGHT_M, GroundSurfaces

_BOUNDARY_INSET_M = 0.3


@dataclass
class LotMaker:
    """Adds every lot to the mesh; ``trees`` and ``bushes`` collect (s, d) where plants are to stand."""

    builder: MeshBuilder
    plan: Plan
    ground: GroundSurfaces
    buildings: BuildingMaker
    boundaries: BoundaryMaker
    rng: np.random.Generator
    trees: list[tuple[float, float]] = field(default_factory=list)
    bushes: list[tuple[float, float]] = field(default_factory=list)

    def build(self) -> None:
        """All lots, side streets, guard rails and the closed ends of the road."""
        self.lots()
        self._side_streets()
        self._guard_rails()
        self._ends()
        self._hills()

    def lots(self) -> None:
        """What stands on the lots of the plan."""
        makers = {
            LotKind.ROW: self._row,
            LotKind.YARD: self._yard,
            LotKind.HOUSE: self._house,
            LotKind.PARK: self._park,
            LotKind.WORKS: self._works,
            LotKind.GREEN: self._green,
        }
        for lot in self.plan.lots:
            makers[lot.kind](lot)

    def _front(self, lot: Lot) -> float:
        return self.plan.profile.frontage_m(lot.side)

    def _row(self, lot: Lot) -> None:
        setback = float(self.rng.uniform(0.0, 1.2)) if self.rng.random() < 0.4 else 0.02
        front = self._front(lot)
        self.buildings.row(Block(lot.side, front + setback, float(self.rng.uniform(9, 15)), lot.s0_m, lot.s1_m))
        if setback > 0.05:
            self._surface(lot, front, front + setback, self.ground.paving)

    def _yard(self, lot: Lot) -> None:
        d = lot.side * (self._front(lot) + _BOUNDARY_INSET_M)
        gate = 3.2 if self.rng.random() < 0.4 else 0.0
        self.boundaries.front(d, lot.s0_m, lot.s1_m, gate, (1.6, 2.6))
        self._surface(lot, self._front(lot), self._front(lot) + 14, self.ground.paving)
        if self.rng.random() < 0.8:
            self._tree(lot, (4.0, 9.0))
        back = Block(lot.side, self._front(lot) + 14, 8.0, lot.s0_m, lot.s1_m)
        self.buildings.backdrop(back)

    def _house(self, lot: Lot) -> None:
        setback = float(self.rng.uniform(3.5, 8.0))
        width = float(np.clip(lot.length_m - self.rng.uniform(3.5, 7), 7.5, 14))
        s0 = float(self.rng.uniform(lot.s0_m + 1.2, max(lot.s0_m + 1.3, lot.s1_m - width - 1.2)))
        front = self._front(lot)
        depth = float(self.rng.uniform(8, 11))
        self.buildings.house(Block(lot.side, front + setback, depth, s0, min(s0 + width, lot.s1_m - 0.6)))
        if self.rng.random() < 0.9:
            gate = float(self.rng.choice([1.2, 3.2]))
            d = lot.side * (front + _BOUNDARY_INSET_M)
            self.boundaries.front(d, lot.s0_m, lot.s1_m, gate, (0.8, 1.6))
        if self.rng.random() < 0.75:
            ends = (lot.side * (front + 0.6), lot.side * (front + setback + depth * 0.6))
            self.boundaries.across(lot.s1_m - 0.2, *ends, float(self.rng.uniform(1.2, 1.9)))
        for _ in range(int(self.rng.integers(0, 3))):
            self._tree(lot, (1.6, setback))
        for _ in range(int(self.rng.integers(0, 4))):
            self._bush(lot, (0.9, setback - 0.5))

    def _park(self, lot: Lot) -> None:
        if self.rng.random() < 0.75:
            d = lot.side * (self._front(lot) + _BOUNDARY_INSET_M)
            self.boundaries.front(d, lot.s0_m, lot.s1_m, 2.5, (0.7, 1.4))
        for _ in range(int(lot.length_m / self.rng.uniform(5, 12))):
            self._tree(lot, (2.5, 30.0))
        for _ in range(int(lot.length_m / self.rng.uniform(8, 20))):
            self._bush(lot, (1.2, 12.0))
        path = self._front(lot) + float(self.rng.uniform(6, 14))
        self._surface(lot, path, path + 2.2, self.ground.paving)

    def _works(self, lot: Lot) -> None:
        setback = float(self.rng.uniform(6, 14))
        front = self._front(lot)
        depth = float(self.rng.uniform(14, 24))
        self.buildings.hall(Block(lot.side, front + setback, depth, lot.s0_m + 2, lot.s1_m - 2))
        self._surface(lot, front + _BOUNDARY_INSET_M, front + setback, self.ground.side_asphalt)
        self.boundaries.front(lot.side * (front + _BOUNDARY_INSET_M), lot.s0_m, lot.s1_m, 4.5, (1.7, 2.5))
        if self.rng.random() < 0.5:
            self._tree(lot, (2.0, setback - 1.0))

    def _green(self, lot: Lot) -> None:
        d = lot.side * (self._front(lot) + _BOUNDARY_INSET_M)
        if self.rng.random() < 0.7:
            self.boundaries.front(d, lot.s0_m, lot.s1_m, 0.0, (0.7, 1.5))
        for _ in range(int(lot.length_m / self.rng.uniform(4, 10))):
            self._bush(lot, (1.2, 2.8))
        if self.rng.random() < 0.6:
            self._tree(lot, (1.6, 2.8))

    def _surface(self, lot: Lot, near_m: float, far_m: float, surface: Surface) -> None:
        z = SIDEWALK_HEIGHT_M - 0.005
        self.builder.ground((lot.side * near_m, lot.side * far_m), (lot.s0_m, lot.s1_m), z, surface, tile_m=3.0)

    def _tree(self, lot: Lot, setback_m: tuple[float, float]) -> None:
        self.trees.append(self._spot(lot, setback_m))

    def _bush(self, lot: Lot, setback_m: tuple[float, float]) -> None:
        self.bushes.append(self._spot(lot, setback_m))

    def _spot(self, lot: Lot, setback_m: tuple[float, float]) -> tuple[float, float]:
        near, far = min(setback_m), max(setback_m)
        s = float(self.rng.uniform(lot.s0_m + 1.0, lot.s1_m - 1.0))
        return s, lot.side * (self._front(lot) + float(self.rng.uniform(near, far)))

    def _side_streets(self) -> None:
        """Buildings along both sides of every side street, and one across its end."""
        for junction in self.plan.junctions:
            for side in junction.sides:
                start = self.plan.profile.frontage_m(side)
                for towards in SIDES:
                    near = junction.s_m + towards * (junction.reach_m + 0.3)
                    d = start + 27.0
                    while d < start + SIDE_STREET_M - 8:
                        length = float(self.rng.uniform(10, 20))
                        far = near + towards * float(self.rng.uniform(8, 11))
                        s0, s1 = min(near, far), max(near, far)
                        if self.rng.random() < 0.8:
                            self.buildings.backdrop(Block(side, d, length, s0, s1))
                        else:
                            self.boundaries.across(near, side * d, side * (d + length), 1.8)
                            self.trees.append(((s0 + s1) / 2, side * (d + length / 2)))
                        d += length + 0.05
                end = start + SIDE_STREET_M + 1.0
                half = junction.reach_m + 5.0
                self.buildings.backdrop(Block(side, end, 10.0, junction.s_m - half, junction.s_m + half))

    def _guard_rails(self) -> None:
        for junction in self.plan.junctions:
            for side in junction.sides:
                d = side * (self.plan.profile.edge_m(side) + 0.25)
                for towards in SIDES:
                    if self.rng.random() < 0.45:
                        s = junction.s_m + towards * (junction.half_width_m + 5.5)
                        length = float(self.rng.uniform(6, 18))
                        s0, s1 = min(s, s + towards * length), max(s, s + towards * length)
                        if all(not s0 - 2 < z < s1 + 2 for z in self.plan.zebras_s_m):
                            self.boundaries.guard_rail(d, s0, s1)

    def _ends(self) -> None:
        """The road ends at a row of buildings across it."""
        for s, outward in ((-RUN_OUT_M, -1), (self.plan.length_m + RUN_OUT_M, 1)):
            d = -110.0
            while d < 110.0:
                width = float(self.rng.uniform(12, 22))
                near, far = s + outward * 6.0, s + outward * 16.0
                self.buildings.backdrop(Block(1, d, width, min(near, far), max(near, far)))
                d += width
            self.builder.ground((-120.0, 120.0), (s, s + outward * 6.0), 0.0, self.ground.side_asphalt)

    def _hills(self) -> None:
        """Distant rising ground on both sides, so that open stretches do not end in a flat line."""
        grass = self.ground.terrain
        surface = Surface(grass.layer, StreetClass.BACKGROUND, (0.75, 0.8, 0.78))
        s = np.arange(-RUN_OUT_M - 60, self.plan.length_m + RUN_OUT_M + 61, 30.0)
        for side in SIDES:
            heights = 4.0 + 9.0 * self.rng.random(len(s)) + 6.0 * np.sin(s / self.rng.uniform(60, 140))
            heights = np.maximum(heights, 1.5)
            for i in range(len(s) - 1):
                low, high = side * 118.0, side * 150.0
                corners = [
                    (low, s[i], TERRAIN_HEIGHT_M),
                    (low, s[i + 1], TERRAIN_HEIGHT_M),
                    (high, s[i + 1], heights[i + 1]),
                    (high, s[i], heights[i]),
                ]
                ordered = corners if side < 0 else corners[::-1]
                uv = np.array([[c[1] / 9.0, abs(c[0]) / 9.0] for c in ordered])
                self.builder.quads(np.array([ordered]), uv[None], surface)
