"""New forms of cut-outs: still one object with clean edges, and nothing where nothing is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ros_anomaly.data.alpha import plain, premultiplied, resized
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.negatives import AnyCutout
from ros_anomaly.data.reshaping import ReshapeConfig, reshaped

RED, BLUE = (250, 20, 20), (20, 20, 250)


def box(colour: tuple[int, int, int], size: tuple[int, int] = (120, 80)) -> Cutout:
    """An opaque box inside a transparent margin that holds another colour."""
    rgba = np.full((*size, 4), 255, np.uint8)
    rgba[..., :3] = (0, 255, 0)
    rgba[..., 3] = 0
    rgba[2:-2, 2:-2] = (*colour, 255)
    return Cutout("box", rgba, 1.5)


def reshape(config: ReshapeConfig, seed: int, cutout: Cutout | None = None) -> Cutout:
    return reshaped(cutout or box(RED), AnyCutout([box(BLUE)]), config, np.random.default_rng(seed))


def test_nothing_asked_nothing_done():
    cutout = box(RED)
    assert reshape(ReshapeConfig(), 0, cutout) is cutout


@pytest.mark.parametrize(
    "config", [ReshapeConfig(stretch=1), ReshapeConfig(warp=1), ReshapeConfig(1, warp=1, splice=1)]
)
def test_colours_under_transparent_pixels_never_show(config):
    for seed in range(10):
        new = reshape(config, seed)
        assert new.height_m == 1.5
        seen = new.rgba[..., 3] > 0
        assert (new.rgba[seen][:, 1] <= 40).all(), "the margin's green bled into the object"
        assert seen.any(0).all() and seen.any(1).all(), "not cropped tightly"


def test_stretching_changes_the_ratio_within_its_range():
    ratios = [
        np.divide(*reshape(ReshapeConfig(stretch=1, stretch_by=(0.5, 2.0)), seed).rgba.shape[:2]) for seed in range(40)
    ]
    usual = 116 / 76
    assert min(ratios) < 0.7 * usual and max(ratios) > 1.4 * usual
    assert all(0.45 * usual < ratio < 2.2 * usual for ratio in ratios)


def test_warped_edges_are_no_longer_straight():
    new = reshape(ReshapeConfig(warp=1, warp_by=0.2), 1)
    left = (new.rgba[..., 3] > 127).argmax(1)
    assert left.max() - left.min() > 5


def test_spliced_objects_are_of_both():
    both = 0
    for seed in range(20):
        rgba = reshape(ReshapeConfig(splice=1), seed).rgba
        opaque = rgba[rgba[..., 3] > 200].astype(int)
        red = (opaque[:, 0] > opaque[:, 2]).mean()
        both += 0.1 < red < 0.9
    assert both >= 15


def test_large_cutouts_are_reduced_and_tiny_ones_survive():
    config = ReshapeConfig(stretch=1, warp=1, splice=1)
    assert max(reshape(config, 0, box(RED, (1200, 900))).rgba.shape) <= 640
    for seed in range(10):
        assert min(reshape(config, seed, box(RED, (7, 6))).rgba.shape[:2]) >= 1


def test_equal_generators_give_equal_forms():
    config = ReshapeConfig(stretch=1, warp=1, splice=1)
    first, second = reshape(config, 5), reshape(config, 5)
    assert (first.rgba == second.rgba).all()
    assert first.rgba.shape != reshape(config, 6).rgba.shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stretch": 1.5}, "reshape stretch: expected a value 0..1, found 1.5"),
        ({"warp_by": -0.1}, "reshape warp_by: expected a value 0..1"),
        ({"stretch_by": (2.0, 0.5)}, "stretch_by: expected 0 < low <= high"),
    ],
)
def test_configuration_checks_itself(values, message):
    with pytest.raises(ValueError, match=message):
        replace(ReshapeConfig(), **values)


def test_pictures_come_back_from_their_multiplied_form():
    rgba = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    back = plain(premultiplied(rgba))
    assert (back[..., 3] == rgba[..., 3]).all()
    solid = rgba[..., 3] > 0
    assert (back[solid] == rgba[solid]).all() and (back[~solid][:, :3] == 0).all()
    assert resized(premultiplied(rgba), (20, 30)).shape == (20, 30, 4)
