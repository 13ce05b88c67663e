"""What charts and film strips are made from: curve points, timelines, the worst frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from example_page import labelled_frame

from ros_anomaly.evaluation.metrics import PixelRanking, ScoreCounts
from ros_anomaly.evaluation.report.blocks import Still
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.report.mistakes import FilmRoll, MistakeReel
from ros_anomaly.evaluation.report.pictures import jpeg
from ros_anomaly.evaluation.report.timeline import Presence, ScoreTrace, Timeline, _peaks
from ros_anomaly.hazard.types import HazardLevel


def counts(values: list[float]) -> ScoreCounts:
    counted = ScoreCounts()
    counted.add(np.array(values, np.float32))
    return counted


def test_curve_points_by_hand():
    curve = Curve.of("toy", counts([3.0, 2.0, 2.0, 0.0]), counts([2.0, 1.0, 0.0, 0.0]))
    assert curve is not None
    assert curve.thresholds.tolist() == pytest.approx([3.0, 2.0, 1.0, 0.0])
    assert curve.recall.tolist() == [0.25, 0.75, 0.75, 1.0]
    assert curve.fpr.tolist() == [0.0, 0.25, 0.5, 1.0]
    assert curve.precision.tolist() == pytest.approx([1.0, 3 / 4, 3 / 5, 4 / 8])


@pytest.mark.parametrize(("anomalous", "normal"), [([], [1.0]), ([1.0], []), ([], [])])
def test_a_population_that_is_empty_has_no_curve(anomalous, normal):
    assert Curve.of("none", counts(anomalous), counts(normal)) is None


def test_a_thinned_curve_still_has_the_area_and_both_ends():
    rng = np.random.default_rng(3)
    ranking = PixelRanking()
    truth = rng.random((300, 400)) < 0.02
    ranking.add((rng.normal(size=truth.shape) + 2 * truth).astype(np.float32), truth)
    curve = Curve.of("toy", ranking.anomalous, ranking.normal)
    assert curve is not None and len(curve.recall) < 460
    assert curve.recall[-1] == curve.fpr[-1] == 1.0
    figures = ranking.figures()
    assert np.trapezoid(curve.recall, curve.fpr) == pytest.approx(figures.auroc, abs=2e-3)
    steps = np.diff(curve.recall, prepend=0.0)
    assert (steps * curve.precision).sum() == pytest.approx(figures.ap, abs=2e-2)


def still(name: str) -> Still:
    return Still(jpeg(np.zeros((8, 8, 3), np.uint8)), name)


def test_the_roll_keeps_the_worst_and_makes_no_picture_in_vain():
    roll, made = FilmRoll(most=2), []

    def offer(badness: float, name: str, group: str | None = None) -> bool:
        return roll.offer(badness, lambda: made.append(name) or still(name), group)

    assert [offer(1, "a"), offer(3, "b"), offer(2, "c"), offer(1, "d"), offer(2, "e")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [one.caption for one in roll.stills()] == ["b", "c"]
    assert made == ["a", "b", "c"]
    with pytest.raises(ValueError, match="room for at least 1 still, found 0"):
        FilmRoll(0)


def test_of_one_group_only_the_worst_is_kept():
    roll = FilmRoll(most=3)
    for badness, name, group in ((1, "a1", 7), (5, "a2", 7), (2, "a3", 7), (3, "b", 8), (4, "c", None)):
        roll.offer(badness, lambda name=name: still(name), group)
    assert [one.caption for one in roll.stills()] == ["a2", "c", "b"]


def test_worst_misses_and_false_flags():
    reel = MistakeReel(most=2)
    for index in range(6):
        reel.add(labelled_frame(index))
    # Missed in the odd frames, larger each time; flagged falsely in all, but too small to count from the fifth on.
    assert [one.caption for one in reel.misses().stills] == ["frame_5: 500 px missed", "frame_3: 460 px missed"]
    told = [one.caption for one in reel.false_flags().stills]
    assert told == [f"frame_{i}: {400 - 80 * i} px flagged, none of it anomalous" for i in (0, 1)]


def test_a_perfect_frame_leaves_no_still_and_void_is_nobodys_mistake():
    frame = labelled_frame(1)
    reel = MistakeReel()
    reel.add(replace(frame, flagged=frame.is_anomaly))
    reel.add(replace(frame, valid=np.zeros_like(frame.valid)))
    void_there = frame.valid & ~(frame.flagged | frame.is_anomaly)
    reel.add(replace(frame, valid=void_there))
    assert not reel.misses().stills and not reel.false_flags().stills
    with pytest.raises(ValueError, match="frame_1: expected arrays of one size"):
        replace(frame, score=np.zeros((2, 2)))


def test_a_flag_that_touches_an_anomaly_is_not_false():
    frame = labelled_frame(1)
    spread = np.zeros_like(frame.flagged)
    spread[100:140, 140:200] = True
    reel = MistakeReel()
    reel.add(replace(frame, flagged=spread))
    assert not reel.misses().stills and not reel.false_flags().stills


def timeline(frames: int = 4, **changes) -> Timeline:
    levels = [HazardLevel.CLEAR, HazardLevel.HAZARD, None, HazardLevel.UNKNOWN][:frames]
    return replace(Timeline([0.1 * i for i in range(frames)], levels, 0.1), **changes)


def test_a_timeline_shows_levels_score_and_objects():
    presence = Presence("object 3", [True] * 4, [False, True, True, False])
    chart = timeline(score=ScoreTrace("highest score", [0.1, None, 0.3, 0.2], 0.25), presences=(presence,)).chart()
    assert chart.wide
    for word in ("CLEAR", "HAZARD", "object 3", "highest score", "seconds", "in view, not found"):
        assert f">{word}<" in chart.svg
    assert "object" not in timeline().chart().svg
    timeline(0).chart()  # a drive without a frame is drawn empty


def test_a_timeline_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"expected 4 values, one a frame, found \{'highest score': 1\}"):
        timeline(score=ScoreTrace("highest score", [0.1]))
    with pytest.raises(ValueError, match="ascending times and a period above 0, found period 0"):
        timeline(period_s=0)
    with pytest.raises(ValueError, match="ascending times"):
        timeline(times_s=[3.0, 2.0, 1.0, 0.0])


def test_long_drives_keep_their_peaks():
    values = np.zeros(100_000)
    values[77_777] = 5.0
    times, thinned = _peaks(np.arange(100_000.0), values)
    assert len(times) == len(thinned) == 1500 and thinned.max() == 5.0
