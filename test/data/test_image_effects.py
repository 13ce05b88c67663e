"""What camera, weather and compression do, held to their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data import image_effects as effects


def picture(height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_inputs_stay_as_they_are():
    image = picture()
    before = image.copy()
    rng = np.random.default_rng(0)
    for changed in (
        effects.exposure(image, 1.3),
        effects.contrast(image, 0.5),
        effects.gaussian_noise(image, 9.0, rng),
        effects.gaussian_blur(image, 2.0),
        effects.motion_blur(image, 7.0, 0.3),
        effects.jpeg_round_trip(image, 40),
        effects.fog(image, 100.0, (200.0, 200.0, 210.0)),
    ):
        assert changed.shape == image.shape and changed.dtype == np.uint8
        assert (changed != image).any()
    np.testing.assert_array_equal(image, before)


def test_exposure_multiplies_and_clips():
    image = np.array([[[0, 10, 101], [200, 255, 3]]], np.uint8)
    assert effects.exposure(image, 1.5).tolist() == [[[0, 15, 152], [255, 255, 4]]]  # 151.5 and 4.5 to even


def test_contrast_keeps_the_middle():
    image = np.dstack([np.array([[50, 150]], np.uint8)] * 3)
    assert effects.contrast(image, 0.5)[..., 0].tolist() == [[75, 125]]
    assert effects.contrast(image, 3.0)[..., 0].tolist() == [[0, 250]]


def test_noise_has_no_bias_and_its_sigma():
    image = np.full((200, 200, 3), 128, np.uint8)
    difference = effects.gaussian_noise(image, 10.0, np.random.default_rng(1)).astype(float) - 128
    assert abs(difference.mean()) < 0.15
    assert difference.std() == pytest.approx(10.0, rel=0.02)


def test_jpeg_is_worse_at_lower_quality():
    errors = [
        np.abs(effects.jpeg_round_trip(picture(64, 64), q).astype(int) - picture(64, 64)).mean() for q in (95, 60, 20)
    ]
    assert errors == sorted(errors)


@pytest.mark.parametrize("length", [1.0, 2.0, 3.0, 6.5, 9.0])
@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2])
def test_motion_blur_spreads_a_point_along_the_line(length, angle):
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 250
    blurred = effects.motion_blur(image, length, angle)[..., 0].astype(float)
    assert blurred.sum() == pytest.approx(250, abs=12)  # each pixel is rounded
    rows, columns = np.nonzero(blurred)
    weights = blurred[rows, columns] / blurred.sum()
    along = (columns - 20) * np.cos(angle) - (rows - 20) * np.sin(angle)
    across = (columns - 20) * np.sin(angle) + (rows - 20) * np.cos(angle)
    assert abs((along * weights).sum()) < 0.1
    assert np.abs(along).max() <= (length - 1) / 2 + 1.5
    assert np.abs(across).max() < 1.5
    # Variance of a line of that length, and up to that of sharing among neighbours.
    assert (along**2 * weights).sum() == pytest.approx((length - 1) ** 2 / 12, abs=0.3 + 0.1 * length)


def test_motion_of_one_pixel_changes_nothing():
    np.testing.assert_array_equal(effects.motion_blur(picture(), 1.0, 0.4), picture())


def test_fog_leaves_two_per_cent_of_contrast_at_its_visibility():
    image = np.zeros((1, 3, 3), np.uint8)
    distance = np.array([[0.0, 50.0, np.inf]], np.float32)
    veiled = effects.fog_over(image, distance, 50.0, (200.0, 100.0, 0.0))
    assert veiled[0, 0].tolist() == [0, 0, 0]
    assert veiled[0, 1].tolist() == [196, 98, 0]
    assert veiled[0, 2].tolist() == [200, 100, 0]


def test_ground_is_as_far_away_as_perspective_says():
    rows = effects.ground_distance_m(100, 200, horizon=0.5, focal=0.5, camera_height_m=1.6)
    assert np.isinf(rows[:50]).all()
    assert rows[50] == pytest.approx(0.5 * 200 * 1.6 / 0.5)
    assert rows[89] == pytest.approx(0.5 * 200 * 1.6 / 39.5)
    assert (np.diff(rows[50:]) < 0).all()


def test_fog_without_depth_thickens_towards_the_horizon_and_stops_at_the_farthest():
    image = np.zeros((100, 200, 3), np.uint8)
    veiled = effects.fog(image, 60.0, (255.0, 255.0, 255.0))[:, 0, 0].astype(int)
    assert (veiled[:50] == 255).all()
    assert (np.diff(veiled[50:]) <= 0).all() and veiled[-1] < 60
    limited = effects.fog(image, 60.0, (255.0, 255.0, 255.0), farthest_m=20.0)[:, 0, 0]
    assert (limited[:50] == limited[0]).all() and limited[0] == pytest.approx(255 * (1 - 0.02 ** (20 / 60)), abs=1)
