"""From samples to figures."""

from __future__ import annotations

import math

import pytest

from ros_anomaly.benchmark.endurance import growth_of
from ros_anomaly.benchmark.statistics import paired_ratio, times_of


def test_figures_of_known_samples():
    times = times_of([0.001 * n for n in range(1, 102)])
    assert times.frames == 101 and times.median_ms == pytest.approx(51) and times.p99_ms == pytest.approx(100)
    assert times.mean_ms == pytest.approx(51) and times.least_ms == pytest.approx(1)
    assert times.frames_per_s == pytest.approx(1000 / 51)


@pytest.mark.parametrize("samples", [[], [0.0], [0.1, -0.1], [0.1, math.nan], [math.inf]])
def test_samples_that_are_no_times_are_refused(samples):
    with pytest.raises(ValueError, match="expected positive seconds of at least one frame"):
        times_of(samples)


def test_a_slow_round_slows_both_and_leaves_the_ratio_alone():
    baseline = [[0.2, 0.2], [2.0, 2.0], [0.2, 0.2]]
    own = [[0.1], [1.0], [0.05]]
    ratio = paired_ratio(baseline, own)
    assert ratio.median == pytest.approx(2) and ratio.least == pytest.approx(2) and ratio.greatest == pytest.approx(4)
    # The ratio of the medians over everything would say the same of these only by chance.
    assert paired_ratio(own, own).median == 1


@pytest.mark.parametrize(("baseline", "own"), [([], []), ([[0.1]], []), ([[0.1]], [[0.1], [0.1]])])
def test_rounds_must_pair(baseline, own):
    with pytest.raises(ValueError, match="expected the same number of rounds"):
        paired_ratio(baseline, own)


def test_growth_is_of_the_later_half():
    # 50 MB are taken at once and kept; then 2 MB more every 1000 frames.
    readings = [(500 * n, 100.0 + (50 if n > 1 else 0) + n) for n in range(1, 21)]
    growth = growth_of(readings)
    assert growth.first_mb == 101 and growth.last_mb == 170
    assert growth.mb_per_1000_frames == pytest.approx(2)


def test_growth_of_a_single_reading_is_none_and_of_no_reading_refused():
    assert growth_of([(10, 5.0)]).mb_per_1000_frames == 0
    with pytest.raises(ValueError, match="found none"):
        growth_of([])
