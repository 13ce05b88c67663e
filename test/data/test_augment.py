"""Crops keep image and labels together; camera changes keep the label map out of it."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.augment import AugmentConfig, camera_changes, jpeg_round_trip, random_crop

STILL = AugmentConfig(colour=0, noise=0, blur=0, jpeg=0)


def coded_frame(size=(90, 160)) -> tuple[np.ndarray, np.ndarray]:
    """Labels in blocks, and an image whose every channel is ten times the label."""
    rng = np.random.default_rng(0)
    class_ids = np.kron(rng.integers(0, 13, (size[0] // 10, size[1] // 10)), np.ones((10, 10))).astype(np.uint8)
    return np.repeat(class_ids[..., None] * 10, 3, axis=2), class_ids


@pytest.mark.parametrize("size", [(32, 64), (64, 32), (90, 160), (128, 256)])
def test_crop_has_the_size_asked_for_and_stays_aligned(size):
    image, class_ids = coded_frame()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        crop, labels = random_crop(image, class_ids, size, AugmentConfig(), rng)
        assert crop.shape == (*size, 3)
        assert labels.shape == size
        assert crop.flags["C_CONTIGUOUS"]
        assert set(np.unique(labels)) <= set(np.unique(class_ids))
        # Away from block edges (where the image is interpolated) label and image agree.
        agrees = np.abs(crop[..., 0].astype(int) - labels.astype(int) * 10) <= 1
        assert agrees.mean() > 0.7


def test_flip_mirrors_both():
    image, class_ids = coded_frame()
    config = AugmentConfig(scale=(1, 1), aspect=(1, 1), flip=1.0)
    crop, labels = random_crop(image, class_ids, class_ids.shape, config, np.random.default_rng(0))
    np.testing.assert_array_equal(labels, class_ids[:, ::-1])
    np.testing.assert_array_equal(crop, image[:, ::-1])


def test_nothing_asked_for_changes_nothing():
    image, _ = coded_frame()
    np.testing.assert_array_equal(camera_changes(image, STILL, np.random.default_rng(0)), image)


@pytest.mark.parametrize("part", ["colour", "noise", "blur", "jpeg"])
def test_each_change_changes_and_keeps_the_form(part):
    image, _ = coded_frame()
    config = AugmentConfig(**{**vars(STILL), part: 1.0})
    before = image.copy()
    changed = camera_changes(image, config, np.random.default_rng(1))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert (changed != image).any()
    np.testing.assert_array_equal(image, before)


def test_jpeg_is_worse_at_lower_quality():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    errors = [np.abs(jpeg_round_trip(image, q).astype(int) - image).mean() for q in (95, 60, 20)]
    assert errors == sorted(errors)


@pytest.mark.parametrize("values", [{"scale": (0.0, 1.0)}, {"noise_sigma": (2.0, 1.0)}, {"jpeg": 1.2}])
def test_config_checks_itself(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        AugmentConfig(**values)
