"""Scenes by their scores: what the ground mostly scores, and how far that is from calibration."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.hazard.scene import scene_shift, usual_score


def test_usual_score_is_the_median_of_the_ground():
    score = np.zeros((8, 6), np.float32)
    score[4:, :4] = -1.0
    assert usual_score(score) == -1.0
    assert usual_score(np.array([[0.25]], np.float32)) == 0.25


@pytest.mark.parametrize(
    ("usual", "shift"), [(-1.5, 0.0), (-1.0, 0.0), (-0.625, 0.25), (0.5, 1.0), (2.0, 2.0), (np.nan, np.nan)]
)
def test_shift_is_a_share_of_the_way_to_the_threshold(usual, shift):
    assert scene_shift(usual, calibrated=-1.0, threshold=0.5) == pytest.approx(shift, nan_ok=True)
