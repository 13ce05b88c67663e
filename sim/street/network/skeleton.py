"""Where the streets and junctions of a network lie, drawn from its seed."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.street.layout import LEFT, RIGHT, Plan, RoadProfile, draw_profile
from ros_anomaly_sim.street.network.curve import Curve
from ros_anomaly_sim.street.network.grid import Cell, Grid, street_curve
from ros_anomaly_sim.street.network.junction import Arm, JunctionShape
from ros_anomaly_sim.street.network.street import NetworkStreet, mirrored, track_of
from ros_anomaly_sim.street.splits import Split

STREAM = 4242
"""Part of every random stream of a network, so that none is one of a one-street town."""

_DRAWS = 12
_SHORTEST_STREET_M = 38.0
_TIGHTEST_RADIUS_M = 19.0
_CORNER_RADII_M = (22.0, 40.0)


def lay_out(seed: int, split: Split) -> tuple[tuple[NetworkStreet, ...], tuple[JunctionShape, ...]]:
    """Draw until every street is long enough and none bends too sharply."""
    for draw in range(_DRAWS):
        rng = np.random.default_rng([seed, STREAM, 0, draw])
        grid = Grid.generate(rng)
        cells = grid.streets()
        profiles = _profiles(rng, cells)
        junctions = tuple(_junctions(grid, cells, profiles, rng))
        curves = []
        for number, street in enumerate(cells):
            mouths = tuple(_mouth(junctions, number, at_end) for at_end in (False, True))
            widest = max(profiles[number].frontage_m(side) for side in (LEFT, RIGHT))
            radius = max(float(rng.uniform(*_CORNER_RADII_M)), widest + 9.0)
            curves.append(street_curve(grid, street, (mouths[0], mouths[1]), radius))
        if all(_drivable(curve) for curve in curves):
            break
    else:
        raise RuntimeError(f"network {seed}: expected a layout within {_DRAWS} draws, found none")
    order = {cell: index for index, cell in enumerate(grid.junctions())}
    streets = []
    for number, curve in enumerate(curves):
        zebras = [_zebra(junctions, number, at_end) for at_end in (False, True)]
        plan = Plan.joining(rng, curve.length_m, profiles[number], (zebras[0], zebras[1]))
        first, last = order[cells[number][0]], order[cells[number][-1]]
        streets.append(NetworkStreet(number, split, curve, track_of(curve), plan, first, last))
    return tuple(streets), junctions


def _drivable(curve: Curve) -> bool:
    return curve.length_m >= _SHORTEST_STREET_M and curve.sharpest_per_m <= 1.0 / _TIGHTEST_RADIUS_M


def _profiles(rng: np.random.Generator, cells: list[tuple[Cell, ...]]) -> list[RoadProfile]:
    """Streets along one line of the grid have one cross-section, so that it goes on across their junctions."""
    lines: dict[tuple[bool, int], RoadProfile] = {}
    found = []
    for street in cells:
        (i0, j0), (i1, j1) = street[:2]
        upright = i0 == i1
        key = (upright, i0 if upright else j0)
        if key not in lines:
            lines[key] = draw_profile(rng)
        found.append(lines[key] if (i1, j1) > (i0, j0) else mirrored(lines[key]))
    return found


def _junctions(
    grid: Grid, cells: list[tuple[Cell, ...]], profiles: list[RoadProfile], rng: np.random.Generator
) -> list[JunctionShape]:
    shapes = []
    for number, cell in enumerate(grid.junctions()):
        arms = []
        for street, way in enumerate(cells):
            for at_end, here, following in ((False, way[0], way[1]), (True, way[-1], way[-2])):
                if here == cell:
                    arms.append(Arm(street, at_end, grid.heading_rad(cell, following), profiles[street]))
        node = grid.nodes[cell]
        shapes.append(JunctionShape.generate(number, (node.x_m, node.y_m), arms, rng))
    return shapes


def find_arm(junctions: tuple[JunctionShape, ...], street: int, at_end: bool) -> tuple[JunctionShape, int]:
    """The junction at that end of a street, and which of its arms the street is."""
    for shape in junctions:
        for index, arm in enumerate(shape.arms):
            if (arm.street, arm.at_end) == (street, at_end):
                return shape, index
    raise KeyError(f"no junction at the {'end' if at_end else 'start'} of street {street}")


def _mouth(junctions: tuple[JunctionShape, ...], street: int, at_end: bool) -> float:
    shape, index = find_arm(junctions, street, at_end)
    return shape.mouths_m[index]


def _zebra(junctions: tuple[JunctionShape, ...], street: int, at_end: bool) -> bool:
    shape, index = find_arm(junctions, street, at_end)
    return shape.zebras[index]
