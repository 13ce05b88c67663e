"""The ground of a network besides its streets: junctions with their corners, the blocks between, the hills around."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import MeshBuilder, Surface
from ros_anomaly_sim.street.network.junction import Corner, JunctionShape
from ros_anomaly_sim.street.network.polygons import signed_area, triangles, with_hole
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M, TERRAIN_HEIGHT_M, GroundSurfaces

_KERB_M = 0.18
_BED_M = 0.02
_BED_REACH_M = 0.6
_TERRAIN_BEYOND_M = 175.0
_HILLS_M = (105.0, 145.0)
_HILL_STEP_M = 30.0


def build_junction(builder: MeshBuilder, shape: JunctionShape, surfaces: GroundSurfaces) -> None:
    """Carriageway, kerbs and sidewalk corners of a junction, in world coordinates."""
    outline = shape.outline
    _fan(builder, shape.centre, outline, 0.0, surfaces.asphalt)
    # What shows where the junction and a street meet corner to edge is the same asphalt a little lower.
    reach = np.hypot(*(outline - shape.centre).T)[:, None]
    _fan(builder, shape.centre, outline + (outline - shape.centre) / reach * _BED_REACH_M, -_BED_M, surfaces.asphalt)
    for corner in shape.corners:
        _corner(builder, corner, surfaces)


def _fan(builder: MeshBuilder, middle: np.ndarray, ring: np.ndarray, z: float, surface: Surface) -> None:
    following = np.roll(ring, -1, 0)
    centre = np.broadcast_to(middle, ring.shape)
    _flat(builder, np.stack([centre, ring, following, following], 1), z, surface, 4.0)


def _corner(builder: MeshBuilder, corner: Corner, surfaces: GroundSurfaces) -> None:
    outward = corner.front - corner.kerb
    outward /= np.maximum(np.hypot(*outward.T)[:, None], 1e-9)
    stone = corner.kerb + _KERB_M * outward
    low, high = np.zeros((len(corner.kerb) - 1, 1)), np.full((len(corner.kerb) - 1, 1), SIDEWALK_HEIGHT_M)
    a, b = corner.kerb[:-1], corner.kerb[1:]
    # The carriageway lies to the left of the kerb's direction.
    face = np.stack([np.hstack(p) for p in ((b, low), (a, low), (a, high), (b, high))], 1)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*(b - a).T))])
    u0, u1, zero, top = along[:-1] / 2, along[1:] / 2, np.zeros(len(a)), np.full(len(a), SIDEWALK_HEIGHT_M / 0.5)
    uv = np.stack([np.stack(p, 1) for p in ((u1, zero), (u0, zero), (u0, top), (u1, top))], 1)
    builder.quads(face, uv, surfaces.kerb)
    _flat(builder, _band(corner.kerb, stone), SIDEWALK_HEIGHT_M, surfaces.kerb, 2.0)
    _flat(builder, _band(stone, corner.front), SIDEWALK_HEIGHT_M, surfaces.paving, 2.4)


def _band(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Quads [n - 1, 4, 2] between two polylines, ``outer`` to the right of their direction."""
    return np.stack([inner[:-1], outer[:-1], outer[1:], inner[1:]], 1)


def _flat(builder: MeshBuilder, corners: np.ndarray, z: float, surface: Surface, tile_m: float) -> None:
    height = np.full((*corners.shape[:2], 1), z)
    builder.quads(np.concatenate([corners, height], 2), corners / tile_m, surface)


def build_blocks(builder: MeshBuilder, blocks: Sequence[np.ndarray], surfaces: GroundSurfaces) -> None:
    """The terrain inside and outside of the streets, in world coordinates.

    ``blocks`` are the polygons [n, 2] that the streets enclose; the one around all of them runs the other way round,
    and what lies outside of it is filled too.
    """
    outer = max(blocks, key=lambda ring: abs(signed_area(ring)))
    low, high = outer.min(0) - _TERRAIN_BEYOND_M, outer.max(0) + _TERRAIN_BEYOND_M
    around = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    for ring in blocks:
        whole = with_hole(around, ring) if ring is outer else ring if signed_area(ring) > 0 else ring[::-1]
        cut = triangles(whole)
        _flat(builder, cut[:, [0, 1, 2, 2]], TERRAIN_HEIGHT_M, surfaces.terrain, 5.0)


def build_hills(
    builder: MeshBuilder, low: np.ndarray, high: np.ndarray, surfaces: GroundSurfaces, rng: np.random.Generator
) -> None:
    """Rising ground all around the box low..high [2]."""
    surface = Surface(surfaces.terrain.layer, StreetClass.BACKGROUND, (0.75, 0.8, 0.78))
    near, far = (_rounded_box(low, high, reach) for reach in _HILLS_M)
    heights = 4.0 + 9.0 * rng.random(len(near)) + 6.0 * np.sin(np.arange(len(near)) / rng.uniform(2.0, 5.0))
    heights = np.maximum(heights, 1.5)
    after = np.roll(np.arange(len(near)), -1)
    foot, top = np.full((len(near), 1), TERRAIN_HEIGHT_M), heights[:, None]
    # Seen from inside the ring the slope faces the middle.
    rows = ((near, foot), (far, top), (far[after], top[after]), (near[after], foot[after]))
    corners = np.stack([np.hstack(row) for row in rows], 1)
    builder.quads(corners, corners[..., :2] / 9.0, surface)


def _rounded_box(low: np.ndarray, high: np.ndarray, reach_m: float) -> np.ndarray:
    """Points [n, 2], counter-clockwise and as many for every reach, at ``reach_m`` around a box."""
    size = high - low
    points = []
    for index, corner in enumerate(((high[0], high[1]), (low[0], high[1]), (low[0], low[1]), (high[0], low[1]))):
        angles = np.pi / 2 * (index + np.linspace(0.0, 1.0, 7))
        points.append(np.array(corner) + reach_m * np.stack([np.cos(angles), np.sin(angles)], 1))
        side = size[index % 2]
        count = max(1, int(side / _HILL_STEP_M))
        towards = np.array([(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)][index])
        steps = np.linspace(0.0, side, count + 1)[1:-1, None]
        points.append(points[-1][-1] + steps * towards)
    return np.concatenate(points)
