"""The skeleton of a network: junctions and corners near the crossings of a grid, and the streets between junctions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.network.curve import Curve, Pose, biarc, rounded_corner

Cell = tuple[int, int]
_HEADINGS_RAD: dict[Cell, float] = {(0, 1): 0.0, (-1, 0): np.pi / 2, (0, -1): np.pi, (1, 0): -np.pi / 2}
_SPACING_M = (104.0, 142.0)
_SHIFT_M = 11.0
_TURN_RAD = np.radians(7.0)
_MOST_RAD = np.radians(11.0)


@dataclass(frozen=True)
class Node:
    """A crossing of the grid: where it is, how its axes are turned, and how far its y axis is skewed besides."""

    x_m: float
    y_m: float
    turned_rad: float
    skew_rad: float


@dataclass(frozen=True)
class Grid:
    """Nodes and the edges between neighbours, each as (lower, upper) cell."""

    nodes: dict[Cell, Node]
    edges: frozenset[tuple[Cell, Cell]]

    @staticmethod
    def generate(rng: np.random.Generator) -> Grid:
        """Three by three nodes, whole or with one street less inside, or two by four; T-junctions and crossings."""
        columns, rows, fewer = [(3, 3, 0), (3, 3, 1), (2, 4, 0), (4, 2, 0)][
            int(rng.choice(4, p=[0.55, 0.2, 0.1, 0.15]))
        ]
        x = np.concatenate([[0.0], np.cumsum(rng.uniform(*_SPACING_M, columns - 1))])
        y = np.concatenate([[0.0], np.cumsum(rng.uniform(*_SPACING_M, rows - 1))])

        def angle() -> float:
            return float(np.clip(rng.normal(0.0, _TURN_RAD), -_MOST_RAD, _MOST_RAD))

        nodes = {
            (i, j): Node(
                float(x[i] - x.mean() + rng.uniform(-_SHIFT_M, _SHIFT_M)),
                float(y[j] - y.mean() + rng.uniform(-_SHIFT_M, _SHIFT_M)),
                angle(),
                angle() * 0.6,
            )
            for i in range(columns)
            for j in range(rows)
        }
        edges = {(c, (c[0] + 1, c[1])) for c in nodes if c[0] + 1 < columns}
        edges |= {(c, (c[0], c[1] + 1)) for c in nodes if c[1] + 1 < rows}
        spokes = sorted(e for e in edges if (1, 1) in e)
        for _ in range(fewer):
            edges.discard(spokes.pop(int(rng.integers(len(spokes)))))
        return Grid(nodes, frozenset(edges))

    def neighbours(self, cell: Cell) -> list[Cell]:
        """Cells that an edge leads to, in a fixed order."""
        steps = ((cell[0] + i, cell[1] + j) for i, j in _HEADINGS_RAD)
        return [c for c in steps if (min(c, cell), max(c, cell)) in self.edges]

    def junctions(self) -> list[Cell]:
        """Cells where three or four streets meet."""
        return sorted(c for c in self.nodes if len(self.neighbours(c)) > 2)

    def heading_rad(self, cell: Cell, towards: Cell) -> float:
        """Heading with which a street leaves ``cell`` towards a neighbour."""
        step = (towards[0] - cell[0], towards[1] - cell[1])
        node = self.nodes[cell]
        return node.turned_rad + _HEADINGS_RAD[step] + (node.skew_rad if step[0] == 0 else 0.0)

    def pose(self, cell: Cell, towards: Cell) -> Pose:
        """The node's place, looking towards a neighbour."""
        node = self.nodes[cell]
        return Pose(node.x_m, node.y_m, self.heading_rad(cell, towards))

    def streets(self) -> list[tuple[Cell, ...]]:
        """Cells along every street, from junction to junction."""
        found: list[tuple[Cell, ...]] = []
        for start in self.junctions():
            for second in self.neighbours(start):
                cells = [start, second]
                while len(self.neighbours(cells[-1])) == 2:
                    cells += [c for c in self.neighbours(cells[-1]) if c != cells[-2]]
                if tuple(reversed(cells)) not in found:
                    found.append(tuple(cells))
        return found


def street_curve(grid: Grid, cells: tuple[Cell, ...], mouths_m: tuple[float, float], radius_m: float) -> Curve:
    """Centreline from the mouth at the first junction to that at the last; corners take the radius where they can."""
    at, corner = grid.pose(cells[0], cells[1]).moved(mouths_m[0]), False
    curve: Curve | None = None

    def lead(goal: Pose) -> None:
        nonlocal curve, at
        bend = rounded_corner(at, goal, radius_m) if corner else None
        piece = bend or biarc(at, goal)
        curve = piece if curve is None else curve.joined(piece)
        at = curve.end

    for before, cell, after in zip(cells[:-2], cells[1:-1], cells[2:], strict=True):
        if (before[0] + after[0], before[1] + after[1]) == (2 * cell[0], 2 * cell[1]):
            lead(grid.pose(cell, after))
            corner = False
            continue
        if corner:
            a, b = grid.nodes[before], grid.nodes[cell]
            towards = float(np.arctan2(a.x_m - b.x_m, b.y_m - a.y_m))
            lead(Pose((a.x_m + b.x_m) / 2, (a.y_m + b.y_m) / 2, towards))
        corner = True
    lead(grid.pose(cells[-1], cells[-2]).moved(mouths_m[1]).turned_back())
    if curve is None:
        raise ValueError(f"street {cells}: expected at least two cells")
    return curve
