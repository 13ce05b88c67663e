"""The threshold search on counts with known answers."""

from __future__ import annotations

import pytest

from ros_anomaly.training.calibration import CalibrationRule, choose_threshold


def counter(*peaks: float):
    """One false hazard for each peak above the threshold."""
    return lambda threshold: sum(peak > threshold for peak in peaks)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(10.0, 0.5), (9.9, 0.8), (20.0, 0.3), (35.0, 0.2)],
)
def test_finds_the_lowest_threshold_that_keeps_the_rule(minutes, expected):
    peaks = (0.8, 0.5, 0.3, 0.2)  # with n events allowed, the threshold is the peak after the n highest
    result = choose_threshold(counter(*peaks), minutes, -1.0, 1.0)
    assert result.threshold == pytest.approx(expected, abs=1e-3)
    assert result.threshold >= expected  # never on the wrong side
    assert result.false_hazards == CalibrationRule().allowed(minutes)


def test_a_calm_spot_below_a_noisy_one_is_not_taken():
    def merging(threshold: float) -> int:
        return 5 if 0.2 < threshold < 0.6 else 0

    assert choose_threshold(merging, 10.0, 0.0, 1.0).threshold == pytest.approx(0.6, abs=2e-3)


def test_nothing_ever_fires():
    result = choose_threshold(lambda threshold: 0, 10.0, -1.0, 1.0, coarse_steps=4)
    assert result.threshold == -1.0
    assert [threshold for threshold, _ in result.tried] == [1.0, 0.5, 0.0, -0.5, -1.0]


def test_a_stricter_rule_gives_a_higher_threshold():
    strict = choose_threshold(counter(0.8, 0.5), 10.0, 0.0, 1.0, CalibrationRule(0.0, 10.0))
    assert strict.threshold == pytest.approx(0.8, abs=1e-3)


def test_what_cannot_be_calibrated_says_so():
    with pytest.raises(ValueError, match="at most 1 false hazards at the highest threshold 1, found 7"):
        choose_threshold(lambda threshold: 7, 10.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="lowest < highest"):
        choose_threshold(counter(), 10.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="minutes"):
        choose_threshold(counter(), 0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="per_minutes > 0"):
        CalibrationRule(1.0, 0.0)


def test_rule_in_words_and_in_events():
    assert CalibrationRule().allowed(30.0) == 3
    assert CalibrationRule().allowed(9.99) == 0
    assert "<= 1 per 10 simulated minutes" in str(CalibrationRule())
