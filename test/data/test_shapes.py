"""Made-up negatives and their patterns."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.patterns import random_pattern
from ros_anomaly.data.shapes import MadeUpShapes, random_silhouette


def test_shapes_are_cut_outs_of_every_look():
    shapes = MadeUpShapes()
    drawn = [shapes.draw(np.random.default_rng(seed)) for seed in range(30)]
    filled, colours = [], []
    for cutout in drawn:
        alpha = cutout.rgba[..., 3]
        # Cropped tightly: something of it touches every side.
        assert all(side.any() for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
        assert max(alpha.shape) <= 160
        assert cutout.height_m is None
        filled.append((alpha > 127).mean())
        colours.append(cutout.rgba[alpha > 127][:, :3].mean(0))
    assert min(filled) < 0.3 and max(filled) > 0.6  # thin limbs and full bodies
    assert np.std(colours, axis=0).min() > 20


def test_a_shape_is_a_function_of_the_generator():
    first, second = (MadeUpShapes().draw(np.random.default_rng(4)).rgba for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("side", [8, 32, 160])
def test_silhouettes_are_never_empty(side):
    for seed in range(25):
        mask = random_silhouette(np.random.default_rng(seed), side)
        assert mask.shape == (side, side) and mask.dtype == np.uint8
        assert 0.04 <= (mask > 127).mean() < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (90, 2), (60, 60)])
def test_patterns_fill_any_size_with_legal_colours(size):
    for seed in range(25):
        pattern = random_pattern(*size, np.random.default_rng(seed))
        assert pattern.shape == (*size, 3) and pattern.dtype == np.float32
        assert pattern.min() >= 0 and pattern.max() <= 255
