"""Structures of bars and boards as cut-outs, in perspective: legs stand apart, near bars are wider than far ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ros_anomaly.data.patterns import random_colour, random_pattern
from ros_anomaly.data.structures import Structure

_SUPERSAMPLING = 2
_LIGHT = np.array([0.35, -0.5, 0.79])


def draw_structure(structure: Structure, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """The structure from a random side, painted at random; uint8 [h, w, 4], the longer side at most ``side_px``."""
    side = side_px * _SUPERSAMPLING
    view = _View.random(structure.points, side, rng)
    colours = [random_colour(rng) for _ in range(int(rng.integers(1, 4)))]
    canvas = _Canvas(np.zeros((side, side, 4), np.float32), random_pattern(side, side, rng))
    parts: list[tuple[float, Callable[[], None]]] = []
    for number, (start, end, radius) in enumerate(structure.bars):
        far = view.distance((start + end) / 2)
        width = max(_SUPERSAMPLING, round(2 * radius * view.scale / far))
        colour = colours[number % len(colours)] * _bar_shade(end - start)
        parts.append((far, partial(canvas.bar, view.pixels(np.stack([start, end])), colour, width)))
    for corners in structure.boards:
        far = view.distance(corners.mean(0))
        parts.append((far, partial(canvas.board, view.pixels(corners), _board_shade(corners))))
    for _, draw in sorted(parts, key=lambda part: -part[0]):
        draw()
    return canvas.picture(side_px)


def _bar_shade(along: np.ndarray) -> float:
    """A round bar shows the light best when it lies across it."""
    cosine = float(along @ _LIGHT) / max(float(np.linalg.norm(along)), 1e-9)
    return 0.55 + 0.45 * float(np.sqrt(max(0.0, 1 - cosine**2)))


def _board_shade(corners: np.ndarray) -> float:
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    return 0.5 + 0.5 * abs(float(normal @ _LIGHT)) / max(float(np.linalg.norm(normal)), 1e-9)


@dataclass(frozen=True)
class _View:
    """A camera that looks at the middle of a body; ``scale`` pixels cover a unit at distance 1."""

    eye: np.ndarray
    ahead: np.ndarray
    axes: np.ndarray
    nearest: float
    middle: np.ndarray
    scale: float
    side: int

    @classmethod
    def random(cls, points: np.ndarray, side: int, rng: np.random.Generator) -> _View:
        """From any side and as high as a car's camera may be above it; the body fills nine tenths of the picture."""
        turn = rng.uniform(0, 2 * np.pi)
        extent = float(np.ptp(points, axis=0).max())
        away = extent * rng.uniform(1.5, 6.0)
        eye = np.array([np.cos(turn) * away, np.sin(turn) * away, extent * rng.uniform(0.1, 1.3)])
        ahead = np.array([0.0, 0.0, points[:, 2].mean()]) - eye
        ahead /= np.linalg.norm(ahead)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(ahead, right)])
        view = cls(eye, ahead, axes, 0.05 * extent, np.zeros(2), 1.0, side)
        seen = view._flat(points)
        scale = 0.9 * side / max(float(np.ptp(seen, axis=0).max()), 1e-9)
        return cls(eye, ahead, axes, view.nearest, (seen.min(0) + seen.max(0)) / 2, scale, side)

    def distance(self, point: np.ndarray) -> float:
        """Of a point [3] along the line of sight."""
        return max(float((point - self.eye) @ self.ahead), self.nearest)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Where points [n, 3] are seen, int32 [n, 2] (column, row)."""
        return np.round((self._flat(points) - self.middle) * self.scale + self.side / 2).astype(np.int32)

    def _flat(self, points: np.ndarray) -> np.ndarray:
        depth = np.maximum((points - self.eye) @ self.ahead, self.nearest)[:, None]
        return (points - self.eye) @ self.axes.T / depth


@dataclass(frozen=True)
class _Canvas:
    """``rgba`` float32 [s, s, 4] premultiplied, drawn from far to near; ``pattern`` [s, s, 3] covers the boards."""

    rgba: np.ndarray
    pattern: np.ndarray

    def bar(self, ends: np.ndarray, colour: np.ndarray, width: int) -> None:
        first, second = (tuple(end) for end in ends.tolist())
        cv2.line(self.rgba, first, second, (*colour.tolist(), 255.0), width)

    def board(self, corners: np.ndarray, shade: float) -> None:
        mask = np.zeros(self.rgba.shape[:2], np.uint8)
        cv2.fillPoly(mask, [corners], 255)
        inside = mask > 0
        self.rgba[inside, :3], self.rgba[inside, 3] = self.pattern[inside] * shade, 255.0

    def picture(self, side_px: int) -> np.ndarray:
        """Reduced, cropped to what was drawn, colour no longer premultiplied; uint8 [h, w, 4]."""
        small = cv2.resize(self.rgba, (side_px, side_px), interpolation=cv2.INTER_AREA)
        alpha = small[..., 3:]
        small[..., :3] = np.divide(small[..., :3], alpha / 255, out=small[..., :3], where=alpha > 0)
        picture = np.clip(small, 0, 255).astype(np.uint8)
        left, top, width, height = cv2.boundingRect((picture[..., 3] > 0).astype(np.uint8))
        return np.ascontiguousarray(picture[top : top + height, left : left + width])
