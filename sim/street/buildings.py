"""Buildings: street rows with shops, detached houses, halls, and the closed ends of the streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import Colour, MeshBuilder, Surface
from ros_anomaly_sim.street.materials import Materials

FLOOR_M = 3.2
TILE_M = 4 * FLOOR_M
_SHOP_HEIGHT_M = 4.0


@dataclass(frozen=True)
class Block:
    """The ground plan of one building: d from ``near_m`` away from the road by ``depth_m``, s from s0 to s1."""

    side: int
    near_m: float
    depth_m: float
    s0_m: float
    s1_m: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.side * (self.near_m + self.depth_m / 2), (self.s0_m + self.s1_m) / 2

    @property
    def width_m(self) -> float:
        return self.s1_m - self.s0_m


@dataclass(frozen=True)
class BuildingStyles:
    """Texture layers of one town's buildings."""

    facades: tuple[int, ...]
    blanks: tuple[int, ...]
    shops: tuple[int, ...]
    roofs: tuple[int, ...]
    plain: tuple[int, ...]

    @staticmethod
    def generate(materials: Materials, rng: np.random.Generator) -> BuildingStyles:
        """Random variants of the town's split."""
        return BuildingStyles(
            facades=materials.some("facade", 9, rng),
            blanks=materials.some("blank_facade", 3, rng),
            shops=materials.some("shop", 3, rng),
            roofs=materials.some("roof", 3, rng),
            plain=(*materials.some("plaster", 2, rng), *materials.some("concrete", 2, rng)),
        )


class BuildingMaker:
    """Adds buildings to a mesh; what they look like is drawn from ``rng``."""

    def __init__(self, builder: MeshBuilder, styles: BuildingStyles, rng: np.random.Generator) -> None:
        self._builder = builder
        self._styles = styles
        self._rng = rng

    def row(self, block: Block) -> None:
        """A town house: several floors, often shops below, a parapet or a pitched roof."""
        rng = self._rng
        floors = int(rng.integers(2, 8))
        tint = self._tint()
        ground_floor_m = 0.0
        if rng.random() < 0.6:
            ground_floor_m = _SHOP_HEIGHT_M
            shops = max(1, round(block.width_m / 4.5))
            self._walls(block, (0.0, _SHOP_HEIGHT_M), self._pick(self._styles.shops), (16.0, 4.0), (1, 1, 1), shops / 4)
            self._ledge(block, _SHOP_HEIGHT_M, 0.3, tint)
        top = ground_floor_m + floors * FLOOR_M
        facade = self._pick(self._styles.facades)
        bays = max(1, round(block.width_m / rng.uniform(2.9, 3.8)))
        self._walls(block, (ground_floor_m, top), facade, (TILE_M, TILE_M), tint, bays / 4)
        if rng.random() < 0.55:
            self._flat_roof(block, top, tint)
        else:
            self._pitched_roof(block, top, float(rng.uniform(2.0, 4.0)), along_street=True, tint=tint)
        if rng.random() < 0.4:
            self._balconies(block, ground_floor_m, floors, bays)
        if not ground_floor_m:
            self._door(block)

    def house(self, block: Block) -> None:
        """A detached house of one to three floors with a pitched roof."""
        rng = self._rng
        tint = self._tint()
        top = int(rng.integers(1, 4)) * 2.9
        bays = max(2, round(block.width_m / 3.4))
        self._walls(block, (0.0, top), self._pick(self._styles.facades), (TILE_M, TILE_M), tint, bays / 4)
        self._pitched_roof(block, top, float(rng.uniform(2.2, 4.2)), rng.random() < 0.6, tint)
        self._door(block)
        if rng.random() < 0.6:
            d, s = block.centre
            brick = self._surface(self._pick(self._styles.plain), (0.8, 0.55, 0.48))
            self._builder.box((d, s + float(rng.uniform(-2, 2)), top + 1.0), (0.7, 0.7, 3.6), brick)

    def hall(self, block: Block) -> None:
        """A low works hall with blank walls."""
        tint = self._tint()
        top = float(self._rng.uniform(5, 9))
        self._walls(block, (0.0, top), self._pick(self._styles.blanks), (6.0, 6.0), tint, None)
        self._flat_roof(block, top, tint)
        self._door(block)

    def backdrop(self, block: Block) -> None:
        """A plain block seen from afar: side streets and the ends of the road."""
        tint = self._tint()
        top = int(self._rng.integers(2, 7)) * FLOOR_M
        self._walls(block, (0.0, top), self._pick(self._styles.facades), (TILE_M, TILE_M), tint, None)
        if self._rng.random() < 0.5:
            self._flat_roof(block, top, tint)
        else:
            self._pitched_roof(block, top, 3.0, self._rng.random() < 0.5, tint)

    def _pick(self, layers: tuple[int, ...]) -> int:
        return layers[int(self._rng.integers(len(layers)))]

    def _tint(self) -> Colour:
        level = float(self._rng.uniform(0.8, 1.08))
        return (level, level * float(self._rng.uniform(0.95, 1.02)), level * float(self._rng.uniform(0.9, 1.03)))

    def _surface(self, layer: int, colour: Colour, gloss: float = 0.0) -> Surface:
        return Surface(layer, StreetClass.BUILDING, colour, gloss)

    def _walls(
        self,
        block: Block,
        z: tuple[float, float],
        layer: int,
        tile_m: tuple[float, float],
        tint: Colour,
        tiles_along: float | None,
    ) -> None:
        """Four walls; ``tiles_along`` fits that many tiles to the street front, so that no window is cut."""
        surface = self._surface(layer, tint, gloss=0.06)
        near, far = block.side * block.near_m, block.side * (block.near_m + block.depth_m)
        left, right = min(near, far), max(near, far)
        front_tile = (block.width_m / tiles_along, tile_m[1]) if tiles_along else tile_m
        side_tiles = max(0.25, round(block.depth_m / tile_m[0] * 4) / 4)
        side_tile = (block.depth_m / side_tiles, tile_m[1])
        add = self._builder.wall_between
        add((left, block.s1_m), (left, block.s0_m), z, surface, front_tile)
        add((right, block.s0_m), (right, block.s1_m), z, surface, front_tile)
        add((left, block.s0_m), (right, block.s0_m), z, surface, side_tile)
        add((right, block.s1_m), (left, block.s1_m), z, surface, side_tile)

    def _ledge(self, block: Block, z: float, height_m: float, tint: Colour) -> None:
        d, s = block.centre
        size = (block.depth_m + 0.3, block.width_m - 0.02, height_m)
        self._builder.box((d, s, z - height_m / 2), size, self._surface(self._styles.plain[-1], tint), bottom=True)

    def _flat_roof(self, block: Block, z: float, tint: Colour) -> None:
        d, s = block.centre
        rim = self._surface(self._styles.plain[-1], tint)
        deck = self._surface(self._styles.plain[-2], (0.6, 0.6, 0.6))
        size = (block.depth_m + 0.5, block.width_m - 0.02, 0.55)
        self._builder.box((d, s, z - 0.1), size, rim, top=deck, bottom=True)
        if self._rng.random() < 0.4:
            hut = (d + float(self._rng.uniform(-1, 1)), s + float(self._rng.uniform(-2, 2)), z + 0.4)
            self._builder.box(hut, (3.0, 3.0, 2.2), rim)

    def _pitched_roof(self, block: Block, z: float, rise_m: float, along_street: bool, tint: Colour) -> None:
        """Two slopes and two gables, the ridge along the street or across it."""
        near, far = block.side * (block.near_m - 0.4), block.side * (block.near_m + block.depth_m + 0.4)
        d0, d1 = min(near, far), max(near, far)
        s0, s1 = block.s0_m, block.s1_m
        tiles = self._surface(self._pick(self._styles.roofs), (1.0, 1.0, 1.0))
        gable = self._surface(self._pick(self._styles.plain), tint)
        top = z + rise_m
        if along_street:
            dm = (d0 + d1) / 2
            slopes = [
                [(d0, s1, z), (d0, s0, z), (dm, s0, top), (dm, s1, top)],
                [(d1, s0, z), (d1, s1, z), (dm, s1, top), (dm, s0, top)],
            ]
            gables = [
                [(d0, s0, z), (d1, s0, z), (dm, s0, top), (dm, s0, top)],
                [(d1, s1, z), (d0, s1, z), (dm, s1, top), (dm, s1, top)],
            ]
            run, length = (d1 - d0) / 2, s1 - s0
        else:
            sm = (s0 + s1) / 2
            slopes = [
                [(d0, s0, z), (d1, s0, z), (d1, sm, top), (d0, sm, top)],
                [(d1, s1, z), (d0, s1, z), (d0, sm, top), (d1, sm, top)],
            ]
            gables = [
                [(d0, s1, z), (d0, s0, z), (d0, sm, top), (d0, sm, top)],
                [(d1, s0, z), (d1, s1, z), (d1, sm, top), (d1, sm, top)],
            ]
            run, length = (s1 - s0) / 2, d1 - d0
        slant = float(np.hypot(run, rise_m))
        uv = np.array([(0, 0), (length, 0), (length, slant), (0, slant)]) / 3.0
        self._builder.quads(np.array(slopes), np.stack([uv, uv]), tiles)
        peak = np.array([(0, 0), (2 * run, 0), (run, rise_m), (run, rise_m)]) / 3.0
        self._builder.quads(np.array(gables), np.stack([peak, peak]), gable)

    def _balconies(self, block: Block, z: float, floors: int, bays: int) -> None:
        slab = self._surface(self._styles.plain[-1], (0.9, 0.9, 0.9))
        rail = self._surface(0, (0.2, 0.2, 0.22) if self._rng.random() < 0.6 else (0.75, 0.74, 0.7), gloss=0.2)
        bay = block.width_m / bays
        columns = [c for c in range(bays) if self._rng.random() < 0.35][:2]
        for floor in range(1 if z == 0.0 else 0, floors):
            for column in columns:
                s = block.s0_m + (column + 0.5) * bay
                d = block.side * (block.near_m - 0.45)
                base = z + floor * FLOOR_M + 0.08
                self._builder.box((d, s, base), (0.9, min(2.6, bay * 0.9), 0.14), slab, bottom=True)
                front = block.side * (block.near_m - 0.88)
                self._builder.box((front, s, base + 0.14), (0.05, min(2.6, bay * 0.9), 0.85), rail)

    def _door(self, block: Block) -> None:
        colour = tuple(float(c) for c in self._rng.uniform(0.1, 0.55, 3))
        door = self._surface(0, (colour[0], colour[1], colour[2]), gloss=0.1)
        s = block.s0_m + block.width_m * float(self._rng.uniform(0.3, 0.7))
        self._builder.box((block.side * (block.near_m - 0.02), s, 0.1), (0.12, 1.15, 2.25), door)
        step = self._surface(self._styles.plain[-1], (0.8, 0.8, 0.8))
        self._builder.box((block.side * (block.near_m - 0.3), s, 0.1), (0.7, 1.7, 0.18), step)
