"""Cut-outs of single objects."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.render.cutouts import render_cutout
from ros_anomaly_sim.street.scene import CameraPose, Scene
from ros_anomaly_sim.street.weather import preset


def test_tight_crop_with_smooth_edges(renderer, box_model):
    for seed in range(4):
        cutout = render_cutout(renderer, box_model, preset("noon"), np.random.default_rng(seed), 96)
        assert cutout.dtype == np.uint8
        assert cutout.shape[2] == 4
        assert max(cutout.shape[:2]) <= 96
        assert max(cutout.shape[:2]) > 40
        alpha = cutout[..., 3]
        assert 0.3 < (alpha == 255).mean() < 1.0
        assert ((alpha > 0) & (alpha < 255)).any()
        inner = alpha[1:-1, 1:-1] > 0
        assert inner[0].any()
        assert inner[-1].any()
        assert inner[:, 0].any()
        assert inner[:, -1].any()


def test_edges_keep_the_objects_colour(renderer, box_model):
    cutout = render_cutout(renderer, box_model, preset("fog"), np.random.default_rng(0), 96)
    alpha = cutout[..., 3]
    inside, edge = (cutout[..., :3][m].astype(float) for m in (alpha == 255, (alpha > 0) & (alpha < 255)))
    assert edge.min() > 0.5 * inside.min()


def test_follows_the_seed(renderer, box_model):
    first, again, other = (
        render_cutout(renderer, box_model, preset("noon"), np.random.default_rng(seed), 64) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_leaves_frames_as_they_were(renderer, box_model, ground):
    scene, pose = Scene(ground, (), preset("low_sun")), CameraPose((0.0, 0.0, 1.6), 0.0)
    before = renderer.render(scene, pose)
    render_cutout(renderer, box_model, preset("noon"), np.random.default_rng(0), 64)
    np.testing.assert_array_equal(renderer.render(scene, pose).image, before.image)


def test_nothing_to_see_gives_none(renderer, sieve_model):
    assert render_cutout(renderer, sieve_model, preset("noon"), np.random.default_rng(0), 64) is None


def test_refuses_tiny_pictures(renderer, box_model):
    with pytest.raises(ValueError, match="at least 16"):
        render_cutout(renderer, box_model, preset("noon"), np.random.default_rng(0), 8)
