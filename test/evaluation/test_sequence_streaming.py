"""Figures with latency counted in, against schedules and figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ros_anomaly.evaluation.metrics import PixelRanking
from ros_anomaly.evaluation.sequences.frame import SequenceFrame
from ros_anomaly.evaluation.sequences.streaming import NO_MAP_SCORE, StreamingRanking, StreamingReport

MS = 1_000_000
H, W = 8, 200


def moving_bar(index: int, step_px: int = 2, latency_ms: float | None = None) -> SequenceFrame:
    """A bar of 10 columns that moves by ``step_px`` a frame of 100 ms, and a map that finds it exactly."""
    labels = np.zeros((H, W), np.uint8)
    labels[:, 10 + step_px * index : 20 + step_px * index] = 1
    return SequenceFrame(index * 100 * MS, labels.astype(np.float32), labels, latency_ms=latency_ms)


def run(frames: list[SequenceFrame], latency_ms: float | None = None) -> StreamingReport:
    ranking = StreamingRanking(latency_ms)
    for frame in frames:
        ranking.add(frame)
    report = ranking.report()
    assert report is not None
    return report


def test_without_latency_streaming_figures_are_the_frame_wise_ones():
    report = run([moving_bar(i) for i in range(10)], 0.0)
    assert report.streaming == report.frame_wise
    assert (report.frame_wise.ap, report.frame_wise.fpr95) == (1.0, 0.0)
    assert (report.unanswered, report.dropped, report.map_age_ms) == (0, 0, 0.0)


def test_a_map_that_is_one_frame_late_misses_what_the_bar_moved():
    frames = [moving_bar(i) for i in range(11)]
    report = run(frames, 100.0)
    assert (report.unanswered, report.dropped, report.map_age_ms) == (1, 0, 100.0)
    # 8 of 10 columns are right in the ten frames with a map; then all else of them ties; the first frame comes last.
    expected = 80 / 110 * 0.8 + 20 / 110 * (100 / (10 * W)) + 10 / 110 * (110 / (11 * W))
    assert report.streaming.ap == pytest.approx(expected, abs=1e-9)
    assert report.streaming.fpr95 == 1.0  # 10 of 110 bars are only reached at the very lowest score
    assert report.frame_wise.ap == 1.0


def test_a_slow_detector_drops_frames_and_its_maps_age():
    # One at a time, 250 ms each: taken up are the frames of 0, 200 (at 250), 500 (at 500), 700 (at 750) ms.
    report = run([moving_bar(i) for i in range(10)], 250.0)
    assert report.dropped == 5  # those of 100, 300, 400, 600 and 800 ms
    assert report.unanswered == 3
    ages = [300, 400, 500 - 200, 600 - 200, 700 - 200, 800 - 500, 900 - 500]  # of the map at 300, 400 … 900 ms
    assert report.map_age_ms == pytest.approx(np.mean(ages))
    assert report.latency_ms == 250.0


def test_images_without_ground_truth_take_their_time_too_and_labels_may_come_later():
    frames = [moving_bar(i) for i in range(10)]
    ranking = StreamingRanking(250.0)
    for late, frame in zip([None, *frames], frames, strict=False):
        ranking.arrive(frame.stamp_ns, frame.score)
        if late is not None and late.stamp_ns // MS in (300, 400, 600):
            ranking.compare(late)  # the label comes after the next image
    report = ranking.report()
    assert report is not None and (report.images, report.frames, report.dropped) == (10, 3, 5)
    assert report.map_age_ms == pytest.approx(np.mean([300, 400, 600 - 200]))
    assert ranking.knows(500 * MS) and not ranking.knows(400 * MS)
    with pytest.raises(ValueError, match="expected the stamp of an image that waits"):
        ranking.compare(frames[4])


def test_each_frame_may_have_its_own_latency():
    report = run([moving_bar(i, latency_ms=latency) for i, latency in enumerate([50.0, 10.0, 150.0, 10.0, 10.0])])
    # Nothing at 0; of 0 at 100, of 1 at 200, still of 1 at 300; 2 is finished at 350, 3 at 360: of 3 at 400.
    assert report.unanswered == 1
    assert report.map_age_ms == pytest.approx(np.mean([100, 100, 200, 100]))
    assert report.latency_ms == pytest.approx(46.0)


def test_void_does_not_count_and_maps_of_another_size_are_brought_to_the_labels():
    labels = np.zeros((H, W), np.uint8)
    labels[:, :100] = 255
    labels[:, 100:150] = 1
    small = np.zeros((H // 2, W // 2), np.float32)
    small[:, :75] = 1.0
    figures = run([SequenceFrame(0, small, labels)], 0.0).streaming
    assert figures.ap == pytest.approx(1.0) and figures.anomalous_px == 50 * H and figures.normal_px == 50 * H


def test_bad_input_is_told():
    ranking = StreamingRanking()
    assert ranking.report() is None
    with pytest.raises(ValueError, match="expected its measured latency or one for all, found neither"):
        ranking.add(moving_bar(0))
    ranking = StreamingRanking(10.0)
    ranking.add(moving_bar(1))
    with pytest.raises(ValueError, match="ascending stamps"):
        ranking.add(moving_bar(1))
    with pytest.raises(ValueError, match="latency_ms: expected a finite value of at least 0, found -1"):
        StreamingRanking(-1)
    labels = np.zeros((2, 2), np.uint8)
    with pytest.raises(ValueError, match="finite scores"):
        SequenceFrame(0, np.full((2, 2), np.nan), labels)
    with pytest.raises(ValueError, match=r"labels 0, 1 and 255, found \[0, 13\]"):
        SequenceFrame(0, np.zeros((2, 2)), np.array([[0, 13]], np.uint8))
    with pytest.raises(ValueError, match="depth_m of the labels' shape"):
        SequenceFrame(0, np.zeros((2, 2)), labels, depth_m=np.zeros((3, 3)))


def schedule(stamps: list[int], latencies: list[int]) -> tuple[list[int | None], int]:
    """Index of the map that each frame is answered with, and frames dropped: told millisecond by millisecond."""
    answers: list[int | None] = []
    at_work: tuple[int, int] | None = None
    waiting: int | None = None
    newest: int | None = None
    dropped = 0
    for now in range(max(stamps) + 1):
        arrived = stamps.index(now) if now in stamps else None
        if arrived is not None:
            dropped += waiting is not None
            waiting = arrived
        while at_work is None or at_work[1] <= now:
            if at_work is not None:
                newest, at_work = at_work[0], None
            if waiting is None:
                break
            at_work, waiting = (waiting, now + latencies[waiting]), None
        if arrived is not None:
            answers.append(newest)
    return answers, dropped


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 90)), min_size=1, max_size=12))
def test_schedule_matches_one_told_by_the_millisecond(steps: list[tuple[int, int]]):
    stamps = np.cumsum([step for step, _ in steps]).tolist()
    latencies = [latency for _, latency in steps]
    frames = []
    for index, (stamp, latency) in enumerate(zip(stamps, latencies, strict=True)):
        labels = np.zeros((1, 4), np.uint8)
        labels[0, index % 4] = 1
        score = np.full((1, 4), float(index), np.float32)
        frames.append(SequenceFrame(stamp * MS, score, labels, latency_ms=float(latency)))
    report = run(frames)
    answers, dropped = schedule(stamps, latencies)
    by_hand = PixelRanking()
    for frame, answer in zip(frames, answers, strict=True):
        shown = NO_MAP_SCORE if answer is None else float(answer)
        by_hand.add(np.full((1, 4), shown, np.float32), frame.is_anomaly, frame.valid)
    assert report.streaming == by_hand.figures()
    assert (report.unanswered, report.dropped) == (answers.count(None), dropped)
