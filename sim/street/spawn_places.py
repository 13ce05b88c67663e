"""Where vehicles may start in a town of one main street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.layout import RIGHT, SIDES, Plan

EVERY_M = 20.0
CLEAR_M = 8.0
"""How far apart, and how far from junctions and zebra crossings."""
_FROM_THE_ENDS_M = 10.0


@dataclass(frozen=True)
class SpawnPlace:
    """The middle of a lane at ``s_m``; lane 0 lies next to the centreline."""

    side: int
    lane: int
    s_m: float


def spawn_places(plan: Plan) -> tuple[SpawnPlace, ...]:
    """Along every lane of the right side first, in driving order, then of the left."""
    places = []
    for side in sorted(SIDES, reverse=True):
        for lane in range(plan.profile.lanes):
            along = np.arange(_FROM_THE_ENDS_M, plan.length_m - _FROM_THE_ENDS_M, EVERY_M)
            for s in along if side == RIGHT else along[::-1]:
                if plan.clear_of_junctions(s, CLEAR_M) and plan.clear_of_zebras(s, CLEAR_M):
                    places.append(SpawnPlace(side, lane, float(s)))
    return tuple(places)
