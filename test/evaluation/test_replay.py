"""A drive told again from its score maps: events, corridor and confirmation with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ros_anomaly.evaluation.replay import DriveImage, ScoreTrack, count_hazards, record, replay
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.runtime.contract import Prediction

CONFIG = HazardConfig()
IMAGE_SIZE = (360, 640)
GROUND = GroundProjection.from_fov(IMAGE_SIZE, math.pi / 2)
ON_LANE, BESIDE = (slice(58, 62), slice(78, 82)), (slice(58, 62), slice(20, 24))


def track(heights: list[float], where=ON_LANE, rate_hz: float = 10.0) -> ScoreTrack:
    """Score maps of 0 with one square of the given height each."""
    scores = np.zeros((len(heights), 90, 160), np.float16)
    for score, height in zip(scores, heights, strict=True):
        score[where] = height
    stamps = 10**9 + np.arange(len(heights)) * int(1e9 / rate_hz)
    return ScoreTrack(scores, stamps, np.tile([10.0, 0.0], (len(heights), 1)), IMAGE_SIZE)


def events(one: ScoreTrack, threshold: float, **options) -> int:
    return count_hazards(replay(one, threshold, CONFIG, GROUND), one.stamps_ns, **options)


def test_events_depend_on_the_threshold_and_on_confirmation():
    quiet = [0.0] * 10
    drive = track([*quiet, 0.9, 0.9, *quiet, 0.5, 0.5, *quiet, 0.7, *quiet])
    assert events(drive, 0.8) == 1
    assert events(drive, 0.6) == 1  # the single frame of 0.7 is not confirmed
    assert events(drive, 0.4) == 2
    assert events(drive, 1.0) == 0


def test_what_is_off_the_corridor_is_no_event():
    assert events(track([0.9] * 20, BESIDE), 0.5) == 0


def test_what_the_curve_leads_to_is_an_event():
    straight = track([0.9] * 20, BESIDE)
    u, v = (22 + 0.5) * 4 - 0.5, 62 * 4 - 0.5
    x, y = (float(value) for value in GROUND.ground_from_pixels(u, v))
    curvature = 2 * y / (x * x + y * y)  # of the arc through that point
    curved = ScoreTrack(straight.scores, straight.stamps_ns, np.tile([5.0, 5.0 * curvature], (20, 1)), IMAGE_SIZE)
    assert events(curved, 0.5) == 1


def test_an_alarm_that_never_ends_is_counted_again_and_again():
    drive = track([0.9] * 163)  # the first two frames are UNKNOWN, then 16.1 s of HAZARD
    assert events(drive, 0.5) == 4
    assert events(drive, 0.5, longest_s=100.0) == 1


def test_states_of_a_replay_start_unknown():
    states = list(replay(track([0.0] * 5), 0.5, CONFIG, GROUND))
    assert [s.level for s in states] == [HazardLevel.UNKNOWN] * 2 + [HazardLevel.CLEAR] * 3


def test_duration_counts_every_image():
    assert track([0.0] * 600).duration_s == pytest.approx(60.0)


def test_record_and_keep(tmp_path):
    class Engine:
        input_size = (4, 8)

        def infer(self, image):
            return Prediction(np.full((1, 2), image.mean() / 255, np.float32), np.zeros((1, 2), np.uint8))

        def close(self):
            pass

    images = [DriveImage(np.full((4, 8, 3), v, np.uint8), 10**9 + v * 10**7, 3.0, 0.1) for v in (0, 51, 255)]
    made = record(Engine(), iter(images))
    made.save(tmp_path / "drive.npz")
    kept = ScoreTrack.load(tmp_path / "drive.npz")
    np.testing.assert_allclose(kept.scores[:, 0, 0], [0, 0.2, 1], atol=2e-4)
    assert kept.image_size == (4, 8) and kept.motion[2].tolist() == [3.0, 0.1]
    assert [p.name for p in tmp_path.iterdir()] == ["drive.npz"]
    with pytest.raises(ValueError, match="at least one image"):
        record(Engine(), [])


def test_tracks_check_themselves():
    good = track([0.0] * 3)
    with pytest.raises(ValueError, match="do not advance"):
        ScoreTrack(good.scores, good.stamps_ns[[0, 0, 1]], good.motion, IMAGE_SIZE)
    with pytest.raises(ValueError, match="n > 0"):
        ScoreTrack(good.scores[:2], good.stamps_ns, good.motion, IMAGE_SIZE)
