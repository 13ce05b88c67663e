"""Triangles of polygons, with and without a hole."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.network.polygons import inside, signed_area, triangles, with_hole

SQUARE = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], float)
COMB = np.array([(0, 0), (9, 0), (9, 6), (8, 1), (6, 6), (5, 1), (3, 6), (2, 1), (0, 6)], float)
STAR = np.array(
    [((4 + 3 * (k % 2)) * np.cos(k / 9 * np.pi), (4 + 3 * (k % 2)) * np.sin(k / 9 * np.pi)) for k in range(18)]
)


def area_of(cut: np.ndarray) -> float:
    u, v = cut[:, 1] - cut[:, 0], cut[:, 2] - cut[:, 0]
    areas = (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    assert (areas >= 0.0).all()
    return float(areas.sum())


@pytest.mark.parametrize("ring", [SQUARE, COMB, STAR])
def test_triangles_cover_the_polygon_once(ring: np.ndarray):
    cut = triangles(ring)
    assert len(cut) == len(ring) - 2
    assert area_of(cut) == pytest.approx(signed_area(ring))
    for middle in cut.mean(1):
        assert inside(ring, *middle)


def test_clockwise_and_crossed_polygons_are_refused():
    with pytest.raises(ValueError, match="counter-clockwise"):
        triangles(SQUARE[::-1])


@pytest.mark.parametrize("hole", [STAR, STAR[::-1], COMB - 4])
def test_a_hole_is_left_out(hole: np.ndarray):
    ring = SQUARE * 4 - 20
    cut = triangles(with_hole(ring, hole))
    assert area_of(cut) == pytest.approx(signed_area(ring) - abs(signed_area(hole)))
    assert not any(inside(hole, *middle) for middle in cut.mean(1))
