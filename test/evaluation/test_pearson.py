"""Streamed correlation against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation.pearson import PearsonSums


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_frame_by_frame_it_is_what_all_pixels_together_give(offset):
    rng = np.random.default_rng(0)
    first = rng.normal(size=(7, 20, 30)) + offset
    second = 0.6 * first + rng.normal(size=first.shape) * np.arange(1, 8)[:, None, None]
    pearson = PearsonSums()
    for a, b in zip(first, second, strict=True):
        pearson.add(a, b)
        pearson = PearsonSums.from_state(pearson.state())
    assert pearson.correlation() == pytest.approx(np.corrcoef(first.ravel(), second.ravel())[0, 1], abs=1e-6)


def test_sign_and_bounds():
    pearson, falling = PearsonSums(), PearsonSums()
    values = np.linspace(0, 1, 50, dtype=np.float32)
    pearson.add(values, 3 * values + 1)
    falling.add(values, -values)
    assert pearson.correlation() == pytest.approx(1.0) and pearson.correlation() <= 1.0
    assert falling.correlation() == pytest.approx(-1.0)


def test_undefined_without_pixels_or_spread():
    pearson = PearsonSums()
    pearson.add(np.zeros(0), np.zeros(0))
    assert pearson.correlation() is None
    pearson.add(np.ones(9), np.arange(9.0))
    assert pearson.correlation() is None
    with pytest.raises(ValueError, match="one shape"):
        pearson.add(np.zeros(3), np.zeros(4))
