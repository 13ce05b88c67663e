"""Collects the quads of a town in road coordinates and turns them into one mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.mesh import VERTEX_FLOATS, Mesh, columns
from ros_anomaly_sim.street.track import Track

Colour = tuple[float, float, float]
WHITE: Colour = (1.0, 1.0, 1.0)
SEGMENT_M = 6.0
_CORNERS = np.array([0, 1, 2, 0, 2, 3])


@dataclass(frozen=True)
class Surface:
    """How a quad looks and what it is: texture layer, sRGB colour, gloss 0..1, class."""

    layer: int
    class_id: StreetClass
    colour: Colour = WHITE
    gloss: float = 0.0

    def tinted(self, colour: Colour) -> Surface:
        """The same surface in another colour."""
        return replace(self, colour=colour)


@dataclass
class MeshBuilder:
    """Quads in road coordinates: x is d (right of the centreline), y is s (along it), z up.

    Strips along the road are cut every ``segment_m``, so that they follow its bends.
    """

    segment_m: float = SEGMENT_M
    _corners: list[np.ndarray] = field(default_factory=list)
    _uv: list[np.ndarray] = field(default_factory=list)
    _surfaces: list[tuple[float, ...]] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def quads(self, corners: np.ndarray, uv: np.ndarray, surface: Surface) -> None:
        """Add quads: corners [n, 4, 3] counter-clockwise seen from outside, uv [n, 4, 2]."""
        self._corners.append(np.asarray(corners, np.float64).reshape(-1, 4, 3))
        self._uv.append(np.asarray(uv, np.float64).reshape(-1, 4, 2))
        self._surfaces.append((surface.layer, *surface.colour, surface.gloss, float(surface.class_id), 0.0))
        self._counts.append(len(self._corners[-1]))

    def ground(
        self,
        d: tuple[float, float],
        s: tuple[float, float],
        z: float,
        surface: Surface,
        tile_m: float = 4.0,
        segment_m: float | None = None,
    ) -> None:
        """A level rectangle, cut along s so that it follows the bend."""
        d0, d1 = min(d), max(d)
        s0, s1 = min(s), max(s)
        cuts = _cuts(s0, s1, segment_m or self.segment_m)
        a, b = cuts[:-1], cuts[1:]
        left, right = np.full_like(a, d0), np.full_like(a, d1)
        xy = np.stack([np.stack(p, 1) for p in ((left, a), (right, a), (right, b), (left, b))], 1)
        height = np.full((*xy.shape[:2], 1), z)
        self.quads(np.concatenate([xy, height], 2), xy / tile_m, surface)

    def wall_along(
        self,
        d: float,
        s: tuple[float, float],
        z: tuple[float, float],
        surface: Surface,
        tile_m: tuple[float, float],
        facing: int = 1,
        segment_m: float | None = None,
    ) -> None:
        """A vertical strip along the road, facing +d (1) or -d (-1)."""
        cuts = _cuts(min(s), max(s), segment_m or self.segment_m)
        a, b = (cuts[:-1], cuts[1:]) if facing > 0 else (cuts[1:], cuts[:-1])
        self._upright(np.full_like(a, d), a, np.full_like(a, d), b, z, surface, tile_m)

    def wall_between(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        z: tuple[float, float],
        surface: Surface,
        tile_m: tuple[float, float],
    ) -> None:
        """One vertical quad from start to end (d, s), its front to the right of that direction."""
        self._upright(
            np.array([start[0]]),
            np.array([start[1]]),
            np.array([end[0]]),
            np.array([end[1]]),
            z,
            surface,
            tile_m,
        )

    def _upright(
        self,
        d0: np.ndarray,
        s0: np.ndarray,
        d1: np.ndarray,
        s1: np.ndarray,
        z: tuple[float, float],
        surface: Surface,
        tile_m: tuple[float, float],
    ) -> None:
        low, high = np.full_like(d0, z[0]), np.full_like(d0, z[1])
        rows = ((d0, s0, low), (d1, s1, low), (d1, s1, high), (d0, s0, high))
        corners = np.stack([np.stack(row, 1) for row in rows], 1)
        u1 = np.cumsum(np.hypot(d1 - d0, s1 - s0)) / tile_m[0]
        u0 = np.concatenate([[0.0], u1[:-1]])
        zero, top = np.zeros_like(u0), np.full_like(u0, (z[1] - z[0]) / tile_m[1])
        uv = np.stack([np.stack(p, 1) for p in ((u0, zero), (u1, zero), (u1, top), (u0, top))], 1)
        self.quads(corners, uv, surface)

    def box(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        surface: Surface,
        top: Surface | None = None,
        tile_m: tuple[float, float] = (2.0, 2.0),
        yaw_rad: float = 0.0,
        bottom: bool = False,
    ) -> None:
        """A box on (d, s, z of its underside) ``centre``, with ``size`` (along d, along s, height)."""
        x, y, z = centre
        a, b, h = size[0] / 2, size[1] / 2, size[2]
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        ring = np.array([(-a, -b), (a, -b), (a, b), (-a, b)]) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
        following = np.roll(ring, -1, 0)
        low, high = np.full((4, 1), z), np.full((4, 1), z + h)
        sides = np.stack(
            [np.hstack(p) for p in ((ring, low), (following, low), (following, high), (ring, high))],
            1,
        )
        lengths = np.array([2 * a, 2 * b, 2 * a, 2 * b]) / tile_m[0]
        zero, up = np.zeros(4), np.full(4, h / tile_m[1])
        uv = np.stack([np.stack(p, 1) for p in ((zero, zero), (lengths, zero), (lengths, up), (zero, up))], 1)
        self.quads(sides, uv, surface)
        lid = np.array([(-a, -b), (a, -b), (a, b), (-a, b)]) / tile_m[0]
        self.quads(np.hstack([ring, high])[None], lid[None], top or surface)
        if bottom:
            self.quads(np.hstack([ring, low])[::-1][None], lid[None], surface)

    def tube(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius_m: float,
        surface: Surface,
        sides: int = 6,
        end_radius_m: float | None = None,
    ) -> None:
        """A round bar from start to end (d, s, z), open at both ends."""
        p0, p1 = np.asarray(start, float), np.asarray(end, float)
        axis = (p1 - p0) / max(float(np.linalg.norm(p1 - p0)), 1e-9)
        helper = np.array([1.0, 0.0, 0.0]) if abs(axis[2]) > 0.7 else np.array([0.0, 0.0, 1.0])
        across = np.cross(axis, helper)
        across /= np.linalg.norm(across)
        angles = np.linspace(0, 2 * np.pi, sides + 1)
        circle = np.cos(angles)[:, None] * across + np.sin(angles)[:, None] * np.cross(axis, across)
        low = p0 + radius_m * circle
        high = p1 + (radius_m if end_radius_m is None else end_radius_m) * circle
        corners = np.stack([low[:-1], low[1:], high[1:], high[:-1]], 1)
        u = angles / (2 * np.pi)
        zero, one = np.zeros(sides), np.ones(sides)
        uv = np.stack([np.stack(p, 1) for p in ((u[:-1], zero), (u[1:], zero), (u[1:], one), (u[:-1], one))], 1)
        self.quads(corners, uv, surface)

    def mesh(self, track: Track | None) -> Mesh:
        """Everything so far in world coordinates, its triangles ordered along the road.

        Without a track what was added is in world coordinates already (d is x, s is y).
        """
        if not self._corners:
            return Mesh(np.zeros((0, VERTEX_FLOATS), np.float32))
        corners = np.concatenate(self._corners)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        order = np.argsort(corners[:, :, 1].mean(1), kind="stable")
        corners, normals, uv = corners[order], normals[order], np.concatenate(self._uv)[order]
        attributes = np.repeat(np.array(self._surfaces), self._counts, 0)[order]
        n = len(corners) * 6
        positions, bent_normals = corners[:, _CORNERS].reshape(n, 3), np.repeat(normals, 6, 0)
        if track is not None:
            positions, bent_normals = track.bend(positions, bent_normals)
        vertices = np.zeros((n, VERTEX_FLOATS), np.float32)
        vertices[:, columns("position")] = positions
        vertices[:, columns("normal")] = bent_normals
        vertices[:, columns("uv")] = uv[:, _CORNERS].reshape(n, 2)
        vertices[:, columns("layer").start :] = np.repeat(attributes, 6, 0)
        return Mesh(vertices)


def _cuts(start: float, end: float, segment_m: float) -> np.ndarray:
    return np.linspace(start, end, max(2, int(np.ceil((end - start) / segment_m)) + 1))
