"""What closes a lot off towards the street: walls, fences, hedges, and guard rails at the kerb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import Colour, MeshBuilder, Surface
from ros_anomaly_sim.street.materials import Materials

_BASE_M = 0.1
_FENCES = ("pickets", "railings", "mesh_fence", "boards")
_WALLS = ("brick", "stone", "plaster", "panels", "concrete")
_FENCE_TILE_M = {"pickets": 2.0, "railings": 1.5, "mesh_fence": 2.5, "boards": 2.0}


@dataclass(frozen=True)
class BoundaryStyles:
    """Texture layers of one town's walls, fences and hedges."""

    fences: dict[str, tuple[int, ...]]
    walls: dict[str, tuple[int, ...]]
    hedges: tuple[int, ...]
    coping: int

    @staticmethod
    def generate(materials: Materials, rng: np.random.Generator) -> BoundaryStyles:
        """Random variants of the town's split."""
        return BoundaryStyles(
            fences={kind: materials.some(kind, 2, rng) for kind in _FENCES},
            walls={kind: materials.some(kind, 1, rng) for kind in _WALLS},
            hedges=materials.some("leaves", 2, rng),
            coping=materials.pick("concrete", rng),
        )


class BoundaryMaker:
    """Adds boundaries along the road (constant d) or across it (constant s)."""

    def __init__(self, builder: MeshBuilder, styles: BoundaryStyles, rng: np.random.Generator) -> None:
        self._builder = builder
        self._styles = styles
        self._rng = rng

    def front(self, d: float, s0: float, s1: float, gate_m: float, heights: tuple[float, float]) -> None:
        """A street front with a gate opening of ``gate_m`` (0: none), of one random kind and height."""
        rng = self._rng
        kind = str(rng.choice(["wall", "fence", "wall_fence", "hedge"], p=[0.36, 0.38, 0.12, 0.14]))
        pieces = [(s0, s1)]
        if gate_m and s1 - s0 > gate_m + 3:
            gate = float(rng.uniform(s0 + 1.2, s1 - 1.2 - gate_m))
            pieces = [(s0, gate), (gate + gate_m, s1)]
            self._piers(d, (gate, gate + gate_m), heights)
        height = float(rng.uniform(*heights))
        wall, fence = self._wall_kind(), self._fence_kind()
        for a, b in pieces:
            if kind == "wall":
                self.wall(d, a, b, height, wall)
            elif kind == "fence":
                self.fence(d, a, b, height, fence)
            elif kind == "hedge":
                self.hedge(d, a, b, max(0.9, height))
            else:
                self.wall(d, a, b, 0.55, wall)
                self.fence(d, a, b, max(0.8, height - 0.55), fence, base_m=_BASE_M + 0.6)

    def wall(self, d: float, s0: float, s1: float, height_m: float, kind: tuple[str, int] | None = None) -> None:
        """A garden or yard wall with a coping."""
        name, layer = kind or self._wall_kind()
        level = float(self._rng.uniform(0.85, 1.05))
        surface = Surface(layer, StreetClass.WALL, (level, level, level))
        coping = Surface(self._styles.coping, StreetClass.WALL, (0.95, 0.95, 0.95))
        half = 0.13
        z = (_BASE_M, _BASE_M + height_m)
        tile = (3.0, 3.0) if name in ("plaster", "concrete") else (2.0, 2.0)
        for facing in (1, -1):
            self._builder.wall_along(d + facing * half, (s0, s1), z, surface, tile, facing=facing)
        self._builder.wall_between((d - half, s0), (d + half, s0), z, surface, tile)
        self._builder.wall_between((d + half, s1), (d - half, s1), z, surface, tile)
        cap = half + 0.05
        top = (z[1], z[1] + 0.08)
        self._builder.ground((d - cap, d + cap), (s0, s1), top[1], coping)
        for facing in (1, -1):
            self._builder.wall_along(d + facing * cap, (s0, s1), top, coping, (3.0, 3.0), facing=facing)

    def fence(
        self,
        d: float,
        s0: float,
        s1: float,
        height_m: float,
        kind: tuple[str, int] | None = None,
        base_m: float = _BASE_M,
    ) -> None:
        """Fence panels on posts, cut out of one textured sheet."""
        name, layer = kind or self._fence_kind()
        sheet = Surface(layer, StreetClass.FENCE, self._level())
        tile = (_FENCE_TILE_M[name], height_m)
        self._builder.wall_along(d, (s0, s1), (base_m, base_m + height_m), sheet, tile)
        self._posts([(d, float(s)) for s in np.linspace(s0, s1, max(2, int((s1 - s0) / 2.5) + 1))], base_m, height_m)

    def across(self, s: float, d0: float, d1: float, height_m: float) -> None:
        """A fence or wall between neighbours, from d0 to d1."""
        kind = str(self._rng.choice(["fence", "wall", "hedge"], p=[0.55, 0.3, 0.15]))
        if kind == "fence":
            name, layer = self._fence_kind()
            sheet = Surface(layer, StreetClass.FENCE, self._level())
            tile = (_FENCE_TILE_M[name], height_m)
            self._builder.wall_between((d0, s), (d1, s), (_BASE_M, _BASE_M + height_m), sheet, tile)
            posts = [(float(d), s) for d in np.linspace(d0, d1, max(2, int(abs(d1 - d0) / 2.5) + 1))]
            self._posts(posts, _BASE_M, height_m)
            return
        size = (abs(d1 - d0), 0.24 if kind == "wall" else 0.7, height_m)
        surface = (
            Surface(self._wall_kind()[1], StreetClass.WALL)
            if kind == "wall"
            else Surface(self._styles.hedges[0], StreetClass.VEGETATION)
        )
        self._builder.box(((d0 + d1) / 2, s, _BASE_M), size, surface)

    def hedge(self, d: float, s0: float, s1: float, height_m: float) -> None:
        """A clipped hedge with a slightly uneven top."""
        layer = self._styles.hedges[int(self._rng.integers(len(self._styles.hedges)))]
        surface = Surface(layer, StreetClass.VEGETATION, self._level())
        half = float(self._rng.uniform(0.3, 0.5))
        cuts = np.linspace(s0, s1, max(2, int((s1 - s0) / 4.0) + 1))
        for a, b in zip(cuts[:-1], cuts[1:], strict=True):
            top = _BASE_M + height_m * float(self._rng.uniform(0.94, 1.05))
            for facing in (1, -1):
                self._builder.wall_along(
                    d + facing * half, (float(a), float(b)), (_BASE_M, top), surface, (1.5, 1.5), facing=facing
                )
            self._builder.ground((d - half, d + half), (float(a), float(b)), top, surface, tile_m=1.5)
            self._builder.wall_between((d - half, float(a)), (d + half, float(a)), (_BASE_M, top), surface, (1.5, 1.5))
            self._builder.wall_between((d + half, float(b)), (d - half, float(b)), (_BASE_M, top), surface, (1.5, 1.5))

    def guard_rail(self, d: float, s0: float, s1: float) -> None:
        """Pedestrian railings at the kerb."""
        layers = self._styles.fences["railings"]
        self.fence(d, s0, s1, float(self._rng.uniform(0.95, 1.15)), ("railings", layers[0]), base_m=0.14)

    def _piers(self, d: float, places: tuple[float, float], heights: tuple[float, float]) -> None:
        surface = Surface(self._wall_kind()[1], StreetClass.WALL)
        for s in places:
            self._builder.box((d, s, _BASE_M), (0.42, 0.42, min(heights[1], 1.7) + 0.15), surface)

    def _posts(self, places: list[tuple[float, float]], base_m: float, height_m: float) -> None:
        surface = Surface(0, StreetClass.FENCE, (0.28, 0.27, 0.25), gloss=0.1)
        for d, s in places:
            self._builder.box((d, s, base_m), (0.08, 0.08, height_m + 0.05), surface)

    def _level(self) -> Colour:
        level = float(self._rng.uniform(0.85, 1.1))
        return (level, level, level)

    def _wall_kind(self) -> tuple[str, int]:
        name = _WALLS[int(self._rng.integers(len(_WALLS)))]
        return name, self._styles.walls[name][0]

    def _fence_kind(self) -> tuple[str, int]:
        name = _FENCES[int(self._rng.integers(len(_FENCES)))]
        layers = self._styles.fences[name]
        return name, layers[int(self._rng.integers(len(layers)))]
