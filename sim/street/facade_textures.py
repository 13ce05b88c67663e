"""Facades (four bays by four floors a tile) and shop fronts (four shops a tile)."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly_sim.street.ground_textures import brickwork
from ros_anomaly_sim.street.painting import SIZE, Rgb, grain, noise, opaque, random_colour, shaded, tinted, write

_CELL = SIZE // 4
_NAMES = ("CAFE", "BAKERY", "BOOKS", "PHARMA", "TOYS", "HOTEL", "BANK", "PIZZA", "SHOES", "MARKET", "BAR", "FOTO")


def facade(rng: np.random.Generator) -> np.ndarray:
    """A wall with windows; material, window shape, shutters, sills, bands and blinds differ by variant."""
    material = str(rng.choice(["plaster", "brick", "panel", "stone", "glass"], p=[0.42, 0.24, 0.14, 0.1, 0.1]))
    base = _wall_colour(rng, material)
    image = _wall(rng, material, base)
    width, height = (0.9, 0.72) if material == "glass" else (rng.uniform(0.32, 0.66), rng.uniform(0.45, 0.68))
    frame = random_colour(rng, (0, 360), (0.0, 0.3), (0.75, 0.95) if rng.random() < 0.7 else (0.15, 0.4))
    trim = shaded(base, rng.uniform(0.75, 1.25))
    shutters = random_colour(rng, (0, 360), (0.2, 0.6), (0.25, 0.6)) if rng.random() < 0.25 and width < 0.5 else None
    arched = material in ("plaster", "stone", "brick") and rng.random() < 0.2
    panes = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    band = rng.random() < 0.55
    lit_share = rng.uniform(0.0, 0.2)
    for row in range(4):
        if band:
            cv2.rectangle(image, (0, row * _CELL), (SIZE, row * _CELL + 3), shaded(base, 0.8), -1)
        for column in range(4):
            left = column * _CELL + (1 - width) / 2 * _CELL
            top = row * _CELL + 0.18 * _CELL
            box = (int(left), int(top), int(left + width * _CELL), int(top + height * _CELL))
            if shutters is not None:
                side = max(3, (box[2] - box[0]) // 3)
                cv2.rectangle(image, (box[0] - side, box[1]), (box[2] + side, box[3]), shutters, -1)
            else:
                cv2.rectangle(image, (box[0] - 3, box[1] - 3), (box[2] + 3, box[3] + 3), trim, -1)
            _window(image, rng, box, frame, panes, lit=rng.random() < lit_share)
            if arched:
                _arch(image, box, trim)
            cv2.rectangle(image, (box[0] - 4, box[3] + 2), (box[2] + 4, box[3] + 5), shaded(base, 0.68), -1)
    return opaque(image)


def blank_facade(rng: np.random.Generator) -> np.ndarray:
    """A fire wall or hall wall with few or no windows."""
    material = str(rng.choice(["plaster", "brick", "panel", "metal"]))
    base = _wall_colour(rng, material)
    image = _wall(rng, material, base)
    if material == "metal":
        ribs = (np.arange(SIZE) % 8 < 2)[None, :, None]
        image = np.where(ribs, image * 0.82, image)
    return opaque(image)


def shop(rng: np.random.Generator) -> np.ndarray:
    """Ground floor with four shops: fascia with a name, display window, door."""
    wall = random_colour(rng, (0, 60), (0.02, 0.25), (0.3, 0.75))
    image = np.ascontiguousarray(tinted(wall, noise(rng), 0.1))
    for index in range(4):
        left = index * _CELL
        fascia = random_colour(rng, (0, 360), (0.2, 0.8), (0.2, 0.75))
        name = str(rng.choice(_NAMES))
        cv2.rectangle(image, (left + 3, 16), (left + _CELL - 4, 54), fascia, -1)
        ink = (245.0, 240.0, 225.0) if sum(fascia) < 420 else (30.0, 28.0, 26.0)
        write(image, name, (left + _CELL / 2, 35), 9.0, ink)
        _gradient(image, (left + 6, 64, left + 42, 226), (92, 104, 116), (36, 40, 46))
        for _ in range(7):
            x, y = int(rng.integers(left + 8, left + 36)), int(rng.integers(130, 214))
            goods = random_colour(rng, (0, 360), (0.2, 0.8), (0.3, 0.9))
            cv2.rectangle(image, (x, y), (x + int(rng.integers(3, 7)), y + int(rng.integers(5, 13))), goods, -1)
        cv2.rectangle(image, (left + 46, 66), (left + 60, 255), shaded(fascia, 0.6), -1)
        _gradient(image, (left + 48, 72, left + 58, 180), (80, 92, 104), (44, 50, 58))
        if rng.random() < 0.3:
            stripe = random_colour(rng, (0, 360), (0.4, 0.9), (0.4, 0.85))
            for x in range(left + 2, left + _CELL - 4, 8):
                cv2.rectangle(image, (x, 54), (x + 3, 84), stripe, -1)
                cv2.rectangle(image, (x + 4, 54), (x + 7, 84), (235.0, 232.0, 225.0), -1)
    return opaque(image)


def _wall_colour(rng: np.random.Generator, material: str) -> Rgb:
    if material == "brick":
        return random_colour(rng, (6, 34), (0.25, 0.6), (0.38, 0.75))
    if material in ("panel", "stone", "metal"):
        return random_colour(rng, (0, 360), (0.0, 0.14), (0.45, 0.82))
    if material == "glass":
        return random_colour(rng, (180, 230), (0.05, 0.25), (0.3, 0.6))
    return random_colour(rng, (0, 70) if rng.random() < 0.75 else (80, 240), (0.03, 0.42), (0.55, 0.95))


def _wall(rng: np.random.Generator, material: str, base: Rgb) -> np.ndarray:
    if material == "brick":
        image = brickwork(rng, base, 64, 20)
    else:
        image = tinted(base, noise(rng), 0.09) + grain(rng, 3)
    if material in ("panel", "stone"):
        step = _CELL if material == "panel" else _CELL // 4
        image[::step] *= 0.72
        image[:, ::step] *= 0.8
    streaks = cv2.resize(rng.random((1, 96), np.float32), (SIZE, SIZE))
    return np.ascontiguousarray(image * (0.93 + 0.1 * streaks[..., None]), np.float32)


def _window(
    image: np.ndarray,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    frame: Rgb,
    panes: tuple[int, int],
    lit: bool,
) -> None:
    left, top, right, bottom = box
    glow = rng.uniform(0.5, 1.15)
    if lit:
        _gradient(image, box, (226, 200, 150), (190, 160, 110))
    else:
        _gradient(image, box, (100 * glow, 118 * glow, 138 * glow), (38 * glow, 46 * glow, 56 * glow))
    if rng.random() < 0.45:
        drop = int(top + rng.uniform(0.1, 0.6) * (bottom - top))
        level = rng.uniform(140, 225)
        cv2.rectangle(image, (left, top), (right, drop), (level, level * 0.98, level * 0.94), -1)
    cv2.rectangle(image, (left, top), (right, top + 2), (34.0, 34.0, 38.0), -1)
    for k in range(1, panes[0]):
        x = left + k * (right - left) // panes[0]
        cv2.line(image, (x, top), (x, bottom), frame, 1)
    for k in range(1, panes[1]):
        y = top + k * (bottom - top) // panes[1]
        cv2.line(image, (left, y), (right, y), frame, 1)
    cv2.rectangle(image, (left, top), (right, bottom), frame, 1)


def _arch(image: np.ndarray, box: tuple[int, int, int, int], trim: Rgb) -> None:
    left, top, right, _ = box
    rise = (right - left) // 4
    for corner, end in (((left - 3, top - 3), (left + rise, top - 3)), ((right + 3, top - 3), (right - rise, top - 3))):
        below = (corner[0], top + rise)
        cv2.fillPoly(image, [np.array([corner, end, below], np.int32)], trim)


def _gradient(image: np.ndarray, box: tuple[int, int, int, int], top_colour: Rgb, bottom_colour: Rgb) -> None:
    left, top, right, bottom = (max(0, v) for v in box)
    rows = image[top:bottom, left:right]
    if rows.size:
        f = np.linspace(0, 1, rows.shape[0], dtype=np.float32)[:, None, None]
        rows[:] = np.array(top_colour, np.float32) * (1 - f) + np.array(bottom_colour, np.float32) * f
