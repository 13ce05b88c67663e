"""Intervals over frames."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation import bootstrap as bootstrap_module
from ros_anomaly.evaluation.bootstrap import ApReplicas, FrameBootstrap
from ros_anomaly.evaluation.metrics import ScoreCounts, ranking_figures, score_bins


def frames(count: int, seed: int, spread: float = 0.5):
    """Bins of frames whose anomalies differ in how well they are seen, and the pooled AP."""
    rng = np.random.default_rng(seed)
    bootstrap, anomalous, normal = FrameBootstrap(), ScoreCounts(), ScoreCounts()
    for _ in range(count):
        own_anomalous, own_normal = ScoreCounts(), ScoreCounts()
        own_anomalous.add(rng.normal(2 + rng.normal(0, spread), 1, 40).astype(np.float32))
        own_normal.add(rng.normal(0, 1, 500).astype(np.float32))
        bootstrap.add_frame([own_anomalous.bins()], [own_normal.bins()])
        anomalous.add_bins(*own_anomalous.bins())
        normal.add_bins(*own_normal.bins())
    ap = ranking_figures(anomalous, normal).ap
    assert ap is not None
    return bootstrap, ap


def test_interval_holds_the_estimate_and_narrows_with_frames():
    few, ap_few = frames(10, 0)
    many, ap_many = frames(120, 1)
    low_few, high_few = few.replicas().interval(ap_few)
    low_many, high_many = many.replicas().interval(ap_many)
    assert low_few < ap_few < high_few and low_many < ap_many < high_many
    assert (high_many - low_many) < 0.5 * (high_few - low_few)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    _, truth = frames(400, 99)
    covered = 0
    for seed in range(40):
        bootstrap, ap = frames(20, seed)
        low, high = bootstrap.replicas(resamples=100).interval(ap)
        covered += low <= truth <= high
    assert covered >= 32  # 38 of 40 expected; fewer than 32 has a probability below 0.1 %


def test_equal_frames_leave_no_doubt():
    bins = np.array([5, 9], np.uint32) << np.uint32(10), np.array([3, 4])
    bootstrap = FrameBootstrap()
    for _ in range(5):
        bootstrap.add_frame([bins], [bins])
    assert bootstrap.replicas().interval(0.5) == pytest.approx((0.5, 0.5))


def test_no_interval_where_there_is_nothing_to_draw():
    empty = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    some = np.array([7], np.uint32), np.array([3])
    one, none = FrameBootstrap(), FrameBootstrap()
    one.add_frame([some], [some])
    for _ in range(3):
        none.add_frame([empty], [some])
    assert one.replicas() is None and none.replicas() is None


def test_crowded_scores_have_an_interval_of_their_own():
    rng = np.random.default_rng(0)
    plain, crowded = FrameBootstrap(), FrameBootstrap()
    for _ in range(20):
        shift = rng.normal(0, 0.5)
        anomalous, normal = rng.normal(2 + shift, 1, 60), rng.normal(0, 1, 800)
        plain.add_frame([score_bins(anomalous)], [score_bins(normal)])
        crowded.add_frame([score_bins(1 + 1e-5 * anomalous)], [score_bins(1 + 1e-5 * normal)])
    assert crowded.replicas().interval(0.6) == pytest.approx(plain.replicas().interval(0.6), abs=0.02)


def test_goes_on_from_its_state():
    whole, _ = frames(12, 3)
    part = FrameBootstrap.from_state(frames(12, 3)[0].state())
    assert part.replicas().interval(0.5) == whole.replicas().interval(0.5)
    empty = FrameBootstrap.from_state(FrameBootstrap().state())
    assert empty.replicas() is None


def pair(count: int, noise: float, seed: int = 0) -> tuple[FrameBootstrap, FrameBootstrap]:
    """Two scores of the same frames, of which some are hard for both; the second sees less by ``noise``."""
    rng = np.random.default_rng(seed)
    one, other = FrameBootstrap(), FrameBootstrap()
    for _ in range(count):
        anomalous, normal = rng.normal(2 + rng.normal(0, 1.0), 1, 60), rng.normal(0, 1, 800)
        one.add_frame([score_bins(anomalous)], [score_bins(normal)])
        other.add_frame([score_bins(anomalous - noise)], [score_bins(normal)])
    return one, other


def test_the_interval_of_a_difference_is_narrower_than_either_score_s_own():
    one, other = (bootstrap.replicas() for bootstrap in pair(40, noise=0.3))
    gain = one.centre - other.centre
    low, high = one.interval_of_gain(other, gain)
    own_low, own_high = one.interval(one.centre)
    assert 0 < low < gain < high and high - low < 0.5 * (own_high - own_low)
    assert one.interval_of_gain(one, 0.0) == (0.0, 0.0)


def test_replicas_of_other_draws_cannot_be_compared():
    with pytest.raises(ValueError, match="expected as many draws of both scores, found 2 and 3"):
        ApReplicas(np.ones(2), 1.0).interval_of_gain(ApReplicas(np.ones(3), 1.0), 0.0)


def test_draws_without_an_anomalous_pixel_are_left_out():
    some, empty = (np.array([7], np.uint32), np.array([3])), (np.zeros(0, np.uint32), np.zeros(0, np.int64))
    bootstrap = FrameBootstrap()
    for anomalous in (some, empty, empty):
        bootstrap.add_frame([anomalous], [some])
    replicas = bootstrap.replicas()
    assert 0 < np.isnan(replicas.values).sum() < len(replicas.values)
    assert all(np.isfinite(replicas.interval(0.5)))


def test_many_frames_are_joined_and_still_tell_the_same(monkeypatch):
    plain, _ = frames(100, 5)
    monkeypatch.setattr(bootstrap_module, "_MOST_UNITS", 30)
    joined, ap = frames(100, 5)
    assert len(joined._normal) == 25 and joined.replicas().centre == pytest.approx(plain.replicas().centre, abs=0.01)
    low, high = joined.replicas().interval(ap)
    own_low, own_high = plain.replicas().interval(ap)
    assert 0.4 < (high - low) / (own_high - own_low) < 2.5
    half = FrameBootstrap.from_state(frames(51, 5)[0].state())
    assert len(half._normal) == 26 and half._frames_a_unit == 2
