"""The threshold search on counts with known answers, and what a count of events proves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ros_anomaly.training.calibration import CalibrationRule, choose_threshold, rate_bound, threshold_grid

EVEN = np.linspace(1.0, -1.0, 33)


def counter(*peaks: float):
    """One false hazard for each peak above the threshold."""
    return lambda threshold: sum(peak > threshold for peak in peaks)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(10.0, 0.5), (9.9, 0.8), (20.0, 0.3), (35.0, 0.2)],
)
def test_finds_the_lowest_threshold_that_keeps_the_rule(minutes, expected):
    peaks = (0.8, 0.5, 0.3, 0.2)  # with n events allowed, the threshold is the peak after the n highest
    result = choose_threshold(counter(*peaks), minutes, EVEN)
    assert expected <= result.threshold < expected + 2 / 32 / 15  # never on the wrong side
    assert result.false_hazards == CalibrationRule().allowed(minutes)


def test_on_the_grid_of_the_frames_the_answer_is_exact():
    peaks = (0.8, 0.5, 0.3, 0.2)
    grid = threshold_grid(np.array([*peaks, *np.linspace(-1, 0, 500)]))
    assert choose_threshold(counter(*peaks), 10.0, grid).threshold == 0.5


def test_a_calm_spot_below_a_noisy_one_is_not_taken():
    def merging(threshold: float) -> int:
        return 5 if 0.2 < threshold < 0.6 else 0

    result = choose_threshold(merging, 10.0, EVEN)
    assert result.threshold == pytest.approx(0.6, abs=5e-3)
    assert all(count <= 1 for threshold, count in result.tried if threshold >= result.threshold)
    assert min(threshold for threshold, _ in result.tried) > 0.5  # nobody looked below


def test_the_rule_holds_at_the_threshold_and_at_every_higher_one_that_was_tried():
    rng = np.random.default_rng(0)
    noisy = {float(t): int(rng.poisson(max(0.0, 3 - 4 * t))) for t in EVEN}

    def count(threshold: float) -> int:
        return noisy[min(noisy, key=lambda known: abs(known - threshold))]

    result = choose_threshold(count, 20.0, EVEN)
    higher = [c for t, c in result.tried if t >= result.threshold]
    lower = [c for t, c in result.tried if t < result.threshold]
    assert max(higher) <= 2 < lower[0]
    assert [t for t, _ in result.tried] == sorted((t for t, _ in result.tried), reverse=True)


def test_nothing_ever_fires():
    result = choose_threshold(lambda threshold: 0, 10.0, np.array([1.0, 0.5, 0.0]))
    assert result.threshold == 0.0
    assert [threshold for threshold, _ in result.tried] == [1.0, 0.5, 0.0]


def test_a_stricter_rule_gives_a_higher_threshold():
    strict = choose_threshold(counter(0.8, 0.5), 10.0, EVEN, CalibrationRule(0.0, 10.0))
    assert strict.threshold == pytest.approx(0.8, abs=5e-3)


def test_grid_follows_the_material():
    frames = np.concatenate([np.linspace(0.999, 0.9999, 40), np.linspace(-1, 0.5, 6000)])
    np.random.default_rng(0).shuffle(frames)
    grid = threshold_grid(frames)
    assert grid[0] == frames.max() and grid[-1] == frames.min()
    assert set(np.sort(frames)[-48:]) <= set(grid)  # each of the highest frames, however close they are
    assert (np.diff(grid) < 0).all() and len(grid) < 130
    assert threshold_grid(np.array([0.5, 0.5])).tolist() == [0.5]


def test_what_cannot_be_calibrated_says_so():
    with pytest.raises(ValueError, match="at most 1 false hazards at the highest threshold 1, found 7"):
        choose_threshold(lambda threshold: 7, 10.0, EVEN)
    for grid in ([], [0.0, 1.0], [1.0, math.nan]):
        with pytest.raises(ValueError, match="descending grid"):
            choose_threshold(counter(), 10.0, np.array(grid))
    with pytest.raises(ValueError, match="minutes"):
        choose_threshold(counter(), 0.0, EVEN)
    with pytest.raises(ValueError, match="per_minutes > 0"):
        CalibrationRule(1.0, 0.0)
    for frames in ([], [0.0, math.inf]):
        with pytest.raises(ValueError, match="finite scores of at least one frame"):
            threshold_grid(np.array(frames))


def test_rule_in_words_and_in_events():
    rule = CalibrationRule()
    assert [rule.allowed(minutes) for minutes in (30.0, 10.0 - 1e-9, 9.99, 4.0)] == [3, 1, 0, 0]
    assert "<= 1 per 10 minutes" in str(rule) and "every higher one" in str(rule)


@pytest.mark.parametrize(("events", "minutes"), [(0, 10.0), (1, 10.0), (7, 3.0)])
def test_rate_bound_leaves_so_few_events_their_chance_of_5_percent(events, minutes):
    mean = rate_bound(events, minutes) * minutes
    chance = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(events + 1))
    assert chance == pytest.approx(0.05)


def test_no_event_in_m_minutes_says_less_than_three_in_m():
    assert rate_bound(0, 4.0) == pytest.approx(3.0 / 4.0, rel=2e-3)
    result = choose_threshold(counter(0.8), 10.0, EVEN)
    assert result.false_hazards == 1 and result.rate_bound_per_10_min == pytest.approx(4.74, abs=0.01)
    with pytest.raises(ValueError, match="minutes > 0"):
        rate_bound(0, 0.0)
