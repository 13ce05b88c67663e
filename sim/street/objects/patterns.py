"""Computed textures for the abstract shapes."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE


def random_pattern(random: np.random.Generator) -> tuple[np.ndarray, float]:
    """A texture uint8 [256, 256, 4] of two or three colours, and a gloss 0..0.6."""
    mask = _MASKS[int(random.integers(len(_MASKS)))](random)
    first, second = random.uniform(0.05, 0.95, (2, 3))
    colour = first + (second - first) * mask[..., None]
    colour = colour * (1.0 + 0.18 * (_clouds(random, 48)[..., None] - 0.5))
    rgba = np.dstack([np.clip(colour, 0.0, 1.0), np.ones_like(mask)])
    return np.rint(rgba * 255.0).astype(np.uint8), float(random.uniform(0.0, 0.6))


def street_paint(random: np.random.Generator) -> tuple[np.ndarray, float]:
    """Weathered paint of one muted colour, as switch boxes and bollards have it, and its gloss."""
    colours = np.array([[0.34, 0.38, 0.36], [0.22, 0.32, 0.25], [0.55, 0.54, 0.5], [0.4, 0.36, 0.3], [0.2, 0.22, 0.24]])
    colour = colours[random.integers(len(colours))] * random.uniform(0.85, 1.15)
    shaded = colour * (1.0 + 0.25 * (_clouds(random, 12)[..., None] - 0.5))
    rgba = np.dstack([np.clip(shaded, 0.0, 1.0), np.ones(shaded.shape[:2])])
    return np.rint(rgba * 255.0).astype(np.uint8), 0.1


def _clouds(random: np.random.Generator, cells: int) -> np.ndarray:
    coarse = random.random((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC).astype(np.float64)


def _plain(random: np.random.Generator) -> np.ndarray:
    return np.zeros((TEXTURE_SIZE, TEXTURE_SIZE))


def _stripes(random: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[0:1:256j, 0:1:256j]
    across = u if random.random() < 0.5 else v
    return (np.floor(across * 2 * random.integers(2, 9)) % 2).astype(np.float64)


def _checks(random: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[0:1:256j, 0:1:256j]
    count = 2 * random.integers(1, 7)
    return (np.floor(u * count) + np.floor(v * count)) % 2


def _spots(random: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[0:1:256j, 0:1:256j]
    count = random.integers(2, 9)
    return (np.hypot((u * count) % 1 - 0.5, (v * count) % 1 - 0.5) < 0.3).astype(np.float64)


def _mottled(random: np.random.Generator) -> np.ndarray:
    return np.clip((_clouds(random, int(random.integers(4, 20))) - 0.5) * 4 + 0.5, 0.0, 1.0)


_MASKS = (_plain, _stripes, _checks, _spots, _mottled)
