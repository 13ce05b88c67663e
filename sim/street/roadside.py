"""Poles, lamps, signs and traffic lights of a town, and the ground that they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import Colour, MeshBuilder, Surface
from ros_anomaly_sim.street.layout import RIGHT, SIDES, Plan
from ros_anomaly_sim.street.materials import Materials

_FOOT_M = 0.14
_POST_CLEARANCE_M = 0.45


@dataclass(frozen=True)
class RoadsideSignal:
    """Traffic lights for the traffic of one side, in road coordinates.

    They hang on a post at (s, d); ``heads`` are (d, s, z) of the middle of each one's underside.
    """

    side: int
    s_m: float
    d_m: float
    heads: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class SignLayers:
    """Texture layers of one town's signs and signals; ``backs`` maps a sign's layer to that of its back."""

    plates: tuple[int, ...]
    boards: tuple[int, ...]
    names: tuple[int, ...]
    signals: tuple[int, ...]
    backs: dict[int, int]

    @staticmethod
    def generate(materials: Materials, rng: np.random.Generator) -> SignLayers:
        """Random variants of the town's split."""
        plates = materials.some("plate", 10, rng)
        boards = materials.some("direction_board", 2, rng)
        names = materials.some("street_name", 2, rng)
        signals = materials.some("signal_head", 3, rng)
        backs = {layer: materials.back_of(layer) for layer in (*plates, *boards, *names)}
        return SignLayers(plates, boards, names, signals, backs)


class RoadsideMaker:
    """Adds what stands at the kerb; ``posts`` collects (s, d) of every post, ``signals`` the traffic lights."""

    def __init__(self, builder: MeshBuilder, plan: Plan, signs: SignLayers, rng: np.random.Generator) -> None:
        self._builder = builder
        self._plan = plan
        self._signs = signs
        self._rng = rng
        self._metal: Colour = _grey(rng, 0.28, 0.62)
        self._lamp_kind = str(rng.choice(["arm", "double", "post", "wood"]))
        self.posts: list[tuple[float, float]] = []
        self.signals: list[RoadsideSignal] = []

    def build(self) -> None:
        """Lamps, signs, bollards and signals along the whole road."""
        self.along()
        for junction in self._plan.junctions:
            if junction.signals:
                for side in SIDES:
                    self._signal(side, junction.s_m - side * (junction.half_width_m + 1.4))
            for side in junction.sides:
                s = junction.s_m - side * (junction.half_width_m + 0.9)
                self._name_post(side, s if not junction.signals else s - side * 1.5)
                for offset in (0.8, 2.0, 3.2):
                    if self._rng.random() < 0.5:
                        self._bollard(side, junction.s_m + side * (junction.half_width_m + offset))

    def along(self) -> None:
        """Lamps and signs between the junctions."""
        both = self._rng.random() < 0.6
        for side in SIDES:
            if both or side == RIGHT:
                self._lamps(side, float(self._rng.uniform(20, 32)))
            self._sign_posts(side)

    def mouth(self, side: int, signals: bool) -> None:
        """What stands where a joined street's lanes of that side enter the junction ahead of them."""
        s = self._plan.end_m if side == RIGHT else self._plan.start_m
        if signals:
            self._signal(side, s - side * 0.8)
        if self._rng.random() < 0.6:
            self._name_post(side, s - side * 1.6)

    def _kerb_d(self, side: int) -> float:
        return side * (self._plan.profile.edge_m(side) + _POST_CLEARANCE_M)

    def _post(self, s: float, d: float, height_m: float, radius_m: float = 0.04, colour: Colour | None = None) -> None:
        surface = Surface(0, StreetClass.POLE, colour or self._metal, gloss=0.3)
        self._builder.tube((d, s, _FOOT_M), (d, s, _FOOT_M + height_m), radius_m, surface)
        self.posts.append((s, d))

    def _lamps(self, side: int, spacing_m: float) -> None:
        for s in np.arange(self._rng.uniform(-40, -20), self._plan.length_m + 60, spacing_m):
            if self._plan.clear_of_junctions(float(s), 1.5) and self._plan.clear_of_zebras(float(s), 2.2):
                self._lamp(side, float(s) + float(self._rng.uniform(-0.8, 0.8)))

    def _lamp(self, side: int, s: float) -> None:
        d = self._kerb_d(side)
        metal = Surface(0, StreetClass.POLE, self._metal, gloss=0.3)
        glass = Surface(0, StreetClass.POLE, (0.86, 0.85, 0.78), gloss=0.4)
        if self._lamp_kind == "post":
            self._post(s, d, 4.2, 0.06)
            self._builder.box((d, s, 4.3), (0.42, 0.42, 0.5), glass, top=metal)
            return
        wood = self._lamp_kind == "wood"
        height = 7.6
        self._post(s, d, height, 0.13 if wood else 0.085, (0.36, 0.27, 0.2) if wood else None)
        arms = (-side, side) if self._lamp_kind == "double" else (-side,)
        for direction in arms:
            tip = (d + direction * 1.9, s, height + 0.45)
            self._builder.tube((d, s, height - 0.1), tip, 0.05, metal, sides=4)
            self._builder.box((tip[0] + direction * 0.2, s, tip[2] - 0.08), (0.75, 0.26, 0.13), metal, bottom=True)
        if wood:
            self._builder.box((d, s, height - 0.4), (0.12, 1.8, 0.12), Surface(0, StreetClass.POLE, (0.36, 0.27, 0.2)))

    def _sign_posts(self, side: int) -> None:
        s = float(self._rng.uniform(-20, 5))
        while s < self._plan.length_m + 40:
            if self._plan.clear_of_junctions(s, 1.0) and self._plan.clear_of_zebras(s, 2.0):
                if self._rng.random() < 0.14:
                    self._board(side, s)
                else:
                    self._plates(side, s)
            s += float(self._rng.uniform(9, 26))

    def _plates(self, side: int, s: float) -> None:
        d = self._kerb_d(side)
        count = 2 if self._rng.random() < 0.25 else 1
        size = float(self._rng.uniform(0.62, 0.95))
        foot = float(self._rng.uniform(2.0, 2.4))
        self._post(s, d, foot + count * (size + 0.06), 0.035)
        for k in range(count):
            # Signs face the traffic of their own side; some turn to the sidewalk's other direction.
            towards = -side if self._rng.random() < 0.88 else side
            layer = self._signs.plates[int(self._rng.integers(len(self._signs.plates)))]
            self._face(d, s, _FOOT_M + foot + k * (size + 0.06), size, size, layer, towards)

    def _board(self, side: int, s: float) -> None:
        d = self._kerb_d(side) + side * 0.9
        width, height = float(self._rng.uniform(1.2, 2.0)), float(self._rng.uniform(1.0, 1.6))
        for offset in (-width * 0.35, width * 0.35):
            self._post(s, d + offset, 2.2 + height, 0.045)
        layer = self._signs.boards[int(self._rng.integers(len(self._signs.boards)))]
        self._face(d, s, _FOOT_M + 2.2, width, height, layer, -side)

    def _name_post(self, side: int, s: float) -> None:
        d = self._kerb_d(side) + side * 0.3
        self._post(s, d, 2.75, 0.03)
        layer = self._signs.names[int(self._rng.integers(len(self._signs.names)))]
        self._face(d, s, 2.2, 0.95, 0.95, layer, -side)

    def _face(self, d: float, s: float, z: float, width: float, height: float, layer: int, towards: int) -> None:
        """A plate with its picture looking along ``towards`` (±1 in s) and a grey back."""
        front_s, back_s = s + towards * 0.05, s + towards * 0.03
        half = width / 2
        # Seen from its front a plate's left edge is at +d when it looks along +s.
        left, right = d + towards * half, d - towards * half
        sign = Surface(layer, StreetClass.TRAFFIC_SIGN, gloss=0.1)
        back = Surface(self._signs.backs[layer], StreetClass.TRAFFIC_SIGN, (0.34, 0.35, 0.36), gloss=0.1)
        low, high = z, z + height
        uv = np.array([[(0, 0), (1, 0), (1, 1), (0, 1)]], float)
        front = [(left, front_s, low), (right, front_s, low), (right, front_s, high), (left, front_s, high)]
        rear = [(left, back_s, low), (left, back_s, high), (right, back_s, high), (right, back_s, low)]
        self._builder.quads(np.array([front]), uv, sign)
        self._builder.quads(np.array([rear]), uv[:, [0, 3, 2, 1]], back)

    def _signal(self, side: int, s: float) -> None:
        d = self._kerb_d(side)
        has_mast = self._rng.random() < 0.6
        self._post(s, d, *((5.9, 0.08) if has_mast else (3.3, 0.06)))
        heads = [(d, s, 2.5)]
        self._signal_head(*heads[0], -side)
        if has_mast:
            reach = self._plan.profile.edge_m(side) * 0.55 + _POST_CLEARANCE_M
            metal = Surface(0, StreetClass.POLE, self._metal, gloss=0.3)
            self._builder.tube((d, s, 5.8), (d - side * reach, s, 5.95), 0.05, metal, sides=4)
            heads.append((d - side * (reach - 0.3), s, 5.3))
            self._signal_head(*heads[1], -side)
        self.signals.append(RoadsideSignal(side, s, d, tuple(heads)))

    def _signal_head(self, d: float, s: float, z: float, towards: int) -> None:
        body = Surface(0, StreetClass.TRAFFIC_SIGN, (0.1, 0.1, 0.1))
        self._builder.box((d, s, z), (0.32, 0.2, 0.95), body, bottom=True)
        layer = self._signs.signals[int(self._rng.integers(len(self._signs.signals)))]
        face = s + towards * 0.115
        left, right = d + towards * 0.47, d - towards * 0.47
        corners = [(left, face, z), (right, face, z), (right, face, z + 0.95), (left, face, z + 0.95)]
        uv = np.array([[(0, 0), (1, 0), (1, 1), (0, 1)]], float)
        self._builder.quads(np.array([corners]), uv, Surface(layer, StreetClass.TRAFFIC_SIGN))

    def _bollard(self, side: int, s: float) -> None:
        self._post(s, self._kerb_d(side), 0.95, 0.06)


def _grey(rng: np.random.Generator, low: float, high: float) -> Colour:
    level = float(rng.uniform(low, high))
    return (level, level, level)
