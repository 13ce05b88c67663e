"""Helpers to paint textures: tileable noise, tints and lines. Images are float32 [256, 256, 3] in 0..255."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE as SIZE

Rgb = tuple[float, float, float]


def noise(rng: np.random.Generator, octaves: Sequence[int] = (4, 8, 16, 32, 64, 128), gain: float = 0.6) -> np.ndarray:
    """Tileable value noise, float32 [256, 256] in 0..1; ``octaves`` are cells per side."""
    total = np.zeros((SIZE, SIZE), np.float32)
    amplitude, weight = 1.0, 0.0
    for cells in octaves:
        grid = np.pad(rng.random((cells, cells), np.float32), 2, mode="wrap")
        step = SIZE // cells
        fine = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += amplitude * fine[2 * step : 2 * step + SIZE, 2 * step : 2 * step + SIZE]
        weight += amplitude
        amplitude *= gain
    return np.clip(total / weight, 0.0, 1.0)


def tinted(base: Rgb, field: np.ndarray, amplitude: float) -> np.ndarray:
    """``base`` brightened and darkened by ``amplitude`` where the 0..1 ``field`` is high or low."""
    return (np.array(base, np.float32) * (1 + amplitude * 2 * (field[..., None] - 0.5))).astype(np.float32)


def grain(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Grey pixel noise, float32 [256, 256, 1]."""
    return rng.normal(0, sigma, (SIZE, SIZE, 1)).astype(np.float32)


def opaque(image: np.ndarray) -> np.ndarray:
    """uint8 [256, 256, 4] of a float [256, 256, 3] image drawn with row 0 on top (textures have row 0 at v = 0)."""
    rgba = np.full((SIZE, SIZE, 4), 255, np.uint8)
    rgba[..., :3] = np.clip(image[::-1], 0, 255)
    return rgba


def cut_out(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Like ``opaque`` with an alpha channel [256, 256] in 0..255."""
    rgba = opaque(image)
    rgba[..., 3] = np.clip(alpha[::-1], 0, 255)
    return rgba


def random_colour(
    rng: np.random.Generator,
    hue: tuple[float, float],
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> Rgb:
    """A colour drawn from ranges of hue (degrees, may wrap), saturation and value (0..1); 0..255 RGB."""
    hsv = np.array([[[rng.uniform(*hue) % 360.0, rng.uniform(*saturation), rng.uniform(*value)]]], np.float32)
    r, g, b = (cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] * 255.0).tolist()
    return (r, g, b)


def shaded(colour: Rgb, factor: float) -> Rgb:
    """The colour times ``factor``, at most 255."""
    r, g, b = (min(255.0, channel * factor) for channel in colour)
    return (r, g, b)


def crack(image: np.ndarray, rng: np.random.Generator, colour: Rgb, width_px: int) -> None:
    """A random walk across the tile, drawn so that it leaves on one side and enters on the other."""
    point = rng.uniform(0, SIZE, 2)
    heading = rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(12, 34))):
        heading += rng.normal(0, 0.5)
        end = point + rng.uniform(5, 14) * np.array([np.cos(heading), np.sin(heading)])
        for shift_x in (-SIZE, 0, SIZE):
            for shift_y in (-SIZE, 0, SIZE):
                shift = np.array([shift_x, shift_y])
                a, b = (tuple(int(v) for v in np.round(p + shift)) for p in (point, end))
                if max(abs(v) for v in (*a, *b)) < 2 * SIZE:
                    cv2.line(image, a, b, colour, width_px, cv2.LINE_AA)
        point = end % SIZE if not (0 <= end).all() or not (end < SIZE).all() else end


def write(image: np.ndarray, words: str, centre: tuple[float, float], height_px: float, colour: Rgb) -> None:
    """Write ``words`` in place, centred on (x, y), its capitals ``height_px`` high."""
    scale = height_px / 22.0
    thickness = max(1, round(height_px / 9))
    (width, tall), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    ink = np.zeros((SIZE, SIZE), np.uint8)  # text is drawn on bytes only
    at = (int(centre[0] - width / 2), int(centre[1] + tall / 2))
    cv2.putText(ink, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    share = ink[..., None].astype(np.float32) / 255.0
    image[:] = image * (1 - share) + np.array(colour, np.float32) * share
