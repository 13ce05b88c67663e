"""Fits the lots of streets into the blocks: what would stand on a road or in another lot is trimmed or made smaller."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ros_anomaly_sim.street.furnishing import footprint
from ros_anomaly_sim.street.layout import Lot, LotKind, Plan
from ros_anomaly_sim.street.occupancy import Footprint, Occupancy
from ros_anomaly_sim.street.track import Track

_DEPTHS_M: dict[LotKind, float] = {
    LotKind.ROW: 16.8,
    LotKind.YARD: 23.0,
    LotKind.HOUSE: 19.8,
    LotKind.PARK: 17.0,
    LotKind.WORKS: 38.8,
    LotKind.GREEN: 3.4,
}
_SHORTEST_M: dict[LotKind, float] = {
    LotKind.ROW: 8.0,
    LotKind.YARD: 7.0,
    LotKind.HOUSE: 13.0,
    LotKind.PARK: 12.0,
    LotKind.WORKS: 22.0,
    LotKind.GREEN: 4.0,
}
_INSTEAD: dict[LotKind, tuple[LotKind, ...]] = {
    LotKind.ROW: (LotKind.ROW, LotKind.GREEN),
    LotKind.YARD: (LotKind.YARD, LotKind.ROW, LotKind.GREEN),
    LotKind.HOUSE: (LotKind.HOUSE, LotKind.ROW, LotKind.GREEN),
    LotKind.PARK: (LotKind.PARK, LotKind.GREEN),
    LotKind.WORKS: (LotKind.WORKS, LotKind.YARD, LotKind.ROW, LotKind.GREEN),
    LotKind.GREEN: (LotKind.GREEN,),
}
_CELL_M = 3.0
_ROAD_CELL_M = 5.0
_SCALES = (0.5, 1.6)
"""How much narrower or wider than its front the back of a lot may be on a bend."""
_LARGEST_BULGE_M = 0.35


@dataclass
class LotFitter:
    """Ground that roads and lots take; ``take_road`` for every street and arm first, then ``fit`` street by street."""

    taken: Occupancy = field(default_factory=Occupancy)

    def take_road(self, track: Track, plan: Plan, s0_m: float, s1_m: float) -> None:
        """Carriageway and sidewalks between s0 and s1, which may lie beyond the street's ends, in its junctions."""
        left, right = plan.profile.frontage_m(-1), plan.profile.frontage_m(1)
        count = max(1, int(np.ceil((s1_m - s0_m) / _ROAD_CELL_M)))
        half = (s1_m - s0_m) / count / 2
        for s in s0_m + half * (2 * np.arange(count) + 1):
            self.taken.add(footprint(track, float(s), (right - left) / 2, ((left + right) / 2 - 0.05, half + 0.2), 0.0))

    def fit(self, track: Track, plan: Plan) -> tuple[Lot, ...]:
        """The plan's lots, trimmed to what is free, smaller kinds where the ground is short; their ground is taken."""
        lots: list[Lot] = []
        for lot in plan.lots:
            for kind in _INSTEAD[lot.kind]:
                found = self._longest_free(track, plan, lot, kind)
                if found is not None:
                    lots += _without_bulge(track, plan, found)
                    for cell in _cells(track, plan, found, _DEPTHS_M[kind], 0.0):
                        self.taken.add(cell)
                    break
        return tuple(lots)

    def clear(
        self, track: Track, plan: Plan, lots: tuple[Lot, ...], spots: list[tuple[float, float]]
    ) -> list[tuple[float, float]]:
        """Those of the spots (s, d) that lie within one of the street's own lots or on ground that nothing takes."""
        return [spot for spot in spots if _in_own(plan, lots, *spot) or self._free_spot(track, *spot)]

    def _free_spot(self, track: Track, s: float, d: float) -> bool:
        return self.taken.is_free(footprint(track, s, d, (0.5, 0.5), 0.0), 0.3)

    def _longest_free(self, track: Track, plan: Plan, lot: Lot, kind: LotKind) -> Lot | None:
        cells = _cells(track, plan, lot, _DEPTHS_M[kind], 0.1)
        front = lot.side * plan.profile.frontage_m(lot.side)
        deep = front + lot.side * _DEPTHS_M[kind]
        cuts = np.linspace(lot.s0_m, lot.s1_m, len(cells) + 1)
        best, start = (0, 0), None
        for i, cell in enumerate([*cells, None]):
            middle = float(cuts[min(i, len(cells) - 1)] + cuts[min(i + 1, len(cells))]) / 2
            bend = track.curvature_per_m(middle)
            scale = (1.0 + bend * deep) / max(0.1, 1.0 + bend * front)
            free = cell is not None and _SCALES[0] < scale < _SCALES[1] and self.taken.is_free(cell)
            if free and start is None:
                start = i
            if not free and start is not None:
                best = max(best, (i - start, -start))
                start = None
        count, first = best[0], -best[1]
        s0, s1 = float(cuts[first]), float(cuts[first + count])
        return Lot(lot.side, s0, s1, kind) if s1 - s0 >= _SHORTEST_M[kind] else None


def _cells(track: Track, plan: Plan, lot: Lot, depth_m: float, inset_m: float) -> list[Footprint]:
    """Footprints side by side along a lot, each from its front to ``depth_m`` behind."""
    count = max(1, round(lot.length_m / _CELL_M))
    step = lot.length_m / count
    d = lot.side * (plan.profile.frontage_m(lot.side) + depth_m / 2)
    cells = []
    for s in lot.s0_m + step * (np.arange(count) + 0.5):
        # On a bend the middle of the lot is longer or shorter than its front.
        scale = max(0.1, 1.0 + track.curvature_per_m(float(s)) * d)
        half = (depth_m / 2 - inset_m, step / 2 * scale - inset_m)
        cells.append(footprint(track, float(s), d, half, 0.0))
    return cells


def _without_bulge(track: Track, plan: Plan, lot: Lot) -> list[Lot]:
    """Rows in several parts where one straight front would stand out over the sidewalk on the outside of a bend."""
    bend = track.curvature_per_m((lot.s0_m + lot.s1_m) / 2) * lot.side
    if lot.kind is not LotKind.ROW or bend < 1e-4:
        return [lot]
    radius = 1.0 / bend
    front = plan.profile.frontage_m(lot.side) + radius
    # A chord over s metres of road is s * front / radius long at the frontage; its bulge is its square over 8 front.
    longest = float(np.sqrt(8 * front * _LARGEST_BULGE_M)) * radius / front
    cuts = np.linspace(lot.s0_m, lot.s1_m, int(np.ceil(lot.length_m / longest)) + 1)
    return [Lot(lot.side, float(a), float(b), lot.kind) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


def _in_own(plan: Plan, lots: tuple[Lot, ...], s: float, d: float) -> bool:
    side = 1 if d > 0 else -1
    depth = abs(d) - plan.profile.frontage_m(side)
    return any(lot.side == side and lot.s0_m <= s <= lot.s1_m and depth <= _DEPTHS_M[lot.kind] - 0.5 for lot in lots)
