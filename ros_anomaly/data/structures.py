"""Made-up things of bars and boards: tables, ladders, racks, cages, hoops, parasols.

Solids leave a network blind to what is mostly air: through a swing or a goal the street goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Structure:
    """Bars and boards in a body's own units, z up, the ground at z = 0.

    Attributes:
        bars: (from [3], to [3], radius).
        boards: corners [n, 3] in order around the board.
    """

    bars: list[tuple[np.ndarray, np.ndarray, float]] = field(default_factory=list)
    boards: list[np.ndarray] = field(default_factory=list)

    def path(self, points: np.ndarray, radius: float) -> None:
        """Bars from each point to the next."""
        self.bars.extend((a, b, radius) for a, b in zip(points[:-1], points[1:], strict=True))

    @property
    def points(self) -> np.ndarray:
        """Every end and corner, float64 [n, 3]."""
        ends = [point for a, b, _ in self.bars for point in (a, b)]
        return np.vstack([*ends, *self.boards])


def random_structure(rng: np.random.Generator) -> Structure:
    """One of the kinds in random proportions."""
    return _KINDS[int(rng.integers(len(_KINDS)))](rng)


def _rectangle(width: float, depth: float, z: float) -> np.ndarray:
    x, y = width / 2, depth / 2
    return np.array([[-x, -y, z], [x, -y, z], [x, y, z], [-x, y, z]])


def _add_board(body: Structure, corners: np.ndarray, thickness: float) -> None:
    """A horizontal board with its four edges."""
    lower = corners - np.array([0.0, 0.0, thickness])
    body.boards.append(corners)
    for i in range(4):
        j = (i + 1) % 4
        body.boards.append(np.stack([corners[i], corners[j], lower[j], lower[i]]))


def _circle(radius: float, count: int = 25) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _table(rng: np.random.Generator) -> Structure:
    """Legs, perhaps splayed or joined, under one board or under several, as of a rack."""
    body, radius = Structure(), rng.uniform(0.012, 0.05)
    width, depth, height = rng.uniform(0.4, 2.0), rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.8)
    feet, tops = _rectangle(width, depth, 0.0) * rng.uniform(0.8, 1.25), _rectangle(width * 0.95, depth * 0.95, height)
    for foot, top in zip(feet, tops, strict=True):
        body.bars.append((foot, top, radius))
    for level in [height, *rng.uniform(0.1, 0.9, int(rng.integers(0, 4))) * height]:
        if rng.random() < 0.75:
            _add_board(body, _rectangle(width, depth, level), rng.uniform(0.02, 0.12))
        else:
            body.path(_rectangle(width, depth, level)[[0, 1, 2, 3, 0]], radius * 0.7)
    return body


def _ladder(rng: np.random.Generator) -> Structure:
    """Two rails with rungs, upright, leaning or lying; or two such that lean on each other."""
    body, radius = Structure(), rng.uniform(0.012, 0.035)
    width, height, rungs = rng.uniform(0.3, 2.2), rng.uniform(0.6, 2.6), int(rng.integers(1, 9))
    sides = (1, -1) if rng.random() < 0.5 else (1,)
    spread = rng.uniform(0.05, 0.9) * height if len(sides) == 2 or rng.random() < 0.7 else 0.0
    for side in sides:
        foot = np.array([0.0, side * spread, 0.0])
        top = np.array([0.0, 0.0, height if len(sides) == 2 or rng.random() < 0.8 else 0.05])
        rails = [(foot + [x, 0, 0], top + [x * rng.uniform(0.6, 1.0), 0, 0]) for x in (-width / 2, width / 2)]
        for a, b in rails:
            body.bars.append((a, b, radius))
        for share in np.linspace(0.0, 1.0, rungs + 1)[1:]:
            ends = [a + (b - a) * share for a, b in rails]
            body.bars.append((ends[0], ends[1], radius * 0.8))
    for _ in range(int(rng.integers(0, 3))):
        # What hangs from the top bar: ropes with a small board, as of a swing.
        x, drop = rng.uniform(-0.4, 0.4) * width, rng.uniform(0.3, 0.8) * height
        seat = _rectangle(rng.uniform(0.2, 0.5), 0.25, height - drop) + np.array([x, 0, 0])
        for corner in seat:
            body.bars.append((corner, np.array([corner[0], 0.0, height]), radius * 0.35))
        body.boards.append(seat)
    return body


def _cage(rng: np.random.Generator) -> Structure:
    """Edges of a box with bars or a net in some of its sides."""
    body, radius = Structure(), rng.uniform(0.01, 0.04)
    width, depth, height = rng.uniform(0.4, 3.0), rng.uniform(0.3, 1.5), rng.uniform(0.3, 2.0)
    low, high = _rectangle(width, depth, 0.0), _rectangle(width, depth * rng.uniform(0.3, 1.0), height)
    for corners in (low, high):
        body.path(corners[[0, 1, 2, 3, 0]], radius)
    for a, b in zip(low, high, strict=True):
        body.bars.append((a, b, radius))
    for i in range(4):
        j, kind = (i + 1) % 4, rng.random()
        if kind < 0.45:
            for share in np.linspace(0, 1, int(rng.integers(3, 16)))[1:-1]:
                ends = low[i] + (low[j] - low[i]) * share, high[i] + (high[j] - high[i]) * share
                body.bars.append((*ends, radius * 0.5))
            if kind < 0.2:
                for share in np.linspace(0, 1, int(rng.integers(3, 12)))[1:-1]:
                    ends = low[i] + (high[i] - low[i]) * share, low[j] + (high[j] - low[j]) * share
                    body.bars.append((*ends, radius * 0.5))
        elif kind < 0.55:
            body.boards.append(np.stack([low[i], low[j], high[j], high[i]]))
    return body


def _hoop(rng: np.random.Generator) -> Structure:
    """A ring, with spokes or without, on a stand, leaning or lying."""
    body, radius = Structure(), rng.uniform(0.015, 0.09)
    ring, height = _circle(rng.uniform(0.25, 0.8)), rng.uniform(0.0, 1.6)
    upright = rng.random() < 0.6
    flat = np.zeros((len(ring), 1))
    points = np.hstack([ring[:, :1], flat, ring[:, 1:]]) if upright else np.hstack([ring, flat])
    points[:, 2] += height - points[:, 2].min()
    centre = points[:-1].mean(0)
    body.path(points, radius)
    for spoke in points[:: int(rng.integers(2, 9))] if rng.random() < 0.5 else ():
        body.bars.append((centre, spoke, radius * 0.4))
    for foot in points[:: int(rng.integers(5, 13))] if height > 0.15 else ():
        body.bars.append((foot * [1, 1, 0] * rng.uniform(0.5, 1.5), foot, radius * 0.8))
    return body


def _parasol(rng: np.random.Generator) -> Structure:
    """A pole on a foot under a roof, or a bag, or nothing but a crossbar."""
    body, radius, height = Structure(), rng.uniform(0.015, 0.05), rng.uniform(0.8, 2.6)
    top = np.array([rng.normal(0, 0.08), rng.normal(0, 0.08), height])
    body.bars.append((np.zeros(3), top, radius))
    ring = _circle(rng.uniform(0.15, 1.6), int(rng.integers(5, 12)))
    rim = np.hstack([ring, np.full((len(ring), 1), height - rng.uniform(-0.1, 0.6))])
    kind = rng.random()
    if kind < 0.6:
        body.boards.extend(np.stack([top, a, b]) for a, b in zip(rim[:-1], rim[1:], strict=True))
    elif kind < 0.8:
        body.bars.append((top * [1, 1, 0.35], top * [1, 1, 0.95], rng.uniform(0.1, 0.3)))
    else:
        body.bars.append((top - [rng.uniform(0.2, 0.8), 0, 0], top + [rng.uniform(0.2, 0.8), 0, 0], radius))
    for foot in _circle(rng.uniform(0.15, 0.5), int(rng.integers(4, 7)))[:-1]:
        body.bars.append((np.array([*foot, 0.0]), np.array([0.0, 0.0, rng.uniform(0.02, 0.3)]), radius * 0.8))
    return body


def _tangle(rng: np.random.Generator) -> Structure:
    """Bars from point to point in a heap, with a board now and then."""
    body, points = Structure(), rng.uniform(-1, 1, (int(rng.integers(4, 12)), 3)) * [1, 0.6, 0.5] + [0, 0, 0.5]
    body.path(points, rng.uniform(0.012, 0.06))
    for _ in range(int(rng.integers(0, 3))):
        body.boards.append(points[rng.choice(len(points), 3, replace=False)])
    return body


_KINDS: tuple[Callable[[np.random.Generator], Structure], ...] = (_table, _ladder, _cage, _hoop, _parasol, _tangle)
