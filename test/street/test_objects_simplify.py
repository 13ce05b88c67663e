"""Levels of detail: thin parts live, budgets hold, hidden parts go."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.mesh import VERTEX_FLOATS
from ros_anomaly_sim.street.objects.connectivity import connected_labels
from ros_anomaly_sim.street.objects.foliage import thin_foliage
from ros_anomaly_sim.street.objects.silhouette import silhouette_overlap
from ros_anomaly_sim.street.objects.simplify import simplify
from ros_anomaly_sim.street.objects.surface import Surface, areas, welded
from ros_anomaly_sim.street.objects.visibility import visible_from_outside


def _surface(
    points: np.ndarray, triangles: np.ndarray, leaf: bool = False, polygon: np.ndarray | None = None
) -> Surface:
    count = len(triangles)
    corners = np.zeros((count, 3, VERTEX_FLOATS), np.float32)
    polygon = np.arange(count) if polygon is None else polygon
    return Surface(points.astype(float), triangles, corners, np.full(count, leaf), polygon)


def _tube(
    start: tuple[float, float, float], radius: float, height: float, rings: int = 120, sides: int = 12
) -> Surface:
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    z = np.linspace(0, height, rings)
    circle = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    points = np.concatenate([np.column_stack([circle, np.full(sides, h)]) for h in z]) + np.array(start)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
    a, b = i * sides + j, i * sides + (j + 1) % sides
    c, d = a + sides, b + sides
    triangles = np.stack([np.stack([a, b, d], -1), np.stack([a, d, c], -1)], axis=2).reshape(-1, 3)
    return _surface(points, triangles)


def _together(*surfaces: Surface) -> Surface:
    offsets = np.cumsum([0, *(len(s.points) for s in surfaces)])
    points = np.concatenate([s.points for s in surfaces])
    triangles = np.concatenate([s.triangles + o for s, o in zip(surfaces, offsets[:-1], strict=True)])
    return _surface(points, triangles)


def _table() -> Surface:
    """Four legs 4 cm thick under a finely divided plate: what plain clustering loses."""
    legs = [_tube((x, y, 0.0), 0.02, 0.8) for x in (-0.6, 0.6) for y in (-0.4, 0.4)]
    u, v = np.meshgrid(np.linspace(-0.7, 0.7, 50), np.linspace(-0.5, 0.5, 50))
    index = np.arange(2500).reshape(50, 50)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)
    plate = _surface(np.stack([u, v, np.full_like(u, 0.82)], -1).reshape(-1, 3), triangles)
    return _together(*legs, plate)


@pytest.mark.parametrize("budget", [1500, 350])
def test_thin_legs_survive(budget: int) -> None:
    table = _table()
    small = simplify(table, budget)
    assert len(small.triangles) <= budget
    assert silhouette_overlap(table, small) > 0.8
    legs = small.points[small.triangles].mean(axis=1)
    for x in (-0.6, 0.6):
        for y in (-0.4, 0.4):
            near = np.hypot(legs[:, 0] - x, legs[:, 1] - y) < 0.1
            height = small.points[small.triangles[near & (legs[:, 2] < 0.8)]][:, :, 2]
            assert np.ptp(height) > 0.6, f"leg at {x}, {y} is gone"


def test_area_is_kept() -> None:
    table = _table()
    assert 0.75 < areas(simplify(table, 350)).sum() / areas(table).sum() < 1.2


def test_small_surfaces_are_left_alone() -> None:
    table = _table()
    assert simplify(table, len(table.triangles)) is table


def test_leaves_are_fewer_and_larger() -> None:
    random = np.random.default_rng(0)
    centres = random.uniform(-1, 1, (4000, 3)) + np.array([0, 0, 3.0])
    offsets = np.array([[0, 0, 0], [0.05, 0, 0], [0.05, 0.05, 0], [0, 0.05, 0]])
    points = (centres[:, None] + offsets).reshape(-1, 3)
    base = 4 * np.arange(4000)[:, None]
    triangles = np.concatenate([base + [0, 1, 2], base + [0, 2, 3]], axis=1).reshape(-1, 3)
    crown = _surface(points, triangles, leaf=True, polygon=np.repeat(np.arange(4000), 2))
    thin = thin_foliage(crown, 1500)
    assert len(thin.triangles) <= 1500
    assert len(thin.triangles) == 2 * len(np.unique(thin.polygon)), "a leaf lost half of itself"
    assert 0.6 < areas(thin).sum() / areas(crown).sum() < 1.1


def test_hidden_parts_are_found() -> None:
    shell, core = _tube((0, 0, 0), 1.0, 2.0, 30, 24), _tube((0, 0, 0.5), 0.2, 1.0, 30, 24)
    lid = _surface(np.array([[-1, -1, 2.0], [1, -1, 2], [1, 1, 2], [-1, 1, 2]]), np.array([[0, 1, 2], [0, 2, 3]]))
    visible = visible_from_outside(_together(shell, core, lid))
    count = len(shell.triangles)
    assert visible[:count].all() and visible[-2:].all()
    assert not visible[count:-2].any()


def test_welding_joins_equal_points() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0.0]])
    assert len(welded(_surface(points, np.arange(6).reshape(2, 3))).points) == 4


def test_connected_labels() -> None:
    labels = connected_labels(7, np.array([[5, 4], [4, 3], [0, 6]]))
    assert labels.tolist() == [0, 1, 2, 3, 3, 3, 0]
