from __future__ import annotations

import math

import numpy as np
import pytest

from ros_anomaly_sim.render.camera import Camera, street_pose, world_to_camera
from ros_anomaly_sim.street.scene import CameraPose


def test_focal_length_follows_from_the_field_of_view() -> None:
    assert Camera(640, 360, math.pi / 2).focal_px == pytest.approx(320.0)
    assert Camera(640, 360, math.pi / 3).focal_px == pytest.approx(320.0 * math.sqrt(3))


@pytest.mark.parametrize("bad", [{"width": 4}, {"height": 0}, {"horizontal_fov_rad": 0.0}, {"horizontal_fov_rad": 4.0}])
def test_impossible_cameras_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="found"):
        Camera(**bad)  # type: ignore[arg-type]


def test_a_point_straight_ahead_falls_on_the_principal_point() -> None:
    pose = CameraPose((1.0, 2.0, 1.6), 0.3)
    ahead = np.array([1.0 - 10 * math.sin(0.3), 2.0 + 10 * math.cos(0.3), 1.6])
    pixels, depth = Camera().project(ahead[None], pose)
    np.testing.assert_allclose(pixels[0], (320, 180), atol=1e-9)
    assert depth[0] == pytest.approx(10.0)


def test_right_is_right_and_up_is_up() -> None:
    pixels, _ = Camera().project(np.array([[1.0, 10.0, 1.6], [0.0, 10.0, 2.6]]), CameraPose((0.0, 0.0, 1.6), 0.0))
    assert pixels[0, 0] > 320 and pixels[0, 1] == pytest.approx(180)
    assert pixels[1, 1] < 180 and pixels[1, 0] == pytest.approx(320)


def test_pitching_up_moves_the_horizon_down() -> None:
    far = np.array([[0.0, 1e6, 1.6]])
    pixels, _ = Camera().project(far, CameraPose((0.0, 0.0, 1.6), 0.0, pitch_rad=0.1))
    assert pixels[0, 1] > 180


def test_points_behind_the_camera_have_no_pixel() -> None:
    pixels, depth = Camera().project(np.array([[0.0, -5.0, 1.6]]), CameraPose((0.0, 0.0, 1.6), 0.0))
    assert np.isnan(pixels).all() and depth[0] < 0


def test_the_street_camera_sits_ahead_of_base_link_and_looks_level() -> None:
    pose = street_pose(3.0, 4.0, math.pi / 2)
    np.testing.assert_allclose(pose.position, (1.5, 4.0, 1.6), atol=1e-12)
    assert pose.pitch_rad == 0.0


def test_the_world_transform_is_rigid() -> None:
    matrix = world_to_camera(CameraPose((3.0, -2.0, 1.0), 0.7, 0.2, -0.1))
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
