"""Plane curves of lines and circular arcs: centrelines of streets and lanes, exact in length and offset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_STRAIGHT_PER_M = 1e-9
_PROJECTIONS = 6


@dataclass(frozen=True)
class Pose:
    """A place on the ground and a heading, counter-clockwise from +y."""

    x_m: float
    y_m: float
    heading_rad: float

    @property
    def forward(self) -> np.ndarray:
        """Unit vector [2] along the heading."""
        return np.array([-np.sin(self.heading_rad), np.cos(self.heading_rad)])

    @property
    def right(self) -> np.ndarray:
        """Unit vector [2] to the right of the heading."""
        return np.array([np.cos(self.heading_rad), np.sin(self.heading_rad)])

    @property
    def position(self) -> np.ndarray:
        """(x, y) as float64 [2]."""
        return np.array([self.x_m, self.y_m])

    def moved(self, ahead_m: float, right_m: float = 0.0) -> Pose:
        """The pose moved along its own axes."""
        x, y = self.position + ahead_m * self.forward + right_m * self.right
        return Pose(float(x), float(y), self.heading_rad)

    def turned_back(self) -> Pose:
        """The same place, looking the other way."""
        return Pose(self.x_m, self.y_m, self.heading_rad + np.pi)


@dataclass(frozen=True)
class Piece:
    """A line (curvature 0) or an arc; the curvature is positive to the left."""

    start: Pose
    length_m: float
    curvature_per_m: float

    def pose(self, s_m: float) -> Pose:
        """Pose ``s_m`` after its start."""
        turn = self.curvature_per_m * s_m
        chord = s_m * float(np.sinc(turn / (2 * np.pi)))
        towards = self.start.heading_rad + turn / 2
        return Pose(
            float(self.start.x_m - chord * np.sin(towards)),
            float(self.start.y_m + chord * np.cos(towards)),
            float(self.start.heading_rad + turn),
        )


@dataclass(frozen=True)
class Curve:
    """Pieces one after the other, each starting where the one before ends; s runs from 0 to ``length_m``."""

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        if not self.pieces:
            raise ValueError("curve: expected at least one piece, found none")
        if any(p.length_m <= 0.0 for p in self.pieces):
            raise ValueError(f"curve: expected pieces longer than 0, found {[p.length_m for p in self.pieces]}")

    @property
    def length_m(self) -> float:
        """Length of the whole."""
        return float(self.starts_s_m[-1] + self.pieces[-1].length_m)

    @cached_property
    def starts_s_m(self) -> np.ndarray:
        """s at which each piece starts, float64 [pieces]."""
        return np.concatenate([[0.0], np.cumsum([p.length_m for p in self.pieces])[:-1]])

    @property
    def start(self) -> Pose:
        """Its first pose."""
        return self.pieces[0].start

    @property
    def end(self) -> Pose:
        """Its last pose."""
        return self.pieces[-1].pose(self.pieces[-1].length_m)

    @property
    def sharpest_per_m(self) -> float:
        """Largest absolute curvature."""
        return max(abs(p.curvature_per_m) for p in self.pieces)

    @property
    def straight(self) -> bool:
        """Whether it is one line."""
        return all(abs(p.curvature_per_m) < _STRAIGHT_PER_M for p in self.pieces)

    def pose(self, s_m: float) -> Pose:
        """Pose at s; before 0 and beyond the end the first and the last piece go on."""
        index = self._piece_at(s_m)
        return self.pieces[index].pose(s_m - float(self.starts_s_m[index]))

    def curvature_per_m(self, s_m: float) -> float:
        """Curvature at s, positive to the left."""
        return self.pieces[self._piece_at(s_m)].curvature_per_m

    def poses(self, s_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World positions [n, 2] and headings [n] at s [n]."""
        index = np.clip(np.searchsorted(self.starts_s_m, s_m, side="right") - 1, 0, len(self.pieces) - 1)
        x, y, heading, curvature = self._table[index].T
        along = np.asarray(s_m, float) - self.starts_s_m[index]
        turn = curvature * along
        chord = along * np.sinc(turn / (2 * np.pi))
        towards = heading + turn / 2
        return np.stack([x - chord * np.sin(towards), y + chord * np.cos(towards)], 1), heading + turn

    def _piece_at(self, s_m: float) -> int:
        return int(np.clip(np.searchsorted(self.starts_s_m, s_m, side="right") - 1, 0, len(self.pieces) - 1))

    @cached_property
    def _table(self) -> np.ndarray:
        rows = [(p.start.x_m, p.start.y_m, p.start.heading_rad, p.curvature_per_m) for p in self.pieces]
        return np.array(rows)

    def offset(self, right_m: float) -> Curve:
        """The parallel curve ``right_m`` to the right; ValueError where a bend is too tight for it."""
        pieces = []
        for piece in self.pieces:
            grown = 1.0 + piece.curvature_per_m * right_m
            if grown <= 0.0:
                raise ValueError(f"offset {right_m} m: expected less than the radius {1 / piece.curvature_per_m:.2f} m")
            start = piece.start.moved(0.0, right_m)
            pieces.append(Piece(start, piece.length_m * grown, piece.curvature_per_m / grown))
        return Curve(tuple(pieces))

    def reversed(self) -> Curve:
        """The same curve from its end to its start."""
        return Curve(
            tuple(
                Piece(p.pose(p.length_m).turned_back(), p.length_m, -p.curvature_per_m) for p in reversed(self.pieces)
            )
        )

    def joined(self, other: Curve) -> Curve:
        """This one and then the other."""
        return Curve((*self.pieces, *other.pieces))

    def project(self, x_m: float, y_m: float, near_s_m: float) -> tuple[float, float]:
        """(s, metres to the right) of a world position whose s is close to ``near_s_m``; s stays on the curve."""
        s = near_s_m
        for _ in range(_PROJECTIONS):
            pose = self.pose(s)
            offset = np.array([x_m, y_m]) - pose.position
            # A step along the parallel curve through the point, as long as that is no tighter than a fifth.
            grown = 1.0 + self.curvature_per_m(s) * float(pose.right @ offset)
            s = float(np.clip(s + float(pose.forward @ offset) / max(grown, 0.2), 0.0, self.length_m))
        pose = self.pose(s)
        return s, float(pose.right @ (np.array([x_m, y_m]) - pose.position))


def line(start: Pose, length_m: float) -> Curve:
    """A straight curve."""
    return Curve((Piece(start, length_m, 0.0),))


def biarc(start: Pose, end: Pose) -> Curve:
    """Two arcs with a common tangent that lead from one pose to the other.

    The joint is the one with equal tangent lengths (Bolton, "Biarc curves", 1975).
    """
    p0, p1, t0, t1 = start.position, end.position, start.forward, end.forward
    chord, tangents = p1 - p0, t0 + t1
    square = float(chord @ chord)
    if square < 1e-12:
        raise ValueError(f"biarc: expected two places, found one: ({start.x_m}, {start.y_m})")
    apart = 2.0 * (1.0 - float(t0 @ t1))
    along = float(chord @ tangents)
    if apart < 1e-9:
        reach = square / (2.0 * along) if abs(along) > 1e-9 else float(np.sqrt(square)) / 2
    else:
        reach = (-along + float(np.sqrt(along * along + apart * square))) / apart
    joint = (p0 + reach * t0 + p1 - reach * t1) / 2
    first = arc_to(start, joint)
    second = arc_to(first.pose(first.length_m), p1)
    return Curve((first, second))


def arc_to(start: Pose, point: np.ndarray) -> Piece:
    """The arc (or line) that leaves ``start`` along its heading and meets the point [2]."""
    chord = np.asarray(point, float) - start.position
    length = float(np.hypot(*chord))
    swing = float(np.arctan2(-start.right @ chord, start.forward @ chord))
    if abs(swing) < 1e-9:
        return Piece(start, length, 0.0)
    return Piece(start, length * swing / float(np.sin(swing)), 2.0 * float(np.sin(swing)) / length)


def rounded_corner(start: Pose, end: Pose, radius_m: float) -> Curve | None:
    """Line, arc of that radius, line; None where the two headings do not meet ahead with room for the arc."""
    turn = float(np.arctan2(np.sin(end.heading_rad - start.heading_rad), np.cos(end.heading_rad - start.heading_rad)))
    if not np.pi / 6 < abs(turn) < 5 * np.pi / 6:
        return None
    crossing = np.linalg.solve(np.stack([start.forward, end.forward], 1), end.position - start.position)
    tangent = radius_m * float(np.tan(abs(turn) / 2))
    before, after = float(crossing[0]) - tangent, float(crossing[1]) - tangent
    if before < 0.5 or after < 0.5:
        return None
    arc = Piece(start.moved(before), radius_m * abs(turn), float(np.sign(turn)) / radius_m)
    return Curve((Piece(start, before, 0.0), arc, Piece(arc.pose(arc.length_m), after, 0.0)))
