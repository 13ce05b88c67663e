"""Random surface patterns: what new objects are covered with, so that no one look stands for the unknown."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np


def random_pattern(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """One of the patterns in random colours; float32 [height, width, 3], 0..255."""
    first, second = random_colour(rng), random_colour(rng)
    share = _PATTERNS[int(rng.integers(len(_PATTERNS)))](height, width, rng)[..., None]
    return first * (1 - share) + second * share


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """float32 [3], 0..255; greys and muted colours are as common as vivid ones."""
    grey = rng.uniform(10, 245)
    spread = rng.choice((0.1, 0.4, 1.0))
    colour = grey + spread * (rng.uniform(0, 255, 3) - grey)
    return np.clip(colour, 0, 255).astype(np.float32)


def clouds(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise at a random grain; float32 [height, width], 0..1."""
    cells = int(rng.integers(2, 12))
    grid = rng.random((max(2, cells * height // max(height, width) + 1), max(2, cells + 1)), np.float32)
    return np.clip(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def _flat(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    return np.full((height, width), rng.uniform(0, 0.2), np.float32)


def _along(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A coordinate in a random direction, in units of the longer side."""
    angle = rng.uniform(0, np.pi)
    rows = np.arange(height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    columns = np.arange(width, dtype=np.float32)[None] * np.float32(np.cos(angle))
    return (rows + columns) / np.float32(max(height, width))


def _stripes(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    wave = (_along(height, width, rng) * np.float32(rng.uniform(2, 14))) % 1
    return (wave < rng.uniform(0.2, 0.6)).astype(np.float32)


def _ramp(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    along = _along(height, width, rng)
    low, high = float(along.min()), float(along.max())
    return (along - low) / max(high - low, 1e-6)


def _checks(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    cell = max(3, int(max(height, width) / rng.uniform(3, 14)))
    rows, columns = np.arange(height)[:, None] // cell, np.arange(width)[None] // cell
    return ((rows + columns) % 2).astype(np.float32)


def _spots(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    share = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(5, 30))):
        centre = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(share, centre, max(1, int(max(height, width) * rng.uniform(0.02, 0.09))), 1.0, -1)
    return share


_PATTERNS: tuple[Callable[[int, int, np.random.Generator], np.ndarray], ...] = (
    _flat,
    _flat,
    clouds,
    _ramp,
    _stripes,
    _checks,
    _spots,
)
