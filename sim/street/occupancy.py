"""Which ground is taken: oriented boxes, tested by the separating axis theorem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Footprint:
    """An oriented rectangle on the ground: world centre, half extents across and along, yaw from +y."""

    x_m: float
    y_m: float
    half_width_m: float
    half_length_m: float
    yaw_rad: float

    @property
    def reach_m(self) -> float:
        """Radius of the circle that holds the rectangle."""
        return float(np.hypot(self.half_width_m, self.half_length_m))


class Occupancy:
    """A growing set of footprints that answers whether another one is clear of all of them."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, float, float, float]] = []
        self._table = np.zeros((0, 5))

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, box: Footprint) -> None:
        """Take this ground."""
        self._rows.append((box.x_m, box.y_m, box.half_width_m, box.half_length_m, box.yaw_rad))

    def take(self, other: Occupancy) -> None:
        """Take all the ground that another one holds."""
        self._rows += other._rows

    def near(self, x_m: float, y_m: float, radius_m: float) -> Occupancy:
        """A copy that keeps the footprints with their centre within ``radius_m``."""
        copy = Occupancy()
        copy._rows = [r for r in self._rows if (r[0] - x_m) ** 2 + (r[1] - y_m) ** 2 < radius_m**2]
        return copy

    def is_free(self, box: Footprint, margin_m: float = 0.0) -> bool:
        """Whether ``box``, grown by ``margin_m``, overlaps none of the footprints."""
        if not self._rows:
            return True
        if len(self._table) != len(self._rows):
            self._table = np.array(self._rows)
        rows = self._table
        grown = Footprint(box.x_m, box.y_m, box.half_width_m + margin_m, box.half_length_m + margin_m, box.yaw_rad)
        near = np.hypot(rows[:, 0] - box.x_m, rows[:, 1] - box.y_m) < grown.reach_m + np.hypot(rows[:, 2], rows[:, 3])
        return not bool(_overlaps(grown, rows[near]).any())


def overlap(a: Footprint, b: Footprint) -> bool:
    """Whether two footprints share ground."""
    return bool(_overlaps(a, np.array([(b.x_m, b.y_m, b.half_width_m, b.half_length_m, b.yaw_rad)]))[0])


def _overlaps(box: Footprint, rows: np.ndarray) -> np.ndarray:
    """[n] bool: two rectangles are apart exactly if one of their four edge normals separates them."""
    offset = rows[:, :2] - (box.x_m, box.y_m)
    relative = rows[:, 4] - box.yaw_rad
    cos, sin = np.abs(np.cos(relative)), np.abs(np.sin(relative))
    apart = np.zeros(len(rows), bool)
    own = _in_axes(offset, np.full(len(rows), box.yaw_rad))
    apart |= np.abs(own[:, 0]) > box.half_width_m + rows[:, 2] * cos + rows[:, 3] * sin
    apart |= np.abs(own[:, 1]) > box.half_length_m + rows[:, 2] * sin + rows[:, 3] * cos
    other = _in_axes(offset, rows[:, 4])
    apart |= np.abs(other[:, 0]) > rows[:, 2] + box.half_width_m * cos + box.half_length_m * sin
    apart |= np.abs(other[:, 1]) > rows[:, 3] + box.half_width_m * sin + box.half_length_m * cos
    return ~apart


def _in_axes(offset: np.ndarray, yaw_rad: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.stack([cos * offset[:, 0] + sin * offset[:, 1], -sin * offset[:, 0] + cos * offset[:, 1]], 1)
