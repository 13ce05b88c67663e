"""The pinhole camera: directions, pixels, and that one undoes the other."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.pinhole import directions, pixels

CAMERA = GroundProjection(fx=320.0, fy=300.0, cx=319.5, cy=180.0)


def test_directions_have_unit_depth_and_pass_the_principal_point_straight():
    np.testing.assert_array_equal(directions(CAMERA, 319.5, 180.0), [0.0, 0.0, 1.0])
    np.testing.assert_allclose(directions(CAMERA, [639.5, 319.5], [180.0, 480.0]), [[1, 0, 1], [0, 1, 1]])


def test_a_row_and_a_column_broadcast():
    assert directions(CAMERA, np.arange(4), 7).shape == (4, 3)


@pytest.mark.parametrize("depth_m", [0.5, 40.0])
def test_pixels_undo_directions_at_any_depth(depth_m):
    u, v = np.meshgrid([-50.0, 0.0, 700.0], [0.0, 359.0])
    back = pixels(CAMERA, directions(CAMERA, u, v) * depth_m)
    np.testing.assert_allclose(back, (u, v), atol=1e-9)


def test_what_is_behind_the_camera_has_no_pixel():
    u, v = pixels(CAMERA, np.array([[1.0, 1.0, -5.0], [0.0, 0.0, 0.0], [0.0, 0.0, 5.0]]))
    assert np.isnan(u[:2]).all() and np.isnan(v[:2]).all() and (u[2], v[2]) == (319.5, 180.0)
