"""Ground projection and corridor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros_anomaly.hazard.config import CameraMount, CorridorConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.ground import GroundProjection, rotation_from_rpy

SIZE = (360, 640)
LEVEL = GroundProjection.from_fov(SIZE, math.pi / 2)

angles = st.floats(-0.3, 0.3)
mounts = st.builds(
    CameraMount,
    st.floats(-2, 3),
    st.floats(-1, 1),
    st.floats(0.5, 3),
    roll_rad=angles,
    pitch_rad=angles,
    yaw_rad=angles,
)


def test_field_of_view_gives_the_focal_length():
    assert LEVEL.fx == LEVEL.fy == pytest.approx(320.0)
    assert (LEVEL.cx, LEVEL.cy) == (319.5, 179.5)


def test_level_camera_by_hand():
    x, y = LEVEL.ground_from_pixels([319.5, 319.5 + 32], [179.5 + 32, 179.5 + 32])
    np.testing.assert_allclose(x, 1.5 + 16)
    np.testing.assert_allclose(y, [0, -1.6])  # right in the image is negative in base_link


def test_horizon_and_sky_have_no_ground():
    x, y = LEVEL.ground_from_pixels(319.5, [179.5, 100.0, 0.0])
    assert np.isnan(x).all() and np.isnan(y).all()


def test_behind_the_camera_has_no_pixel():
    assert np.isnan(LEVEL.pixels_from_ground([1.0, 1.5, -20.0], 0.0)[0]).all()


def test_signs_of_the_mount_are_those_of_rep_103():
    down = GroundProjection.from_fov(SIZE, math.pi / 2, CameraMount(pitch_rad=0.1))
    left = GroundProjection.from_fov(SIZE, math.pi / 2, CameraMount(yaw_rad=0.1))
    rolled = GroundProjection.from_fov(SIZE, math.pi / 2, CameraMount(roll_rad=0.1))
    assert down.ground_from_pixels(319.5, 179.5)[0] == pytest.approx(1.5 + 1.6 / math.tan(0.1))
    assert left.pixels_from_ground(20, 0)[0] > 319.5  # what is straight ahead appears to the right
    assert rolled.ground_from_pixels(600, 200)[0] < rolled.ground_from_pixels(40, 200)[0] or np.isnan(
        rolled.ground_from_pixels(40, 200)[0]
    )  # right side down: the right of the image looks nearer


@given(mounts, st.floats(4, 80), st.floats(-15, 15))
def test_there_and_back(mount, x, y):
    ground = GroundProjection.from_fov(SIZE, math.pi / 2, mount)
    u, v = ground.pixels_from_ground(x, y)
    if np.isnan(u):
        return
    back_x, back_y = ground.ground_from_pixels(u, v)
    assert (float(back_x), float(back_y)) == pytest.approx((x, y), abs=1e-6 * x * x)


@given(angles, angles, angles)
def test_rotation_is_one(roll, pitch, yaw):
    rotation = rotation_from_rpy(roll, pitch, yaw)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@pytest.mark.parametrize("bad", [{"fx": 0.0}, {"fy": -3.0}, {"cx": math.nan}])
def test_intrinsics_are_checked(bad):
    with pytest.raises(ValueError, match="GroundProjection: expected positive"):
        GroundProjection(**({"fx": 320.0, "fy": 320.0, "cx": 319.5, "cy": 179.5} | bad))
    with pytest.raises(ValueError, match="horizontal_fov_rad"):
        GroundProjection.from_fov(SIZE, 90.0)


def test_straight_corridor():
    corridor = Corridor()
    assert corridor.contains([0, 30, 60], [1.6, -1.6, 0]).all()
    assert not corridor.contains([-0.1, 60.1, 30, 30, math.nan], [0, 0, 1.61, -1.61, 0]).any()


@given(st.floats(0.005, 0.15), st.sampled_from([-1, 1]), st.floats(0.5, 15), st.floats(-3, 3))
def test_curved_corridor_follows_its_arc(curvature, side, along, offset):
    """A point at a known place along the arc, built from the circle's own geometry."""
    radius, angle = side / curvature, side * along * curvature
    x = (radius - offset) * math.sin(angle)
    y = radius - (radius - offset) * math.cos(angle)
    found_along, found_offset = Corridor(curvature_per_m=side * curvature).path_coordinates(x, y)
    assert (float(found_along), float(found_offset)) == pytest.approx((along, offset), abs=1e-6)


@given(st.floats(-80, 80), st.floats(-20, 20))
def test_vanishing_curvature_is_straight(x, y):
    straight = Corridor().path_coordinates(x, y)
    nearly = Corridor(curvature_per_m=2e-6).path_coordinates(x, y)
    np.testing.assert_allclose(np.ravel(nearly), np.ravel(straight), atol=0.02)


@pytest.mark.parametrize(
    ("speed_mps", "yaw_rate_rps", "curvature"),
    [(10.0, 0.5, 0.05), (10.0, -0.5, -0.05), (0.5, 0.5, 0.0), (-5.0, 0.5, 0.0), (2.0, 9.0, 0.2), (math.nan, 0.1, 0.0)],
)
def test_curvature_from_motion(speed_mps, yaw_rate_rps, curvature):
    assert Corridor.from_motion(CorridorConfig(), speed_mps, yaw_rate_rps).curvature_per_m == pytest.approx(curvature)


def test_curvature_must_be_finite():
    with pytest.raises(ValueError, match="curvature_per_m"):
        Corridor(curvature_per_m=math.inf)
