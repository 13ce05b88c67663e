"""The ground of a town: carriageways, markings, kerbs, sidewalks, verges and the terrain around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import MeshBuilder, Surface
from ros_anomaly_sim.street.layout import SIDE_STREET_M, SIDES, Junction, Plan
from ros_anomaly_sim.street.materials import Materials

SIDEWALK_HEIGHT_M = 0.15
TERRAIN_HEIGHT_M = 0.13
PATCH_HEIGHT_M = 0.006
LINE_HEIGHT_M = 0.012
_TERRAIN_REACH_M = 320.0
_LINE_M = 0.14


@dataclass(frozen=True)
class GroundSurfaces:
    """The surfaces one town's ground is made of."""

    asphalt: Surface
    side_asphalt: Surface
    patch: Surface
    line: Surface
    paving: Surface
    kerb: Surface
    terrain: Surface

    @staticmethod
    def generate(materials: Materials, rng: np.random.Generator) -> GroundSurfaces:
        """Random variants of the town's split."""
        white = float(rng.uniform(0.78, 0.97))
        worn = Surface(materials.pick("concrete", rng), StreetClass.ROAD_LINE, gloss=0.04)
        tint = float(rng.uniform(0.9, 1.0))
        return GroundSurfaces(
            asphalt=Surface(materials.pick("asphalt", rng), StreetClass.ROAD, gloss=0.05),
            side_asphalt=Surface(materials.pick("asphalt", rng), StreetClass.ROAD, gloss=0.05),
            patch=Surface(materials.pick("asphalt", rng), StreetClass.ROAD, gloss=0.05),
            # Concrete textures are mid-grey: painted lines are brighter than any of them.
            line=worn.tinted((1.45 * white, 1.45 * white, 1.42 * white * tint)),
            paving=Surface(materials.pick("paving", rng), StreetClass.SIDEWALK),
            kerb=Surface(materials.pick("kerb", rng), StreetClass.SIDEWALK),
            terrain=Surface(materials.pick("grass" if rng.random() < 0.85 else "soil", rng), StreetClass.BACKGROUND),
        )


@dataclass(frozen=True)
class Markings:
    """What the lines of a street look like: ``centre`` is "dashed", "solid" or "double"."""

    centre: str
    edge_lines: bool


def build_ground(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, rng: np.random.Generator) -> Markings:
    """Add the whole ground of a street, and but for a joined one the terrain around; tells how it is marked."""
    _carriageway(builder, plan, surfaces, rng)
    for side in SIDES:
        _roadside(builder, plan, surfaces, side)
        if not plan.joined:
            _terrain(builder, plan, surfaces, side)
    for junction in plan.junctions:
        for side in junction.sides:
            _side_street(builder, plan, surfaces, junction, side, rng)
    markings = _lines(builder, plan, surfaces, rng)
    for s in plan.zebras_s_m:
        _zebra(builder, plan, surfaces, s)
    _parking_bays(builder, plan, surfaces, rng)
    _arrows(builder, plan, surfaces, rng)
    return markings


def _carriageway(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, rng: np.random.Generator) -> None:
    left, right = -plan.profile.edge_m(-1), plan.profile.edge_m(1)
    builder.ground((left - 0.2, right + 0.2), (plan.start_m, plan.end_m), 0.0, surfaces.asphalt)
    if rng.random() < 0.75:
        for _ in range(int(plan.length_m / rng.uniform(12, 60))):
            s, length = float(rng.uniform(0, plan.length_m)), float(rng.uniform(0.8, 9))
            d, width = float(rng.uniform(left + 0.6, right - 0.6)), float(rng.uniform(0.5, 2.6))
            inside = (max(left + 0.4, d - width / 2), min(right - 0.4, d + width / 2))
            builder.ground(inside, (s, min(s + length, plan.end_m)), PATCH_HEIGHT_M, surfaces.patch, tile_m=3.0)
    for _ in range(int(plan.length_m / 35)):
        _manhole(builder, surfaces, float(rng.uniform(left + 0.8, right - 0.8)), float(rng.uniform(0, plan.length_m)))


def _manhole(builder: MeshBuilder, surfaces: GroundSurfaces, d: float, s: float) -> None:
    angles = np.pi / 8 + np.arange(8) * np.pi / 4
    ring = np.stack([d + 0.34 * np.cos(angles), s + 0.34 * np.sin(angles), np.full(8, 0.009)], 1)
    corners = np.stack([ring[[0, 1, 2, 3]], ring[[0, 3, 4, 7]], ring[[4, 5, 6, 7]]])
    dark = Surface(surfaces.asphalt.layer, StreetClass.ROAD, (0.55, 0.53, 0.5), gloss=0.15)
    builder.quads(corners, corners[..., :2], dark)


def _roadside(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, side: int) -> None:
    profile = plan.profile
    edge, front = side * profile.edge_m(side), side * profile.frontage_m(side)
    stone = edge + side * 0.18
    paved = edge + side * max(0.18, profile.verge_m(side))
    for s0, s1 in plan.spans(side):
        builder.wall_along(edge, (s0, s1), (0.0, SIDEWALK_HEIGHT_M), surfaces.kerb, (2.0, 0.5), facing=-side)
        builder.ground((edge, stone), (s0, s1), SIDEWALK_HEIGHT_M, surfaces.kerb, tile_m=2.0)
        if abs(paved - stone) > 0.05:
            builder.ground((stone, paved), (s0, s1), SIDEWALK_HEIGHT_M - 0.01, surfaces.terrain, tile_m=5.0)
        builder.ground((paved, front), (s0, s1), SIDEWALK_HEIGHT_M, surfaces.paving, tile_m=2.4)
        # At a joined end the sidewalk goes on around the corner.
        for s, towards in () if plan.joined else ((s0, -1), (s1, 1)):
            ends = ((edge, s), (front, s)) if (side > 0) == (towards < 0) else ((front, s), (edge, s))
            builder.wall_between(*ends, (0.0, SIDEWALK_HEIGHT_M), surfaces.kerb, (2.0, 0.5))


def _terrain(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, side: int) -> None:
    front = side * (plan.profile.frontage_m(side) - 0.2)
    near, far = side * (plan.profile.frontage_m(side) + 60.0), side * _TERRAIN_REACH_M
    start = plan.start_m
    gaps = [(j.s_m - j.reach_m + 0.1, j.s_m + j.reach_m - 0.1) for j in plan.junctions if side in j.sides]
    for g0, g1 in [*gaps, (plan.end_m, None)]:
        builder.ground((front, near), (start, g0), TERRAIN_HEIGHT_M, surfaces.terrain, tile_m=5.0, segment_m=12.0)
        # The road's bend has a radius of 170 m: what lies further out than that has to stay straight.
        start = g0 if g1 is None else g1
    end = side * (plan.profile.frontage_m(side) + SIDE_STREET_M)
    start = plan.start_m
    for g0, g1 in [*gaps, (plan.end_m, None)]:
        builder.ground((near, end), (start, g0), TERRAIN_HEIGHT_M, surfaces.terrain, tile_m=5.0, segment_m=24.0)
        start = g0 if g1 is None else g1
    whole = (plan.start_m - 200, plan.end_m + 200)
    builder.ground((end, far / 2), whole, TERRAIN_HEIGHT_M, surfaces.terrain, tile_m=5.0, segment_m=40.0)


def _side_street(
    builder: MeshBuilder,
    plan: Plan,
    surfaces: GroundSurfaces,
    junction: Junction,
    side: int,
    rng: np.random.Generator,
) -> None:
    edge, front = side * plan.profile.edge_m(side), side * plan.profile.frontage_m(side)
    end = front + side * SIDE_STREET_M
    s0, s1 = junction.s_m - junction.half_width_m, junction.s_m + junction.half_width_m
    for d0, d1 in ((edge, front), (front, end)):
        builder.ground((d0, d1), (s0 - 0.2, s1 + 0.2), 0.001, surfaces.side_asphalt)
    for s_kerb, outward in ((s0, -1), (s1, 1)):
        s_out = s_kerb + outward * junction.sidewalk_m
        s_stone = s_kerb + outward * 0.18
        z = (0.0, SIDEWALK_HEIGHT_M)
        ends = ((front, s_kerb), (end, s_kerb)) if (side > 0) == (outward < 0) else ((end, s_kerb), (front, s_kerb))
        # The kerb faces the side street, that is against ``outward``.
        builder.wall_between(ends[1], ends[0], z, surfaces.kerb, (2.0, 0.5))
        builder.ground((front, end), (s_kerb, s_stone), SIDEWALK_HEIGHT_M, surfaces.kerb, tile_m=2.0)
        builder.ground((front, end), (s_stone, s_out), SIDEWALK_HEIGHT_M, surfaces.paving, tile_m=2.4)
    dashes = np.arange(abs(front) + 6, abs(end) - 4, 6.0)
    for d in dashes:
        builder.ground(
            (side * d, side * (d + 2.5)), (junction.s_m - 0.06, junction.s_m + 0.06), LINE_HEIGHT_M, surfaces.line
        )
    if not junction.zebra or rng.random() < 0.5:
        stop = edge + side * 0.7
        half = (junction.s_m, s1 - 0.3) if side > 0 else (s0 + 0.3, junction.s_m)
        builder.ground((stop, stop + side * 0.4), half, LINE_HEIGHT_M, surfaces.line)


def _lines(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, rng: np.random.Generator) -> Markings:
    profile = plan.profile
    whole = (plan.start_m, plan.end_m)
    centre = str(rng.choice(["dashed", "solid", "double"], p=[0.6, 0.25, 0.15]))
    for d, style in [(0.0, centre)] + [
        (side * lane * profile.lane_width_m, "dashed") for side in SIDES for lane in range(1, profile.lanes)
    ]:
        offsets = (-0.12, 0.12) if style == "double" else (0.0,)
        period, mark = (6.0, 3.0) if style == "dashed" else (4.0, 4.0)
        for s in np.arange(*whole, period):
            middle = float(s + mark / 2)
            if plan.clear_of_junctions(middle, 3.0) and plan.clear_of_zebras(middle, 3.5):
                for offset in offsets:
                    stripe = (d + offset - _LINE_M / 2, d + offset + _LINE_M / 2)
                    builder.ground(stripe, (float(s), float(s + mark)), LINE_HEIGHT_M, surfaces.line)
    edge_lines = rng.random() < 0.85
    if edge_lines:
        for side in SIDES:
            d = side * (profile.lanes * profile.lane_width_m - (0.0 if profile.parking_m(side) else 0.25))
            for s0, s1 in plan.spans(side):
                crossings = [z for z in plan.zebras_s_m if s0 < z < s1]
                starts = [s0 + 2, *(z + 2.0 for z in crossings)]
                ends = [*(z - 2.0 for z in crossings), s1 - 2]
                for start, end in zip(starts, ends, strict=True):
                    if end > start + 0.5:
                        builder.ground((d - 0.06, d + 0.06), (start, end), LINE_HEIGHT_M, surfaces.line)
    return Markings(centre, edge_lines)


def _zebra(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, s: float) -> None:
    left, right = -plan.profile.edge_m(-1), plan.profile.edge_m(1)
    for d in np.arange(left + 0.4, right - 0.6, 1.0):
        builder.ground((float(d), float(d) + 0.5), (s - 1.5, s + 1.5), LINE_HEIGHT_M + 0.002, surfaces.line)
    for side in SIDES:
        # No line for those who have just left a junction and have the zebra at its mouth.
        if plan.holds(s - side * 2.6, 1.0):
            stop_line(builder, plan, surfaces, s - side * 2.6, side)


def stop_line(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, s: float, side: int) -> None:
    """A line across the lanes of one side."""
    lane_end = side * plan.profile.lanes * plan.profile.lane_width_m
    builder.ground((side * 0.15, lane_end - side * 0.2), (s - 0.2, s + 0.2), LINE_HEIGHT_M, surfaces.line)


def _parking_bays(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, rng: np.random.Generator) -> None:
    for side in SIDES:
        if plan.profile.parking_m(side) and rng.random() < 0.5:
            inner = side * plan.profile.lanes * plan.profile.lane_width_m
            for s in np.arange(0, plan.length_m, 6.0):
                if plan.clear_of_junctions(float(s), 3.0) and plan.clear_of_zebras(float(s), 3.0):
                    outer = side * (plan.profile.edge_m(side) - 0.1)
                    builder.ground((inner, outer), (float(s) - 0.06, float(s) + 0.06), LINE_HEIGHT_M, surfaces.line)


def _arrows(builder: MeshBuilder, plan: Plan, surfaces: GroundSurfaces, rng: np.random.Generator) -> None:
    for junction in plan.junctions:
        if rng.random() < 0.6:
            for lane in range(plan.profile.lanes):
                for side in SIDES:
                    d = plan.profile.lane_centre_m(side, lane)
                    _arrow(builder, surfaces, d, junction.s_m - side * (junction.half_width_m + 14), side)


def _arrow(builder: MeshBuilder, surfaces: GroundSurfaces, d: float, s: float, direction: int) -> None:
    """A straight-on arrow 4 m long that points along ``direction``."""
    shaft = np.array([(-0.09, 0.0), (0.09, 0.0), (0.09, 2.6), (-0.09, 2.6)])
    head = np.array([(-0.38, 2.6), (0.38, 2.6), (0.0, 4.0), (0.0, 4.0)])
    outline = np.stack([shaft, head]) * direction + (d, s)
    corners = np.concatenate([outline, np.full((2, 4, 1), LINE_HEIGHT_M)], 2)
    builder.quads(corners, outline / 4.0, surfaces.line)
