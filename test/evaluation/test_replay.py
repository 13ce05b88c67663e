"""A drive told again from its score maps: events, corridor and confirmation with known answers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ros_anomaly.evaluation.replay import count_hazards, hazard_times_s, replay, watched_s
from ros_anomaly.evaluation.score_track import LEVELS, NO_INTRINSICS, DriveImage, FrameFacts, ScoreTrack, record
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.runtime.contract import Prediction

CONFIG = HazardConfig()
IMAGE_SIZE = (360, 640)
GROUND = GroundProjection.from_fov(IMAGE_SIZE, math.pi / 2)
INTRINSICS = (GROUND.fx, GROUND.fy, GROUND.cx, GROUND.cy)
ON_LANE, BESIDE = (slice(58, 62), slice(78, 82)), (slice(58, 62), slice(20, 24))


def track(heights: list[float], where=ON_LANE, rate_hz: float = 10.0, intrinsics=INTRINSICS) -> ScoreTrack:
    """Score maps of 0 with one square of the given height each, of images that are sound and all different."""
    n = len(heights)
    cells = np.zeros((n, 90, 160), np.uint16)
    for cell, height in zip(cells, heights, strict=True):
        cell[where] = LEVELS if height else 0
    stamps = 10**9 + np.arange(n) * int(1e9 / rate_hz)
    frames = FrameFacts(
        stamps_ns=stamps,
        recorded_ns=stamps,
        motion=np.tile([10.0, 0.0], (n, 1)),
        intrinsics=np.tile(intrinsics, (n, 1)),
        lowest=np.zeros(n, np.float32),
        highest=np.array(heights, np.float32),
        digests=np.arange(n),
        contrast=np.full(n, 50.0),
        dark_share=np.zeros(n),
        bright_share=np.zeros(n),
    )
    return ScoreTrack(cells, frames, IMAGE_SIZE)


def changed(one: ScoreTrack, **arrays: np.ndarray) -> ScoreTrack:
    return replace(one, frames=replace(one.frames, **arrays))


def events(one: ScoreTrack, threshold: float, **options) -> int:
    return count_hazards(replay(one, threshold, CONFIG), one.frames.stamps_ns, **options)


def watched(one: ScoreTrack) -> float:
    return watched_s(one, replay(one, 1.0, CONFIG), CONFIG)


def test_events_depend_on_the_threshold_and_on_confirmation():
    quiet = [0.0] * 10
    drive = track([*quiet, 0.9, 0.9, *quiet, 0.5, 0.5, *quiet, 0.7, *quiet])
    assert events(drive, 0.8) == 1
    assert events(drive, 0.6) == 1  # the single frame of 0.7 is not confirmed
    assert events(drive, 0.4) == 2
    assert events(drive, 1.0) == 0
    times_s = hazard_times_s(replay(drive, 0.4, CONFIG), drive.frames.stamps_ns)
    assert times_s == pytest.approx([1.1, 2.3])


def test_what_is_off_the_corridor_is_no_event_unless_the_camera_is_unknown():
    assert events(track([0.9] * 20, BESIDE), 0.5) == 0
    assert events(track([0.9] * 20, BESIDE, intrinsics=NO_INTRINSICS), 0.5) == 1


def test_what_the_curve_leads_to_is_an_event():
    straight = track([0.9] * 20, BESIDE)
    u, v = (22 + 0.5) * 4 - 0.5, 62 * 4 - 0.5
    x, y = (float(value) for value in GROUND.ground_from_pixels(u, v))
    curvature = 2 * y / (x * x + y * y)  # of the arc through that point
    assert events(changed(straight, motion=np.tile([5.0, 5.0 * curvature], (20, 1))), 0.5) == 1
    assert events(changed(straight, motion=np.full((20, 2), np.nan)), 0.5) == 0  # nothing known: straight on


def test_an_alarm_that_never_ends_is_counted_again_and_again():
    drive = track([0.9] * 163)  # the first two frames are UNKNOWN, then 16.1 s of HAZARD
    assert events(drive, 0.5) == 4
    assert events(drive, 0.5, longest_s=100.0) == 1


def test_states_of_a_replay_start_unknown():
    states = list(replay(track([0.0] * 5), 0.5, CONFIG))
    assert [s.level for s in states] == [HazardLevel.UNKNOWN] * 2 + [HazardLevel.CLEAR] * 3


def test_every_image_that_can_be_trusted_is_watched_for_its_period():
    drive = track([0.0] * 600)
    assert watched(drive) == pytest.approx(60.0)
    frozen = drive.frames.digests.copy()
    frozen[100:200] = 100  # from the tenth on they say nothing, and two good ones more are asked for
    assert watched(changed(drive, digests=frozen)) == pytest.approx(60.0 - 0.1 * (100 - 9 + 2))
    assert watched(changed(drive, dark_share=np.ones(600))) == 0.0


def test_a_pause_of_the_recording_is_not_driving():
    drive = track([0.0] * 600)
    times = drive.frames.stamps_ns.copy()
    times[300:] += 60 * 10**9
    seconds = watched(changed(drive, stamps_ns=times, recorded_ns=times))
    assert seconds == pytest.approx(60.0 - 0.1 * 3)  # after it the monitor asks for three good images again


def test_images_too_rare_for_a_detector_prove_little():
    # Of three images a second apart two rebuild the trust that the silence before them cost.
    assert watched(track([0.0] * 60, rate_hz=1.0)) == pytest.approx(60.0 / 3 + 2)
    assert watched(track([0.0] * 60, rate_hz=0.9)) == 0.0  # a gap beyond what stamps may have, at every one


class Brightness:
    """Score = red channel, rescaled."""

    input_size = (8, 16)

    def infer(self, image):
        score = image[::4, ::4, 0].astype(np.float32) * np.float32(0.01) - 1
        return Prediction(score, np.zeros(score.shape, np.uint8))

    def close(self):
        pass


def test_record_and_keep(tmp_path):
    rng = np.random.default_rng(0)
    images = [
        DriveImage(rng.integers(0, 256, (8, 16, 3), dtype=np.uint8), 10**9 + i, 10**9 + 2 * i, (3.0, 0.1), INTRINSICS)
        for i in range(3)
    ]
    kept = record(Brightness(), iter(images), tmp_path / "drive.npz")
    for i, one in enumerate(images):
        expected = Brightness().infer(one.image).score
        assert kept.score(i).dtype == np.float32
        np.testing.assert_allclose(kept.score(i), expected, atol=2.6 / LEVELS)
        assert kept.frames.highest[i] == expected.max()
    assert kept.image_size == (8, 16) and kept.frames.motion[2].tolist() == [3.0, 0.1]
    assert kept.frames.recorded_ns.tolist() == [10**9, 10**9 + 2, 10**9 + 4]
    assert kept.ground(0, CONFIG.camera) == GROUND
    assert sorted(p.name for p in tmp_path.iterdir()) == ["drive.npz", "drive.scores"]
    again = record(Brightness(), iter(images), tmp_path / "again.npz")
    assert again.fingerprint == kept.fingerprint
    assert record(Brightness(), images[:2], tmp_path / "other.npz").fingerprint != kept.fingerprint


def test_images_of_any_size_are_scored_as_the_detector_scores_them(tmp_path):
    flat = DriveImage(np.full((16, 32, 3), 51, np.uint8), 1, 1)
    kept = record(Brightness(), [flat], tmp_path / "large.npz")
    assert kept.image_size == (16, 32) and kept.cells.shape == (1, 2, 4)
    assert kept.score(0) == pytest.approx(np.full((2, 4), -0.49))  # a map that is flat has no steps
    tiny = record(Brightness(), [DriveImage(np.full((1, 2, 3), 51, np.uint8), 1, 1)], tmp_path / "tiny.npz")
    assert tiny.cells.shape == (1, 1, 2)  # never more cells than pixels
    sizes = [flat, DriveImage(np.zeros((8, 16, 3), np.uint8), 2, 2)]
    with pytest.raises(ValueError, match="images of one size"):
        record(Brightness(), sizes, tmp_path / "mixed.npz")
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["large", "large", "tiny", "tiny"]


def test_what_is_no_track_says_so(tmp_path):
    with pytest.raises(ValueError, match="at least one image"):
        record(Brightness(), [], tmp_path / "none.npz")
    assert not any(tmp_path.iterdir())
    with pytest.raises(ValueError, match="expected a score track, found"):
        ScoreTrack.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="expected a score track, found"):
        ScoreTrack.load(tmp_path / "text.npz")
    record(Brightness(), [DriveImage(np.zeros((8, 16, 3), np.uint8), 1, 1)], tmp_path / "cut.npz")
    (tmp_path / "cut.scores").write_bytes(b"1234")
    with pytest.raises(ValueError, match="expected 16 bytes for score maps .* found 4"):
        ScoreTrack.load(tmp_path / "cut.npz")
    good = track([0.0] * 3)
    with pytest.raises(ValueError, match="never go back"):
        changed(good, recorded_ns=good.frames.recorded_ns[[0, 2, 1]])
    with pytest.raises(ValueError, match="expected arrays"):
        changed(good, motion=good.frames.motion[:2])
