"""Computed objects: abstract shapes for training, and plain street furniture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, VERTEX_FLOATS, Model, columns
from ros_anomaly_sim.street.objects.build import model_of_surface
from ros_anomaly_sim.street.objects.patterns import random_pattern, street_paint
from ros_anomaly_sim.street.objects.spec import SHAPE_PREFIX, ObjectSpec
from ros_anomaly_sim.street.objects.surface import Surface, shading_normals, welded

Grid = tuple[np.ndarray, np.ndarray]
_CREDIT = "computed by ros_anomaly (Apache-2.0)"


def build_shape_model(spec: ObjectSpec) -> Model:
    """Model of a source ``shape:<name>:<seed>``; ValueError names the shapes there are."""
    name, _, seed = spec.source.removeprefix(SHAPE_PREFIX).partition(":")
    if name not in SHAPES:
        raise ValueError(f"object {spec.name}: expected a shape of {', '.join(sorted(SHAPES))}, found {name!r}")
    random = np.random.default_rng(int(seed or 0))
    parts = SHAPES[name](random)
    texture, gloss = street_paint(random) if name in _STREET_SHAPES else random_pattern(random)
    white = np.full((TEXTURE_SIZE, TEXTURE_SIZE, 4), 255, np.uint8)
    return model_of_surface(spec, _surface(parts, gloss), (white, texture), _CREDIT)


def _surface(parts: list[Grid], gloss: float) -> Surface:
    """One surface of closed grids: points [rows, columns, 3] with uv [rows, columns, 2]."""
    points, uvs, triangles, offset = [], [], [], 0
    for grid, uv in parts:
        rows, cols = grid.shape[:2]
        index = np.arange(rows * cols).reshape(rows, cols) + offset
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
        quads = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2)
        triangles.append(quads.reshape(-1, 3))
        points.append(grid.reshape(-1, 3))
        uvs.append(uv.reshape(-1, 2))
        offset += rows * cols
    triangle = np.concatenate(triangles)
    corners = np.zeros((len(triangle), 3, VERTEX_FLOATS), np.float32)
    corners[:, :, columns("uv")] = np.concatenate(uvs)[triangle]
    corners[:, :, columns("colour")] = 1.0
    corners[:, :, columns("layer")] = 1.0
    corners[:, :, columns("gloss")] = gloss
    count = len(triangle)
    surface = Surface(np.concatenate(points), triangle, corners, np.zeros(count, bool), np.arange(count) // 2)
    surface = welded(surface)
    surface.corners[:, :, columns("normal")] = shading_normals(surface)
    return surface


def _revolved(radius: np.ndarray, height: np.ndarray, segments: int = 28) -> Grid:
    """Surface of revolution about z of a profile; ends at radius 0 close it."""
    turn = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    x, y = np.outer(radius, np.cos(turn)), np.outer(radius, np.sin(turn))
    z = np.repeat(height[:, None], segments + 1, axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(radius), np.diff(height)))])
    uv = np.stack(np.broadcast_arrays(turn[None] / (2 * np.pi), along[:, None] / max(along[-1], 1e-6)), axis=-1)
    return np.stack([x, y, z], axis=-1), uv


def _box(centre: tuple[float, float, float], size: tuple[float, float, float]) -> list[Grid]:
    """Six faces, each with the whole texture."""
    uv = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]])
    faces: list[Grid] = []
    for axis in range(3):
        for side in (-1.0, 1.0):
            u, v = (axis + 1) % 3, (axis + 2) % 3
            corner = np.zeros((2, 2, 3))
            corner[..., axis] = side
            corner[:, :, u] = np.array([[-1.0, 1.0], [-1.0, 1.0]]) * side
            corner[:, :, v] = np.array([[-1.0, -1.0], [1.0, 1.0]])
            faces.append((corner * np.array(size) / 2 + np.array(centre), uv))
    return faces


def _sphere(radius: np.ndarray, rows: int = 20, cols: int = 32) -> Grid:
    """Sphere whose radius is scaled by ``radius`` [rows + 1, cols + 1]."""
    polar = np.linspace(np.pi, 0.0, rows + 1)[:, None]
    turn = np.linspace(0.0, 2.0 * np.pi, cols + 1)[None]
    unit = np.stack(np.broadcast_arrays(np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)), -1)
    uv = np.stack(np.broadcast_arrays(turn / (2 * np.pi), 1.0 - polar / np.pi), axis=-1)
    return unit * radius[..., None], uv


def _ball(random: np.random.Generator) -> list[Grid]:
    grid, uv = _sphere(np.ones((21, 33)))
    return [(grid * random.uniform(0.6, 1.0, 3), uv)]


def _blob(random: np.random.Generator) -> list[Grid]:
    polar, turn = np.linspace(np.pi, 0.0, 21)[:, None], np.linspace(0.0, 2.0 * np.pi, 33)[None]
    radius = np.ones((21, 33))
    for _ in range(5):
        k, m = int(random.integers(1, 5)), int(random.integers(1, 4))
        wave = np.cos(k * turn + random.uniform(0, 6)) * np.sin(polar) ** k * np.cos(m * polar)
        radius = radius + random.uniform(0.1, 0.3) * wave
    radius[0], radius[-1] = radius[0].mean(), radius[-1].mean()
    return [_sphere(np.maximum(radius, 0.35))]


def _cylinder(random: np.random.Generator) -> list[Grid]:
    height, top = random.uniform(0.8, 3.0), random.choice([1.0, 1.0, 0.7])
    return [_revolved(np.array([0.0, 1.0, top, 0.0]), np.array([0.0, 0.0, height, height]))]


def _cone(random: np.random.Generator) -> list[Grid]:
    sides = int(random.choice([4, 6, 28]))
    return [_revolved(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, random.uniform(1.2, 2.4)]), sides)]


def _prism(random: np.random.Generator) -> list[Grid]:
    sides, height = int(random.integers(3, 8)), random.uniform(0.8, 2.4)
    return [_revolved(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, height, height]), sides)]


def _vessel(random: np.random.Generator) -> list[Grid]:
    height = np.linspace(0.0, 2.0, 14)
    radius = 0.55 + 0.3 * np.sin(height * random.uniform(1.0, 3.0) + random.uniform(0, 6))
    return [_revolved(np.concatenate([[0.0], radius, [0.0]]), np.concatenate([[0.0], height, [2.0]]))]


def _ring(random: np.random.Generator) -> list[Grid]:
    around, across = np.linspace(0, 2 * np.pi, 33)[:, None], np.linspace(0, 2 * np.pi, 15)[None]
    thick = random.uniform(0.2, 0.42)
    radius = 1.0 + thick * np.cos(across)
    lying = np.stack(np.broadcast_arrays(radius * np.cos(around), radius * np.sin(around), thick * np.sin(across)), -1)
    uv = np.stack(np.broadcast_arrays(2 * around / np.pi, across / (2 * np.pi)), axis=-1)
    return [(lying if random.random() < 0.5 else lying[..., [0, 2, 1]], uv)]


def _tube(random: np.random.Generator) -> list[Grid]:
    """A bent tube along a smooth closed curve."""
    t = np.linspace(0.0, 2.0 * np.pi, 65)
    amount = random.uniform(0.3, 1.0, (3, 2))
    phase = random.uniform(0.0, 6.0, (3, 2))
    curve = np.stack([sum(amount[i, k] * np.cos((k + 1) * t + phase[i, k]) for k in range(2)) for i in range(3)], -1)
    tangent = np.gradient(curve, axis=0)
    tangent[[0, -1]] = (tangent[1] + tangent[-2]) / 2
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, np.array([0.3, 0.5, 0.81]))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(tangent, side)
    across = np.linspace(0.0, 2.0 * np.pi, 11)
    ring = side[:, None] * np.cos(across)[None, :, None] + up[:, None] * np.sin(across)[None, :, None]
    uv = np.stack(np.broadcast_arrays(t[:, None], across[None] / (2 * np.pi)), axis=-1)
    return [(curve[:, None] + 0.22 * ring, uv)]


def _stack(random: np.random.Generator) -> list[Grid]:
    parts: list[Grid] = []
    height = 0.0
    for _ in range(int(random.integers(2, 5))):
        w, d, h = (float(x) for x in random.uniform(0.35, 1.0, 3))
        x, y = (float(v) for v in random.uniform(-0.15, 0.15, 2))
        parts += _box((x, y, height + h / 2), (w, d, h))
        height += h
    return parts


def _steps(random: np.random.Generator) -> list[Grid]:
    count = int(random.integers(2, 5))
    boxes = [_box((0.0, 0.5 * i, 0.2 * (i + 1)), (random.uniform(0.8, 1.2), 0.5, 0.4 * (i + 1))) for i in range(count)]
    return [face for box in boxes for face in box]


def _arch(random: np.random.Generator) -> list[Grid]:
    width, height, thick = random.uniform(1.0, 1.6), random.uniform(0.8, 1.6), random.uniform(0.2, 0.4)
    left = _box((-width / 2, 0.0, height / 2), (thick, 0.5, height))
    right = _box((width / 2, 0.0, height / 2), (thick, 0.5, height))
    return left + right + _box((0.0, 0.0, height + thick / 2), (width + 2 * thick, 0.55, thick))


def _cross(random: np.random.Generator) -> list[Grid]:
    t = random.uniform(0.2, 0.4)
    return _box((0, 0, 1), (2, t, t)) + _box((0, 0, 1), (t, 2, t)) + _box((0, 0, 1), (t, t, 2))


def _cabinet(random: np.random.Generator) -> list[Grid]:
    """Switch box: plinth, body and lid."""
    w, d, h = random.uniform(0.6, 1.3), random.uniform(0.3, 0.45), random.uniform(0.9, 1.3)
    plinth = _box((0.0, 0.0, 0.06), (w - 0.06, d - 0.06, 0.12))
    return plinth + _box((0.0, 0.0, 0.12 + h / 2), (w, d, h)) + _box((0.0, 0.0, 0.15 + h), (w + 0.08, d + 0.08, 0.06))


def _bollard(random: np.random.Generator) -> list[Grid]:
    radius = np.array([0.0, 0.11, 0.11, 0.09, 0.09, 0.1, 0.06, 0.0])
    return [_revolved(radius, np.array([0.0, 0.0, 0.12, 0.14, 0.8, 0.86, 0.95, 0.97]) * random.uniform(0.9, 1.15), 14)]


_STREET_SHAPES = ("bollard", "cabinet")
SHAPES: dict[str, Callable[[np.random.Generator], list[Grid]]] = {
    "arch": _arch,
    "ball": _ball,
    "blob": _blob,
    "bollard": _bollard,
    "cabinet": _cabinet,
    "cone": _cone,
    "cross": _cross,
    "cylinder": _cylinder,
    "prism": _prism,
    "ring": _ring,
    "stack": _stack,
    "steps": _steps,
    "tube": _tube,
    "vessel": _vessel,
}
