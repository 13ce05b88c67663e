"""Made-up things of bars and boards."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.structure_drawing import draw_structure
from ros_anomaly.data.structures import Structure, random_structure


def test_structures_are_mostly_air_and_all_different():
    filled, looks = [], set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rgba = draw_structure(random_structure(rng), 160, rng)
        alpha = rgba[..., 3]
        assert rgba.dtype == np.uint8 and max(rgba.shape[:2]) <= 160
        assert all(side.any() for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
        assert (alpha > 127).any()
        filled.append((alpha > 127).mean())
        looks.add(rgba.tobytes())
    assert len(looks) == 60
    assert np.median(filled) < 0.45
    assert min(filled) < 0.15 and max(filled) > 0.6


def test_a_structure_is_a_function_of_the_generator():
    first, second = (draw_structure(random_structure(rng), 96, rng) for rng in map(np.random.default_rng, (7, 7)))
    np.testing.assert_array_equal(first, second)


def test_what_is_nearer_hides_what_is_behind_and_is_wider():
    """Two equal posts in a row: whatever side they are seen from, the one in front is the wider."""
    row = Structure()
    for y in (-0.5, 0.5):
        row.bars.append((np.array([0.0, y, 0.0]), np.array([0.0, y, 1.0]), 0.05))
    for seed in range(20):
        rgba = draw_structure(row, 160, np.random.default_rng(seed))
        mask = rgba[..., 3] > 127
        lowest = np.array([column.nonzero()[0].max() if column.any() else -1 for column in mask.T])
        left, right = np.array_split(np.arange(mask.shape[1]), 2)
        if mask.any(0)[mask.shape[1] // 2]:
            continue  # one post hides the other
        wide = {side: int(mask[:, columns].any(0).sum()) for side, columns in (("left", left), ("right", right))}
        nearer = "left" if lowest[left].max() > lowest[right].max() else "right"
        other = "right" if nearer == "left" else "left"
        assert wide[nearer] >= wide[other]


@pytest.mark.parametrize("side", [16, 40, 160])
def test_any_size_shows_something(side):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        assert (draw_structure(random_structure(rng), side, rng)[..., 3] > 60).any()


def test_colours_do_not_fade_at_edges():
    """Colour is not premultiplied: half covered pixels are as bright as covered ones."""
    post = Structure(bars=[(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.1)])
    rgba = draw_structure(post, 64, np.random.default_rng(1)).astype(int)
    full = rgba[rgba[..., 3] == 255][:, :3]
    part = rgba[(rgba[..., 3] > 40) & (rgba[..., 3] < 215)][:, :3]
    assert len(part) and np.abs(part.mean(0) - full.mean(0)).max() < 6
