"""The plan of a town: the road's profile, junctions, blocks and what each lot along them holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

LEFT, RIGHT = -1, 1
SIDES = (LEFT, RIGHT)
RUN_OUT_M = 90.0
SIDE_STREET_M = 85.0


class LotKind(Enum):
    """What stands on a lot."""

    ROW = "row"
    YARD = "yard"
    HOUSE = "house"
    PARK = "park"
    WORKS = "works"
    GREEN = "green"


@dataclass(frozen=True)
class RoadProfile:
    """Cross-section of the main road; traffic keeps right, so the ego side is d > 0."""

    lanes: int
    lane_width_m: float
    parking_left_m: float
    parking_right_m: float
    sidewalk_left_m: float
    sidewalk_right_m: float
    verge_left_m: float
    verge_right_m: float

    def edge_m(self, side: int) -> float:
        """Distance of the kerb from the centreline on that side."""
        return self.lanes * self.lane_width_m + self.parking_m(side)

    def parking_m(self, side: int) -> float:
        """Width of the parking lane, 0 without one."""
        return self.parking_right_m if side == RIGHT else self.parking_left_m

    def verge_m(self, side: int) -> float:
        """Width of the grass strip between kerb and sidewalk, 0 without one."""
        return self.verge_right_m if side == RIGHT else self.verge_left_m

    def sidewalk_m(self, side: int) -> float:
        """Width of the paved sidewalk."""
        return self.sidewalk_right_m if side == RIGHT else self.sidewalk_left_m

    def frontage_m(self, side: int) -> float:
        """Distance of the lots from the centreline."""
        return self.edge_m(side) + self.verge_m(side) + self.sidewalk_m(side)

    def lane_centre_m(self, side: int, lane: int) -> float:
        """d of a lane's middle; lane 0 lies next to the centreline."""
        return side * (lane + 0.5) * self.lane_width_m


@dataclass(frozen=True)
class Junction:
    """A side street to one or both sides at ``s_m``."""

    s_m: float
    half_width_m: float
    sidewalk_m: float
    sides: tuple[int, ...]
    signals: bool
    zebra: bool

    @property
    def reach_m(self) -> float:
        """Half extent along s that the side street and its sidewalks take."""
        return self.half_width_m + self.sidewalk_m


@dataclass(frozen=True)
class Lot:
    """A stretch of frontage on one side."""

    side: int
    s0_m: float
    s1_m: float
    kind: LotKind

    @property
    def length_m(self) -> float:
        return self.s1_m - self.s0_m


@dataclass(frozen=True)
class Plan:
    """Where the road, the junctions, the zebra crossings and the lots are, in road coordinates.

    A ``joined`` street leads from one junction to another and is built from 0 to ``length_m``; else the road runs out
    over 90 m beyond either end.
    """

    length_m: float
    profile: RoadProfile
    junctions: tuple[Junction, ...]
    zebras_s_m: tuple[float, ...]
    lots: tuple[Lot, ...]
    joined: bool = False

    @property
    def start_m(self) -> float:
        """s at which the built road starts."""
        return 0.0 if self.joined else -RUN_OUT_M

    @property
    def end_m(self) -> float:
        """s at which the built road ends."""
        return self.length_m if self.joined else self.length_m + RUN_OUT_M

    def holds(self, s_m: float, margin_m: float = 0.0) -> bool:
        """Whether the road is built at ``s_m``, and for the margin before and behind it."""
        return self.start_m + margin_m <= s_m <= self.end_m - margin_m

    def spans(self, side: int) -> tuple[tuple[float, float], ...]:
        """Stretches of kerb on one side that no side street interrupts, from end to end of the built road."""
        start, spans = self.start_m, []
        for junction in self.junctions:
            if side in junction.sides:
                spans.append((start, junction.s_m - junction.half_width_m))
                start = junction.s_m + junction.half_width_m
        spans.append((start, self.end_m))
        return tuple(spans)

    def clear_of_junctions(self, s_m: float, margin_m: float) -> bool:
        """Whether ``s_m`` is further than ``margin_m`` from every junction's side street, and from a joined end."""
        if self.joined and not self.holds(s_m, margin_m):
            return False
        return all(abs(s_m - j.s_m) > j.half_width_m + margin_m for j in self.junctions)

    def clear_of_zebras(self, s_m: float, margin_m: float) -> bool:
        """Whether ``s_m`` is further than ``margin_m`` from every zebra crossing."""
        return all(abs(s_m - z) > margin_m for z in self.zebras_s_m)

    @staticmethod
    def generate(rng: np.random.Generator, length_m: float) -> Plan:
        """A plan for a main road of that length."""
        profile = draw_profile(rng)
        junctions = _junctions(rng, length_m)
        zebras = [j.s_m + end * (j.half_width_m + 3.2) for j in junctions if j.zebra for end in (-1, 1)]
        s = float(rng.uniform(50, 150))
        while s < length_m - 20:
            if all(abs(s - j.s_m) > 25 for j in junctions):
                zebras.append(s)
            s += float(rng.uniform(140, 320))
        ends = (-RUN_OUT_M, length_m + RUN_OUT_M)
        lots = [lot for side in SIDES for lot in _lots(rng, side, junctions, ends)]
        return Plan(length_m, profile, tuple(junctions), tuple(sorted(zebras)), tuple(lots))

    @staticmethod
    def joining(
        rng: np.random.Generator, length_m: float, profile: RoadProfile, zebras_at_ends: tuple[bool, bool]
    ) -> Plan:
        """A plan for a street of that length between two junctions."""
        zebras = [s for s, wanted in zip((3.2, length_m - 3.2), zebras_at_ends, strict=True) if wanted]
        if length_m > 90.0 and rng.random() < 0.35:
            zebras.append(float(rng.uniform(0.4, 0.6)) * length_m)
        lots = [lot for side in SIDES for lot in _lots(rng, side, [], (0.0, length_m))]
        return Plan(length_m, profile, (), tuple(sorted(zebras)), tuple(lots), joined=True)


def draw_profile(rng: np.random.Generator) -> RoadProfile:
    """A random cross-section."""

    def verge() -> float:
        return float(rng.uniform(0.9, 1.8)) if rng.random() < 0.3 else 0.0

    def parking() -> float:
        return float(rng.uniform(2.0, 2.4)) if rng.random() < 0.7 else 0.0

    return RoadProfile(
        lanes=2 if rng.random() < 0.2 else 1,
        lane_width_m=float(rng.uniform(3.0, 3.7)),
        parking_left_m=parking(),
        parking_right_m=parking(),
        sidewalk_left_m=float(rng.uniform(2.0, 4.0)),
        sidewalk_right_m=float(rng.uniform(2.0, 4.0)),
        verge_left_m=verge(),
        verge_right_m=verge(),
    )


def _junctions(rng: np.random.Generator, length_m: float) -> list[Junction]:
    junctions, s = [], float(rng.uniform(40, 140))
    while s < length_m - 30:
        sides = [(LEFT, RIGHT), (LEFT,), (RIGHT,)][int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
        signals = len(sides) == 2 and rng.random() < 0.5
        junctions.append(
            Junction(
                s_m=s,
                half_width_m=float(rng.uniform(3.0, 4.6)),
                sidewalk_m=float(rng.uniform(1.8, 2.8)),
                sides=sides,
                signals=signals,
                zebra=signals or rng.random() < 0.5,
            )
        )
        s += float(rng.uniform(110, 230))
    return junctions


_DISTRICTS: dict[str, tuple[tuple[LotKind, float], ...]] = {
    "urban": ((LotKind.ROW, 0.8), (LotKind.YARD, 0.2)),
    "suburb": ((LotKind.HOUSE, 0.86), (LotKind.YARD, 0.06), (LotKind.ROW, 0.08)),
    "open": ((LotKind.PARK, 0.75), (LotKind.HOUSE, 0.25)),
    "works": ((LotKind.WORKS, 0.7), (LotKind.YARD, 0.15), (LotKind.ROW, 0.15)),
}
_DISTRICT_SHARES = (0.42, 0.32, 0.13, 0.13)
_LOT_LENGTHS_M: dict[LotKind, tuple[float, float]] = {
    LotKind.ROW: (9.0, 24.0),
    LotKind.YARD: (6.0, 15.0),
    LotKind.HOUSE: (14.0, 24.0),
    LotKind.PARK: (25.0, 60.0),
    LotKind.WORKS: (25.0, 50.0),
}
_SHORTEST_LOT_M = 6.0


def _lots(rng: np.random.Generator, side: int, junctions: list[Junction], ends: tuple[float, float]) -> list[Lot]:
    blocks, start = [], ends[0]
    for junction in junctions:
        if side in junction.sides:
            blocks.append((start, junction.s_m - junction.reach_m))
            start = junction.s_m + junction.reach_m
    blocks.append((start, ends[1]))
    lots = []
    for s0, s1 in blocks:
        s = s0
        while s < s1 - _SHORTEST_LOT_M:
            district = str(rng.choice(list(_DISTRICTS), p=_DISTRICT_SHARES))
            stretch_end = min(s1, s + float(rng.uniform(60, 160)))
            while s < stretch_end - _SHORTEST_LOT_M:
                kinds, shares = zip(*_DISTRICTS[district], strict=True)
                kind = kinds[int(rng.choice(len(kinds), p=shares))]
                end = min(s1, s + float(rng.uniform(*_LOT_LENGTHS_M[kind])))
                if s1 - end < _SHORTEST_LOT_M:
                    end = s1
                if kind is LotKind.HOUSE and end - s < 11.0:
                    kind = LotKind.YARD
                lots.append(Lot(side, s, end, kind))
                s = end
    return lots
