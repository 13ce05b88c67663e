"""Intrinsics and projection."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ros_anomaly_sim.render.camera import Camera, street_pose, world_to_camera
from ros_anomaly_sim.street.scene import CameraPose


def test_default_is_the_street_camera():
    camera = Camera()
    assert camera.focal_px == pytest.approx(320.0)
    np.testing.assert_allclose(camera.intrinsics, [[320, 0, 320], [0, 320, 180], [0, 0, 1]])


@pytest.mark.parametrize(
    "bad", [{"width": 0}, {"height": 4}, {"horizontal_fov_rad": 0.0}, {"horizontal_fov_rad": math.pi}]
)
def test_refuses_bad_values(bad):
    with pytest.raises(ValueError, match="expected"):
        Camera(**bad)


@pytest.mark.parametrize(
    ("pose", "point", "pixel", "depth"),
    [
        (CameraPose((0, 0, 1.6), 0.0), (0, 10, 1.6), (320, 180), 10),
        (CameraPose((0, 0, 1.6), 0.0), (1, 10, 1.6), (352, 180), 10),
        (CameraPose((0, 0, 1.6), 0.0), (0, 10, 0.6), (320, 212), 10),
        (CameraPose((5, 0, 1.6), math.pi / 2), (-5, 1, 1.6), (352, 180), 10),
        (CameraPose((0, 0, 0), 0.0, pitch_rad=math.pi / 4), (0, 10, 10), (320, 180), 10 * math.sqrt(2)),
        (CameraPose((0, 0, 0), 0.0, roll_rad=math.pi / 2), (1, 10, 0), (320, 148), 10),
    ],
)
def test_project(pose, point, pixel, depth):
    pixels, depths = Camera().project(np.array([point], float), pose)
    np.testing.assert_allclose(pixels[0], pixel, atol=1e-9)
    assert depths[0] == pytest.approx(depth)


def test_points_behind_have_no_pixel():
    pixels, depth = Camera().project(np.array([[0.0, -5.0, 1.0]]), CameraPose((0, 0, 1), 0.0))
    assert np.isnan(pixels).all()
    assert depth[0] == pytest.approx(-5.0)


def test_project_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"expected shape \[n, 3\]"):
        Camera().project(np.zeros(3), CameraPose((0, 0, 0), 0.0))


def test_world_to_camera_is_a_rotation():
    view = world_to_camera(CameraPose((1, 2, 3), 0.4, -0.2, 0.1))
    np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view[:3, :3]) == pytest.approx(1.0)


def test_projection_agrees_with_project():
    camera, pose = Camera(200, 100, 1.1), CameraPose((1, 2, 3), 0.4, -0.2, 0.1)
    points = np.array([[0.0, 20.0, 1.0], [-4.0, 12.0, 2.0]])
    clip = np.c_[points, np.ones(2)] @ (camera.projection() @ world_to_camera(pose)).T
    pixels = (clip[:, :2] / clip[:, 3:] + 1) / 2 * (200, 100)
    np.testing.assert_allclose(pixels, camera.project(points, pose)[0])


def test_street_pose_stands_ahead_of_base_link():
    pose = street_pose(10.0, 20.0, math.pi / 2)
    np.testing.assert_allclose(pose.position, (8.5, 20.0, 1.6), atol=1e-12)
