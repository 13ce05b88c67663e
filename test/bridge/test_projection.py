"""Boxes in the image of a camera that looks along +x."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from ros_anomaly_sim.bridge.projection import PixelBox, box_in_image

SIZE = (100, 200)


def corners(middle: tuple[float, float, float], half: float = 0.5) -> np.ndarray:
    return np.array(list(product(*[(m - half, m + half) for m in middle])))


def seen(middle: tuple[float, float, float]) -> PixelBox | None:
    return box_in_image(corners(middle), np.eye(4), SIZE, math.pi / 2)


def test_a_box_ahead_is_in_the_middle():
    # Its face is 10 m away: 1 m there are 100 px / 10 m.
    assert seen((10.5, 0.0, 0.0)) == PixelBox(95, 45, 105, 55)


@pytest.mark.parametrize(("middle", "side"), [((10.5, 3.0, 0.0), "right"), ((10.5, -3.0, 0.0), "left")])
def test_carlas_y_is_to_the_right(middle: tuple[float, float, float], side: str):
    box = seen(middle)
    assert box is not None
    assert (box.left > 100) == (side == "right")


def test_up_is_up():
    box = seen((10.5, 0.0, 2.0))
    assert box is not None and box.bottom < 50


@pytest.mark.parametrize("middle", [(-10.0, 0.0, 0.0), (0.3, 0.0, 0.0), (10.5, 30.0, 0.0)])
def test_out_of_sight(middle: tuple[float, float, float]):
    assert seen(middle) is None


def test_a_box_half_out_is_cut_off():
    box = seen((10.5, 10.0, 0.0))
    assert box is not None and box.right == 200 and box.left < 200


def test_overlap_and_growth():
    box = PixelBox(10, 10, 20, 30)
    assert box.area_px == 200
    assert box.overlap_px(PixelBox(15, 0, 40, 20)) == 50
    assert box.overlap_px(PixelBox(20, 10, 30, 30)) == 0
    assert box.grown(15, (40, 30)) == PixelBox(0, 0, 30, 40)
