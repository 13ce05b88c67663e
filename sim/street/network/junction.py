"""The ground plan of a junction: its arms, how far each is cut back, and the corners between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.layout import LEFT, RIGHT, RoadProfile

_ARC_POINTS = 8
_NEARLY_STRAIGHT_RAD = np.radians(140.0)
_LEAST_MOUTH_M = 7.0


@dataclass(frozen=True)
class Arm:
    """One street's end at a junction: it leaves with ``heading_rad``; ``at_end``: the street's s ends here."""

    street: int
    at_end: bool
    heading_rad: float
    profile: RoadProfile

    @property
    def forward(self) -> np.ndarray:
        """Unit vector [2] away from the junction."""
        return np.array([-np.sin(self.heading_rad), np.cos(self.heading_rad)])

    @property
    def left(self) -> np.ndarray:
        """Unit vector [2] to the left, looking away from the junction."""
        return np.array([-np.cos(self.heading_rad), -np.sin(self.heading_rad)])

    def reach_m(self, to_left: bool, front: bool) -> float:
        """Distance of the kerb, or of the frontage, from the centreline on that hand."""
        side = RIGHT if to_left == self.at_end else LEFT
        return self.profile.frontage_m(side) if front else self.profile.edge_m(side)

    @property
    def entering_side(self) -> int:
        """Side of the street whose traffic enters the junction."""
        return RIGHT if self.at_end else LEFT


@dataclass(frozen=True)
class Corner:
    """Kerb and frontage [n, 2] from one arm's left hand to the right hand of the next arm counter-clockwise."""

    kerb: np.ndarray
    front: np.ndarray


@dataclass(frozen=True)
class JunctionShape:
    """A junction's place, its arms counter-clockwise, the distance of each mouth, and the corner after each arm."""

    number: int
    centre: np.ndarray
    arms: tuple[Arm, ...]
    mouths_m: tuple[float, ...]
    corners: tuple[Corner, ...]
    signals: bool
    zebras: tuple[bool, ...]

    @property
    def outline(self) -> np.ndarray:
        """The carriageway's outline [n, 2], counter-clockwise."""
        return np.concatenate([corner.kerb for corner in self.corners])

    def straight_on(self, arm: int) -> bool:
        """Whether another arm lies nearly opposite."""
        return any(self.goes_straight_on(arm, other) for other in range(len(self.arms)) if other != arm)

    def goes_straight_on(self, arm: int, other: int) -> bool:
        """Whether two arms lie nearly opposite each other."""
        between = self.arms[other].heading_rad - self.arms[arm].heading_rad
        return bool(np.cos(between) < np.cos(_NEARLY_STRAIGHT_RAD))

    @staticmethod
    def generate(
        number: int, centre: tuple[float, float], arms: Sequence[Arm], rng: np.random.Generator
    ) -> JunctionShape:
        """The junction with corners rounded at random; a crossing has signals and zebras more often than a T."""
        ordered = sorted(arms, key=lambda a: a.heading_rad % (2 * np.pi))
        radii = [float(rng.uniform(5.5, 8.0)) for _ in ordered]
        mouths = [_LEAST_MOUTH_M] * len(ordered)
        for i, arm in enumerate(ordered):
            j = (i + 1) % len(ordered)
            for front in (False, True):
                at_i, at_j = _needed(arm, ordered[j], radii[i], front)
                mouths[i], mouths[j] = max(mouths[i], at_i), max(mouths[j], at_j)
        place = np.array(centre, float)
        corners = []
        for i, arm in enumerate(ordered):
            j = (i + 1) % len(ordered)
            sides = [_path(place, arm, ordered[j], (mouths[i], mouths[j]), radii[i], front) for front in (False, True)]
            corners.append(Corner(*sides))
        signals = bool(rng.random() < (0.65 if len(ordered) > 3 else 0.3))
        zebras = tuple(bool(signals or rng.random() < 0.35) for _ in ordered)
        return JunctionShape(number, place, tuple(ordered), tuple(mouths), tuple(corners), signals, zebras)


def _rounding(first: Arm, second: Arm, radius_m: float, front: bool) -> float:
    """Radius of the kerb, or that of the frontage behind it: smaller by the narrower sidewalk."""
    if not front:
        return radius_m
    walks = (
        first.reach_m(True, True) - first.reach_m(True, False),
        second.reach_m(False, True) - second.reach_m(False, False),
    )
    return max(0.0, radius_m - min(walks))


def _between_rad(first: Arm, second: Arm) -> float:
    return float((second.heading_rad - first.heading_rad) % (2 * np.pi))


def _tips(first: Arm, second: Arm, front: bool) -> tuple[float, float]:
    """Distances along both arms at which their kerbs (or fronts), drawn on, cross."""
    angle = _between_rad(first, second)
    a, b = first.reach_m(True, front), second.reach_m(False, front)
    sin, cos = float(np.sin(angle)), float(np.cos(angle))
    return (b + a * cos) / sin, (a + b * cos) / sin


def _needed(first: Arm, second: Arm, radius_m: float, front: bool) -> tuple[float, float]:
    angle = _between_rad(first, second)
    if angle > _NEARLY_STRAIGHT_RAD:
        return 0.0, 0.0
    tangent = _rounding(first, second, radius_m, front) / float(np.tan(angle / 2))
    at_first, at_second = _tips(first, second, front)
    return at_first + tangent + 0.3, at_second + tangent + 0.3


def _path(
    centre: np.ndarray, first: Arm, second: Arm, mouths_m: tuple[float, float], radius_m: float, front: bool
) -> np.ndarray:
    """Points [_ARC_POINTS + 2, 2] from the first arm's mouth to the second's."""
    angle = _between_rad(first, second)
    start = centre + mouths_m[0] * first.forward + first.reach_m(True, front) * first.left
    end = centre + mouths_m[1] * second.forward - second.reach_m(False, front) * second.left
    if angle > _NEARLY_STRAIGHT_RAD:
        return _sweep(start, -first.forward, end, second.forward)
    radius = _rounding(first, second, radius_m, front)
    tip = centre + _tips(first, second, front)[0] * first.forward + first.reach_m(True, front) * first.left
    touch = tip + radius / float(np.tan(angle / 2)) * first.forward
    middle = touch + radius * first.left
    turns = -(np.pi - angle) * np.linspace(0.0, 1.0, _ARC_POINTS)
    cos, sin = np.cos(turns), np.sin(turns)
    spoke = touch - middle
    arc = middle + np.stack([cos * spoke[0] - sin * spoke[1], sin * spoke[0] + cos * spoke[1]], 1)
    return np.concatenate([start[None], arc, end[None]])


def _sweep(start: np.ndarray, leaving: np.ndarray, end: np.ndarray, arriving: np.ndarray) -> np.ndarray:
    """A cubic (Hermite) with the given directions at its ends."""
    t = np.linspace(0.0, 1.0, _ARC_POINTS + 2)[:, None]
    pull = float(np.hypot(*(end - start)))
    return (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * pull * leaving
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * pull * arriving
    )
