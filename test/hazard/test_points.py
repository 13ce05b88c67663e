"""Ground points of anomalies: one a vertical run, where it meets the ground."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.points import MAX_RANGE_M, ground_points

SIZE = (360, 640)
LEVEL = GroundProjection.from_fov(SIZE, math.pi / 2)


def marked(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 255
    return mask


def test_no_anomaly_no_points():
    points = ground_points(marked(), np.zeros((90, 160), np.float32), LEVEL)
    assert points.shape == (0, 4) and points.dtype == np.float32


def test_a_standing_box_gives_a_row_of_points_at_its_foot():
    score = np.full((90, 160), -1.0, np.float32)
    score[30, 81] = 0.75
    points = ground_points(marked((320, 100, 336, 212)), score, LEVEL)
    assert len(points) == 4, "a point for each of the four columns of cells, none for what stands above"
    # The foot is the lower edge of pixel row 211: 32 pixels below the optical axis, so 320 / 32 camera heights away.
    np.testing.assert_allclose(points[:, 0], 1.5 + 1.6 * 320 / 32, rtol=1e-6)
    np.testing.assert_allclose(points[:, 1], [-0.1, -0.3, -0.5, -0.7], atol=1e-6)
    assert (points[:, 2] == 0).all()
    np.testing.assert_allclose(points[:, 3], [-1, 0.75, -1, -1])


def test_two_things_in_one_column_are_two_points():
    points = ground_points(marked((320, 200, 324, 220), (320, 300, 324, 360)), np.zeros((90, 160), np.float32), LEVEL)
    assert len(points) == 2 and points[0, 0] > points[1, 0]


def test_runs_end_at_the_image_edge_and_do_not_go_on_in_the_next_column():
    points = ground_points(marked((0, 0, 640, 360)), np.zeros((90, 160), np.float32), LEVEL)
    assert len(points) == 160
    np.testing.assert_allclose(points[:, 0], 1.5 + 1.6 * 320 / 180, rtol=1e-6)


def test_what_ends_above_the_horizon_or_far_away_has_no_point():
    horizon = SIZE[0] // 2
    far = horizon + 4  # one row of cells below the horizon: 1.6 m * 320 / 4 = 128 m
    score = np.zeros((90, 160), np.float32)
    assert len(ground_points(marked((0, 20, 40, horizon)), score, LEVEL)) == 0
    assert 1.6 * 320 / 4 > MAX_RANGE_M
    assert len(ground_points(marked((320, 20, 324, far)), score, LEVEL)) == 0


@pytest.mark.parametrize("shape", [(90, 160), (360, 640), (45, 80)])
def test_every_size_of_score_map_sees_the_same_foot(shape):
    points = ground_points(marked((320, 100, 336, 216)), np.zeros(shape, np.float32), LEVEL)
    np.testing.assert_allclose(points[:, 0], 1.5 + 1.6 * 320 / 36, rtol=1e-6)
