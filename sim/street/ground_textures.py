"""Textures of the ground, of walls and of fences: every maker returns uint8 [256, 256, 4]."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly_sim.street.painting import (
    SIZE,
    Rgb,
    crack,
    cut_out,
    grain,
    noise,
    opaque,
    random_colour,
    shaded,
    tinted,
)


def asphalt(rng: np.random.Generator) -> np.ndarray:
    """Road surface, 4 m a tile: fresh and dark to old and light, some cracked or sealed with bitumen."""
    level = rng.uniform(54, 106)
    warmth = rng.uniform(-4, 5)
    base: Rgb = (level + warmth, level, level - warmth * 0.6)
    image = tinted(base, noise(rng), rng.uniform(0.05, 0.16)) + grain(rng, rng.uniform(4, 11))
    for _ in range(int(rng.integers(0, 5)) if rng.random() < 0.6 else 0):
        sealed = rng.random() < 0.3
        crack(image, rng, shaded(base, 0.42 if sealed else 0.66), 3 if sealed else 1)
    return opaque(image)


def paving(rng: np.random.Generator) -> np.ndarray:
    """Sidewalk slabs, 2.4 m a tile, in running or stacked bond."""
    base = random_colour(rng, (20, 50), (0.02, 0.14), (0.5, 0.74))
    rows = int(rng.choice([3, 4, 6, 8]))
    columns = int(rng.choice([2, 3, 4, 6, 8]))
    return opaque(_blocks(rng, base, rows, columns, rng.random() < 0.5, 0.75, 0.07))


def kerb(rng: np.random.Generator) -> np.ndarray:
    """Kerb stones, 2 m a tile."""
    level = rng.uniform(120, 180)
    return opaque(_blocks(rng, (level, level * 0.99, level * 0.96), 1, 2, False, 0.7, 0.06))


def concrete(rng: np.random.Generator) -> np.ndarray:
    """Cast concrete, stained, 3 m a tile."""
    level = rng.uniform(120, 185)
    image = tinted((level, level * 0.98, level * 0.94), noise(rng, gain=0.75), 0.12) + grain(rng, 4)
    streaks = cv2.resize(rng.random((1, 64), np.float32), (SIZE, SIZE))
    return opaque(image * (0.94 + 0.08 * streaks[..., None]))


def panels(rng: np.random.Generator) -> np.ndarray:
    """Concrete slabs between posts, 2.5 m a tile: yard walls."""
    level = rng.uniform(125, 180)
    image = tinted((level, level * 0.97, level * 0.9), noise(rng), 0.1) + grain(rng, 5)
    for row in range(0, SIZE, SIZE // 4):
        image[row : row + 3] *= 0.7
    image[:, :16] *= 1.1
    image[:, 16:19] *= 0.65
    return opaque(image)


def grass(rng: np.random.Generator) -> np.ndarray:
    """Lawn and rough grass, 5 m a tile."""
    base = random_colour(rng, (62, 98), (0.35, 0.6), (0.28, 0.46))
    image = tinted(base, noise(rng, gain=0.8), 0.4) + grain(rng, 12)
    dry = np.clip(noise(rng, (4, 8, 16)) * 2.4 - 1.2, 0, 1)[..., None] * rng.uniform(0, 0.7)
    return opaque(image * (1 - dry) + np.array([140.0, 128.0, 84.0]) * dry)


def soil(rng: np.random.Generator) -> np.ndarray:
    """Bare or gravelly ground, 4 m a tile."""
    base = random_colour(rng, (24, 42), (0.15, 0.35), (0.42, 0.62))
    return opaque(tinted(base, noise(rng, gain=0.8), 0.25) + grain(rng, 14))


def brick(rng: np.random.Generator) -> np.ndarray:
    """Brickwork, 2 m a tile."""
    return opaque(brickwork(rng, random_colour(rng, (8, 32), (0.25, 0.6), (0.4, 0.75))))


def stone(rng: np.random.Generator) -> np.ndarray:
    """Squared stone blocks, 2 m a tile."""
    base = random_colour(rng, (25, 50), (0.05, 0.25), (0.45, 0.75))
    return opaque(_blocks(rng, base, int(rng.choice([5, 6, 8])), int(rng.choice([3, 4, 5])), True, 0.6, 0.2))


def plaster(rng: np.random.Generator) -> np.ndarray:
    """Rendered wall, 3 m a tile."""
    base = random_colour(rng, (10, 60), (0.03, 0.3), (0.6, 0.92))
    image = tinted(base, noise(rng), 0.08) + grain(rng, 3)
    stain = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None] ** 6
    return opaque(image * (1 - 0.2 * stain))


def roof(rng: np.random.Generator) -> np.ndarray:
    """Tiles, slates or felt, 3 m a tile."""
    kind = rng.random()
    base = (
        random_colour(rng, (4, 24), (0.35, 0.65), (0.38, 0.62))
        if kind < 0.55
        else random_colour(rng, (200, 240), (0.03, 0.15), (0.26, 0.45))
    )
    image = _blocks(rng, base, 12, 14, True, 0.6, 0.14)
    shade = np.linspace(1.12, 0.82, SIZE // 12, dtype=np.float32)
    rows = np.resize(shade, SIZE)
    return opaque(image * rows[:, None, None])


def leaves(rng: np.random.Generator) -> np.ndarray:
    """Dense foliage of a clipped hedge, 1.5 m a tile."""
    base = random_colour(rng, (75, 125), (0.35, 0.65), (0.18, 0.36))
    image = np.empty((SIZE, SIZE, 3), np.float32)
    image[:] = shaded(base, 0.45)
    for _ in range(900):
        centre = tuple(int(v) for v in rng.integers(0, SIZE, 2))
        axes = (int(rng.integers(4, 9)), int(rng.integers(2, 5)))
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, shaded(base, rng.uniform(0.6, 1.7)), -1)
    return opaque(image)


def boards(rng: np.random.Generator) -> np.ndarray:
    """Close-boarded timber fence, 2 m a tile, its boards upright."""
    base = random_colour(rng, (18, 40), (0.2, 0.55), (0.35, 0.7))
    image = tinted(base, noise(rng, (64, 128)), 0.15) + grain(rng, 5)
    count = int(rng.choice([12, 16, 20]))
    for i in range(count):
        left, right = i * SIZE // count, (i + 1) * SIZE // count
        image[:, left:right] *= rng.uniform(0.82, 1.12)
        image[:, left : left + 2] *= 0.45
    return opaque(image)


def pickets(rng: np.random.Generator) -> np.ndarray:
    """Picket fence cut out of the air, 2 m a tile: pales with pointed tops and two rails."""
    painted = rng.random() < 0.5
    base = (
        random_colour(rng, (30, 60), (0.0, 0.08), (0.8, 0.95))
        if painted
        else random_colour(rng, (18, 36), (0.3, 0.6), (0.3, 0.6))
    )
    image = tinted(base, noise(rng, (32, 64, 128)), 0.1) + grain(rng, 4)
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    count = int(rng.choice([12, 14, 16]))
    pitch = SIZE / count
    for i in range(count):
        left, right = int((i + 0.15) * pitch), int((i + 0.82) * pitch)
        alpha[12:, left:right] = 255
        tip = np.array([[left, 12], [(left + right) // 2, 0], [right - 1, 12]], np.int32)
        cv2.fillPoly(alpha, [tip], 255)
        image[:, right - 2 : right] *= 0.7
    for top in (48, 196):
        alpha[top : top + 18] = 255
    return cut_out(image, alpha)


def railings(rng: np.random.Generator) -> np.ndarray:
    """Metal railings cut out of the air, 1.5 m a tile."""
    dark = rng.random() < 0.65
    base = (
        random_colour(rng, (90, 240), (0.0, 0.5), (0.1, 0.3))
        if dark
        else random_colour(rng, (0, 360), (0.0, 0.1), (0.55, 0.8))
    )
    image = tinted(base, noise(rng, (16, 32)), 0.1)
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    count = int(rng.choice([12, 14, 16]))
    for i in range(count):
        middle = int((i + 0.5) * SIZE / count)
        half = int(SIZE / count * 0.27)
        alpha[4:, middle - half : middle + half + 1] = 255
        image[:, middle - half : middle - half + 2] *= 1.3
    for top in (0, 26, 216):
        alpha[top : top + 14] = 255
    return cut_out(image, alpha)


def mesh_fence(rng: np.random.Generator) -> np.ndarray:
    """Wire mesh panels, 2.5 m a tile, the wires as thick as a texel allows so that they last at a distance."""
    base = random_colour(rng, (80, 170), (0.0, 0.6), (0.25, 0.6))
    image = tinted(base, noise(rng, (16, 32)), 0.1)
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    pitch = int(rng.choice([12, 16]))
    wire = int(round(pitch * 0.36))
    for start in range(0, SIZE, pitch):
        alpha[:, start : start + wire] = 255
    for start in range(0, SIZE, pitch * 2):
        alpha[start : start + wire + 1] = 255
    alpha[:12] = 255
    return cut_out(image, alpha)


def brickwork(rng: np.random.Generator, base: Rgb, rows: int = 32, columns: int = 10) -> np.ndarray:
    """Bricks in running bond as a float image, for walls and facades."""
    return _blocks(rng, base, rows, columns, True, rng.uniform(0.9, 1.5), 0.16, mortar_px=1)


def _blocks(
    rng: np.random.Generator,
    base: Rgb,
    rows: int,
    columns: int,
    running: bool,
    joint: float,
    variation: float,
    mortar_px: int = 2,
) -> np.ndarray:
    tone = rng.uniform(1 - variation, 1 + variation, (rows, columns)).astype(np.float32)
    y = np.arange(SIZE) * rows // SIZE
    image = np.empty((SIZE, SIZE, 3), np.float32)
    shift = (y % 2) * (SIZE // columns // 2) if running else np.zeros(SIZE, int)
    x = (np.arange(SIZE)[None] + shift[:, None]) % SIZE
    image[:] = np.array(base, np.float32) * tone[y[:, None], x * columns // SIZE][..., None]
    seam = np.zeros((SIZE, SIZE), bool)
    seam |= ((np.arange(SIZE) * rows) % SIZE < mortar_px * rows)[:, None]
    seam |= (x * columns) % SIZE < mortar_px * columns
    image[seam] = np.array(base, np.float32) * joint
    return image * (0.9 + 0.2 * noise(rng)[..., None]) + grain(rng, 4)
