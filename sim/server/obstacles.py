"""Which static obstacles are near a place, remembered by cells of the ground."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from ros_anomaly_sim.server.geometry import to_street
from ros_anomaly_sim.street.occupancy import Occupancy

_CELL_M = 24.0
_REACH_M = 45.0


class ObstacleGrid:
    """The obstacles of a town, by place."""

    def __init__(self, occupied: Occupancy) -> None:
        self._occupied = occupied
        self._of_cell: Callable[[int, int], Occupancy] = lru_cache(maxsize=256)(self._find)

    def near(self, x: float, y: float) -> Occupancy:
        """Those with their middle within at least 25 m of a place in CARLA's frame; footprints in the streets'."""
        return self._of_cell(math.floor(x / _CELL_M), math.floor(y / _CELL_M))

    def _find(self, column: int, row: int) -> Occupancy:
        x, y, _ = to_street(((column + 0.5) * _CELL_M, (row + 0.5) * _CELL_M, 0.0))
        return self._occupied.near(x, y, _REACH_M)
