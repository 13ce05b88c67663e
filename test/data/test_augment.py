"""Crops keep image and labels together; camera changes keep the label map out of it."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.augment import AugmentConfig, camera_changes, log_uniform, random_crop

STILL = AugmentConfig(fog=0, colour=0, noise=0, blur=0, motion=0, jpeg=0)


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


@pytest.mark.parametrize("part", ["fog", "colour", "noise", "blur", "motion", "jpeg"])
def test_each_change_changes_and_keeps_the_form(part):
    image, _ = coded_frame()
    config = AugmentConfig(**{**vars(STILL), part: 1.0})
    before = image.copy()
    changed = camera_changes(image, config, np.random.default_rng(1))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert (changed != image).any()
    np.testing.assert_array_equal(image, before)


def test_what_networks_were_seen_to_suffer_from_is_inside_the_ranges():
    config = AugmentConfig()
    assert config.jpeg_quality[0] < 40
    assert config.noise_sigma[1] > 10
    assert config.blur_sigma[1] > 2
    assert config.exposure[0] < 0.7 and config.exposure[1] > 1.3
    assert all(getattr(config, part) > 0.05 for part in ("fog", "noise", "blur", "motion", "jpeg"))


def test_fog_never_hides_what_is_labelled():
    """A chequered picture keeps at least a tenth of its contrast everywhere."""
    image = np.kron(np.indices((18, 32)).sum(0) % 2, np.ones((20, 20)))[..., None].repeat(3, 2)
    image = (image * 200 + 20).astype(np.uint8)
    config = AugmentConfig(**{**vars(STILL), "fog": 1.0})
    for seed in range(20):
        fogged = camera_changes(image, config, np.random.default_rng(seed)).astype(int)
        spread = fogged[:, 20:40, 0].max(1) - fogged[:, 0:20, 0].min(1)
        other = fogged[:, 0:20, 0].max(1) - fogged[:, 20:40, 0].min(1)
        assert np.maximum(spread, other).min() >= 17


def test_log_uniform_halves_at_the_geometric_mean():
    rng = np.random.default_rng(0)
    drawn = np.array([log_uniform((1.0, 100.0), rng) for _ in range(2000)])
    assert 1.0 <= drawn.min() and drawn.max() <= 100.0
    assert abs((drawn < 10).mean() - 0.5) < 0.04


@pytest.mark.parametrize("values", [{"scale": (0.0, 1.0)}, {"noise_sigma": (2.0, 1.0)}, {"jpeg": 1.2}])
def test_config_checks_itself(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        AugmentConfig(**values)
