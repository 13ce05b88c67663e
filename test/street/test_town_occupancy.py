"""Oriented footprints."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.occupancy import Footprint, Occupancy, overlap

UNIT = Footprint(0.0, 0.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Footprint(1.9, 0.0, 1.0, 1.0, 0.0), True),
        (Footprint(2.1, 0.0, 1.0, 1.0, 0.0), False),
        (Footprint(0.0, 0.0, 0.1, 0.1, 0.3), True),
        # A diamond whose bounding circle reaches the square but whose edge does not.
        (Footprint(1.8, 1.8, 1.0, 1.0, np.pi / 4), False),
        (Footprint(1.6, 1.6, 1.0, 1.0, np.pi / 4), True),
        # A long thin bar across both.
        (Footprint(3.0, 0.0, 0.1, 5.0, np.pi / 2), True),
        (Footprint(3.0, 1.2, 0.1, 5.0, np.pi / 2), False),
    ],
)
def test_overlap(other: Footprint, expected: bool):
    assert overlap(UNIT, other) is expected
    assert overlap(other, UNIT) is expected


def test_overlap_agrees_with_sampled_points():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41)), -1).reshape(-1, 2)
    for _ in range(200):
        a, b = (
            Footprint(*rng.uniform(-2, 2, 2), *rng.uniform(0.2, 2.0, 2), float(rng.uniform(0, 6.3))) for _ in range(2)
        )
        cos, sin = np.cos(a.yaw_rad), np.sin(a.yaw_rad)
        points = grid * (a.half_width_m, a.half_length_m) @ np.array([[cos, sin], [-sin, cos]]) + (a.x_m, a.y_m)
        offset = points - (b.x_m, b.y_m)
        cos, sin = np.cos(b.yaw_rad), np.sin(b.yaw_rad)
        across = np.abs(cos * offset[:, 0] + sin * offset[:, 1]) <= b.half_width_m
        along = np.abs(-sin * offset[:, 0] + cos * offset[:, 1]) <= b.half_length_m
        if (across & along).any():
            assert overlap(a, b)


def test_margin_and_copy():
    occupied = Occupancy()
    assert occupied.is_free(UNIT)
    occupied.add(UNIT)
    apart = Footprint(2.1, 0.0, 1.0, 1.0, 0.0)
    assert occupied.is_free(apart)
    assert not occupied.is_free(apart, margin_m=0.2)
    nearby = occupied.near(0.0, 0.0, 5.0)
    nearby.add(apart)
    assert len(occupied) == 1 and len(nearby) == 2
    assert len(occupied.near(50.0, 0.0, 5.0)) == 0
