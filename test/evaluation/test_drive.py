"""A recorded drive gives the states that the node's own parts give, pause or fault included."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from drive_bags import (
    PERIOD_NS,
    SIZE,
    START_NS,
    anomaly_box,
    labels,
    picture,
)
from toy_engine import make_toy_engine

from ros_anomaly.bags.clock import DriveClock
from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.bags.reader_events import CameraInfoEvent, DriveEvent, ImageEvent, LabelEvent
from ros_anomaly.detector import Detector
from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation, evaluate_drive
from ros_anomaly.evaluation.drives.labels import LabelFormat, StampMatcher, truth_of
from ros_anomaly.evaluation.drives.levels import LevelTrack
from ros_anomaly.evaluation.drives.result import RunFacts, camera_result
from ros_anomaly.evaluation.drives.run import Answer, Beat, DrivePolicy, DriveRun
from ros_anomaly.evaluation.drives.tally import StampFacts
from ros_anomaly.evaluation.drives.totals import DriveTotals
from ros_anomaly.hazard.config import FreshnessConfig, HazardConfig
from ros_anomaly.hazard.freshness import Now
from ros_anomaly.hazard.image_health import inspect_image
from ros_anomaly.hazard.monitor import HazardMonitor, Observation
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.camera import Intrinsics
from ros_anomaly.messages.odometry import Motion
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.runner import InProcessRunner

CLEAR, CAUTION, HAZARD, UNKNOWN = HazardLevel.CLEAR, HazardLevel.CAUTION, HazardLevel.HAZARD, HazardLevel.UNKNOWN
MS = 1_000_000
BESIDE = np.s_[44:64, 4:16]
INFO = CameraInfoEvent(Intrinsics(64.0, 64.0, 63.5, 35.5, *SIZE))


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    runner = InProcessRunner(EngineSpec(str(make_toy_engine(tmp_path_factory.mktemp("engine"))), threads=1))
    yield Detector(runner)
    runner.close()


def event(at_ns: int, what, cameras: tuple[int, ...] = (0,)) -> DriveEvent:
    return DriveEvent(START_NS + at_ns, cameras, what)


def frame(at_ns: int, anomaly: bool = False, pixels: np.ndarray | None = None, stamp_ns: int | None = None):
    """An image of a seed of its own, so that no two are alike."""
    shown = picture(anomaly, seed=at_ns // MS) if pixels is None else pixels
    return event(at_ns, ImageEvent(START_NS + at_ns if stamp_ns is None else stamp_ns, "camera", shown))


def run_of(detector, events, policy: DrivePolicy | None = None) -> list[Beat | Answer]:
    run = DriveRun(detector, policy or DrivePolicy(), 1)
    said = [one for item in events for _, one in run.take(item)]
    return said + [one for _, one in run.finish()]


def answers(said) -> list[Answer]:
    return [one for one in said if isinstance(one, Answer)]


def levels(said) -> list[HazardLevel]:
    return [one.state.level for one in answers(said)]


def test_states_are_those_of_detector_and_monitor_alone(detector):
    shown = [number in (5, 6, 9, 20, 21) for number in range(30)]
    said = run_of(detector, [frame(n * PERIOD_NS, anomaly) for n, anomaly in enumerate(shown)])
    monitor = HazardMonitor()
    for number, (answer, anomaly) in enumerate(zip(answers(said), shown, strict=True)):
        image = picture(anomaly, seed=number * PERIOD_NS // MS)
        stamp = START_NS + number * PERIOD_NS
        expected = monitor.step(
            Observation(detector.infer(image, None), stamp, inspect_image(image)), Now(stamp, stamp)
        )
        assert answer.state == replace(expected, latency_ms=None), number
        assert answer.time_ns == stamp and answer.assessment is not None
    assert levels(said)[:9] == [UNKNOWN] * 2 + [CLEAR] * 3 + [CAUTION] + [HAZARD] * 3
    assert {one.state.level for one in said} == {CLEAR, CAUTION, HAZARD, UNKNOWN}


def test_a_pause_takes_trust_away_as_soon_as_the_limit_is_passed_and_frames_bring_it_back(detector):
    times = [n * PERIOD_NS for n in range(5)]
    resumed = times[-1] + 700 * MS
    said = run_of(detector, [frame(t) for t in (*times, *(resumed + n * PERIOD_NS for n in range(4)))])
    assert levels(said) == [UNKNOWN] * 2 + [CLEAR] * 3 + [UNKNOWN] * 2 + [CLEAR] * 2
    silent = [one for one in said if isinstance(one, Beat) and times[-1] < one.time_ns - START_NS <= resumed]
    assert [one.state.level for one in silent] == [CLEAR] * 5 + [UNKNOWN] * 2
    assert "last frame is 600 ms old" in silent[5].state.reason
    short = run_of(detector, [frame(t) for t in (*times, times[-1] + 480 * MS)])
    assert levels(short)[-1] is CLEAR


def test_just_before_an_image_the_heartbeat_beats_once_more(detector):
    times = [0, 100 * MS, 200 * MS, 300 * MS, 300 * MS + 530 * MS]
    policy = DrivePolicy(heartbeat_hz=1.0)  # by itself it would not beat within the pause
    assert levels(run_of(detector, [frame(t) for t in times], policy))[-1] is UNKNOWN


def test_the_heartbeat_goes_on_where_the_camera_ends(detector):
    events = [frame(n * PERIOD_NS) for n in range(5)]
    events += [event(n * PERIOD_NS, Motion(START_NS + n * PERIOD_NS, 5.0, 0.0)) for n in range(5, 15)]
    said = run_of(detector, events)
    assert said[-1].state.level is UNKNOWN and said[-1].time_ns == START_NS + 14 * PERIOD_NS


def test_a_clock_that_jumps_by_decades_costs_no_time(detector):
    decades = 50 * 365 * 86400 * 10**9
    run = DriveRun(detector, DrivePolicy(), 1)
    stamps = [0, PERIOD_NS, 2 * PERIOD_NS, decades, decades + PERIOD_NS]
    said = [one for t in stamps for _, one in run.take(frame(t, stamp_ns=START_NS + t, pixels=picture(seed=t % 97)))]
    assert levels(said) == [UNKNOWN, UNKNOWN, CLEAR, UNKNOWN, UNKNOWN]
    assert len(said) < 50


def test_bad_images_and_engine_faults_are_unknown_and_recovered_from(detector):
    white = np.full((*SIZE, 3), 255, np.uint8)  # the toy engine gives NaN for it
    unreadable = event(4 * PERIOD_NS, ImageEvent(START_NS + 4 * PERIOD_NS, "camera", None, "data is cut short"))
    events = [frame(n * PERIOD_NS) for n in range(4)]
    events += [unreadable, *(frame(n * PERIOD_NS) for n in range(5, 9)), frame(9 * PERIOD_NS, pixels=white)]
    events += [frame(n * PERIOD_NS) for n in range(10, 13)]
    said = answers(run_of(detector, events))
    assert [one.problem for one in said if one.problem] == ["bad image", "engine"]
    assert said[4].state.reason == "data is cut short" and said[4].state.image_stamp_ns == START_NS + 4 * PERIOD_NS
    assert "finite" in said[9].state.reason and said[9].assessment is None
    assert levels(said) == [UNKNOWN] * 2 + [CLEAR] * 2 + [UNKNOWN] * 3 + [CLEAR] * 2 + [UNKNOWN] * 3 + [CLEAR]


def test_frozen_and_black_images_are_not_trusted(detector):
    still = picture(seed=1)
    said = run_of(detector, [frame(n * PERIOD_NS, pixels=still) for n in range(12)])
    assert levels(said)[8:] == [CLEAR] + [UNKNOWN] * 3 and "frozen" in said[-1].state.reason
    black = np.zeros((*SIZE, 3), np.uint8)
    assert "black image" in run_of(detector, [frame(0, pixels=black)])[-1].state.reason


def test_geometry_and_odometry_decide_what_is_in_the_way(detector):
    image = picture(seed=3)
    image[BESIDE] = (255, 0, 255)

    def in_corridor(*before: DriveEvent, policy: DrivePolicy | None = None) -> bool:
        (answer,) = answers(run_of(detector, [*before, frame(0, pixels=image)], policy))
        return answer.state.regions[0].in_corridor

    assert in_corridor(), "without camera_info everything is in the way"
    info = event(-5, INFO)
    assert not in_corridor(info)
    assert not in_corridor(policy=DrivePolicy(horizontal_fov_rad=1.5))
    assert in_corridor(info, event(-4, CameraInfoEvent(None, "not calibrated")))
    curve = event(-3, Motion(START_NS - 3, 5.0, 1.0))
    assert in_corridor(info, curve), "the path bends to the left"
    assert not in_corridor(info, event(-3, Motion(START_NS - 600 * MS, 5.0, 1.0))), "too old"


def test_stamps_that_do_not_ascend_are_not_trusted(detector):
    stamps = [START_NS + n * PERIOD_NS for n in (0, 1, 2, 3, 2, 2, 4)]
    said = answers(run_of(detector, [frame(n * PERIOD_NS, stamp_ns=s) for n, s in enumerate(stamps)]))
    assert "went back by 100 ms" in said[4].state.reason and "did not advance" in said[5].state.reason
    facts = StampFacts.of(stamps, 1000.0)
    assert facts.not_ascending == 2 and facts.period_ms == 100.0 and facts.longest_gap_ms == 200.0 and facts.gaps == 0


def test_stamp_facts_of_gaps_and_of_nothing():
    stamps = [START_NS + n * PERIOD_NS for n in (0, 1, 2, 20, 21)]
    assert StampFacts.of(stamps, 1000.0).gaps == 1
    assert StampFacts.of(stamps[:1], 1000.0).period_ms is None and StampFacts.of([], 1000.0).first_ns is None


def test_the_clock_is_the_recorders_unless_the_stamps_are_of_another_time(detector):
    recorded = [frame(n * PERIOD_NS) for n in range(3)]
    assert evaluated(detector, recorded, None).clock is DriveClock.RECORDED
    simulated = [
        event(0, Motion(5, 1.0, 0.0)),
        *(frame(n * PERIOD_NS, stamp_ns=10**10 + n * PERIOD_NS) for n in (0, 1, 2)),
    ]
    drive = evaluated(detector, simulated, None)
    assert drive.clock is DriveClock.STAMPS and (drive.start_ns, drive.end_ns) == (10**10, 10**10 + 2 * PERIOD_NS)
    assert [row.level for row in drive.tallies[0].rows] == [UNKNOWN, UNKNOWN, CLEAR]
    source = Source(simulated, None)
    (drive,) = evaluate_drive([DriveEvaluation(source, detector, DrivePolicy())], DriveClock.RECORDED)
    assert "ms old" in drive.tallies[0].rows[-1].reason


def test_levels_last_until_the_next_and_hazards_are_events(detector):
    track = LevelTrack()
    shown = [3, 4, 14, 15]
    said = run_of(detector, [frame(n * PERIOD_NS, n in shown) for n in range(25)])
    for one in said:
        track.add(one)
    track.finish(START_NS + 24 * PERIOD_NS)
    assert [change.level for change in track.changes] == [
        UNKNOWN, CLEAR, CAUTION, HAZARD, CLEAR, CAUTION, HAZARD, CLEAR,
    ]  # fmt: skip
    assert sum(track.duration_ns.values()) == 24 * PERIOD_NS
    assert track.duration_ns[HAZARD] == 10 * PERIOD_NS and track.duration_ns[UNKNOWN] == 2 * PERIOD_NS
    first, second = track.hazards
    assert (first.start_ns, first.end_ns) == (START_NS + 4 * PERIOD_NS, START_NS + 9 * PERIOD_NS)
    assert (first.first_frame, first.frames, second.first_frame) == (4, 5, 15)
    assert first.max_score == 1.0
    open_end = LevelTrack()
    for one in said[:20]:
        open_end.add(one)
    open_end.finish(said[19].time_ns)
    assert len(open_end.hazards) == 1, "a hazard that lasts to the end is one, too"


class Source:
    """A drive of given events."""

    name = "made up"
    problems = ()

    def __init__(self, events, labels: str | None = "/labels", cameras: int = 1) -> None:
        self._events = events
        self.cameras = [CameraTopics(f"/image{n}", None, None, labels) for n in range(cameras)]
        self.frames = sum(isinstance(one.event, ImageEvent) for one in events)

    def events(self):
        return iter(self._events)


def label(at_ns: int, plane: np.ndarray, later_ns: int = 1) -> DriveEvent:
    return event(at_ns + later_ns, LabelEvent(START_NS + at_ns, plane))


def evaluated(detector, events, label_format: LabelFormat | None, **more):
    source = Source(events, "/labels" if label_format else None, **more)
    return evaluate_drive([DriveEvaluation(source, detector, DrivePolicy(), label_format)])[0]


def test_labels_are_matched_by_stamp_whenever_they_come(detector):
    shown = {n: n in (3, 4) for n in range(8)}
    events = [frame(n * PERIOD_NS, anomaly) for n, anomaly in shown.items()]
    events += [label(n * PERIOD_NS, labels(anomaly), 350 * MS if n % 2 else -30) for n, anomaly in shown.items()]
    events.append(label(50, labels(False)))
    events.sort(key=lambda one: one.recorded_ns)
    drive = evaluated(detector, events, LabelFormat.CLASS_IDS)
    (tally,) = drive.tallies
    box_px = 20 * 32
    assert [row.anomaly_px for row in tally.rows] == [box_px * shown[n] for n in range(8)]
    assert [row.hit_px for row in tally.rows] == [box_px * shown[n] for n in range(8)]
    assert tally.matcher.frames_without == 0 and tally.matcher.labels_without == 1
    figures = tally.truth.figures()
    assert (figures["frames"], figures["frames_with_anomaly"], figures["frames_found"]) == (8, 2, 2)
    assert figures["precision"] == 1.0 and figures["recall"] == 1.0 and figures["miou"] == 1.0
    assert figures["anomaly_pixels"] == 2 * box_px and figures["normal_pixels"] == 8 * 72 * 128 - 2 * box_px
    assert figures["ap"] > 0.99 and figures["auroc"] > 0.999 and figures["frames_falsely_flagged"] == 0


def test_misses_false_flags_and_void_are_counted_pixel_by_pixel(detector):
    seen = picture(True, seed=1)
    seen[BESIDE] = (255, 0, 255)
    plane = labels(False)
    plane[anomaly_box()] = 13
    plane[0:8] = 255
    plane[8:12, 0:20] = 13  # missed
    plane[44:64, 4:8] = 255  # half of what is flagged falsely is void
    drive = evaluated(detector, [frame(0, pixels=seen), label(0, plane)], LabelFormat.CLASS_IDS)
    (row,) = drive.tallies[0].rows
    assert (row.anomaly_px, row.hit_px, row.false_px, row.void_px) == (640 + 80, 640, 160, 8 * 128 + 80)
    figures = drive.tallies[0].truth.figures()
    assert figures["precision"] == 640 / 800 and figures["recall"] == 640 / 720 and figures["iou"] == 640 / 880


def test_labels_of_half_the_size_are_compared_at_their_size(detector):
    plane = labels(True)[::2, ::2]
    drive = evaluated(detector, [frame(0, True), label(0, plane)], LabelFormat.CLASS_IDS)
    (row,) = drive.tallies[0].rows
    assert (row.anomaly_px, row.hit_px, row.false_px) == (160, 160, 0)


@pytest.mark.parametrize(
    ("plane", "label_format", "words"),
    [
        (labels(True), LabelFormat.ANOMALY_MASK, "anomaly-mask labels: expected values 0 or 255, found 7"),
        (labels(True, anomaly_id=14), LabelFormat.CLASS_IDS, "class-ids labels: expected ids 0 to 13, .*found 14"),
        (np.zeros((72, 72), np.uint8), LabelFormat.CLASS_IDS, "expected the shape of its image, 128x72 .*found 72x72"),
    ],
)
def test_labels_that_mean_something_else_are_refused_and_told(detector, plane, label_format, words):
    events = [frame(0), label(0, plane), event(2, LabelEvent(START_NS + 7, None, "cut short"))]
    drive = evaluated(detector, events, label_format)
    (tally,) = drive.tallies
    assert tally.bad_labels == 2 and tally.truth.frames == 0 and drive.incomplete
    text = "\n".join(drive.problems)
    assert "2 labels could not be used" in text and tally.label_problem in text
    assert re.search(words, tally.label_problem)


def test_truth_of_both_formats():
    plane = np.array([[0, 13, 255, 254, 7]], np.uint8)
    assert truth_of(plane, LabelFormat.CLASS_IDS).tolist() == [[0, 1, 255, 0, 0]]
    assert truth_of(np.array([[0, 255]], np.uint8), LabelFormat.ANOMALY_MASK).tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="expected one of class-ids, anomaly-mask; found 'guess'"):
        LabelFormat("guess")


def judged_camera(detector, events) -> dict:
    drive = evaluated(detector, events, LabelFormat.CLASS_IDS)
    facts = RunFacts({}, {}, 0.5, LabelFormat.CLASS_IDS, HazardConfig())
    return camera_result(drive.cameras[0], drive.tallies[0], drive.start_ns, facts)


@pytest.mark.parametrize("in_the_way", [False, True])
def test_a_hazard_is_on_an_anomaly_only_where_it_rests_on_it(detector, in_the_way):
    shown = picture(True, seed=1)
    shown[BESIDE] = (255, 0, 255)
    plane = labels(in_the_way)
    plane[BESIDE] = 13  # flagged and anomalous, but not in the corridor
    events = [event(-5, INFO)]
    for n in range(8):
        pixels = shown.copy()
        pixels[0, 0] = n  # not frozen
        events += [frame(n * PERIOD_NS, pixels=pixels), label(n * PERIOD_NS, plane)]
    hazards = judged_camera(detector, events)["hazards"]
    assert hazards["events"] == 1 and hazards["list"][0]["on_anomaly"] is in_the_way
    assert hazards["false_events"] == (not in_the_way)


def test_a_hazard_that_lasts_is_as_many_alarms_as_in_calibration(detector):
    events = [frame(n * PERIOD_NS, anomaly=True) for n in range(70)] + [label(0, labels(True))]
    events.sort(key=lambda one: one.recorded_ns)
    hazards = judged_camera(detector, events)["hazards"]
    assert (hazards["events"], hazards["alarms"]) == (1, 2), "6.7 s are an alarm, and one more after 5 s"
    assert hazards["alarms_per_10_min"] == pytest.approx(600 * 2 / 6.9)
    totals = DriveTotals.of(evaluated(detector, events, LabelFormat.CLASS_IDS))
    assert (totals + totals).figures()["alarms"] == 4


def test_frames_are_judged_after_their_answer_even_where_the_label_came_first(detector):
    told = []

    class Listener:
        def said(self, camera, said, changed, tally):
            if isinstance(said, Answer):
                told.append(("said", said.event.stamp_ns))

        def judged(self, camera, frame):
            told.append(("judged", frame.row.stamp_ns))

    events = [label(PERIOD_NS, labels(False), -3 * MS), frame(PERIOD_NS), label(PERIOD_NS * 2, labels(False), -3 * MS)]
    events += [frame(PERIOD_NS * 2)]
    evaluate_drive([DriveEvaluation(Source(events), detector, DrivePolicy(), LabelFormat.CLASS_IDS, (Listener(),))])
    stamps = [START_NS + n * PERIOD_NS for n in (1, 2)]
    assert told == [(what, stamp) for stamp in stamps for what in ("said", "judged")]


def test_labels_of_which_none_matches_make_a_drive_incomplete(detector):
    events = [frame(0), event(1, LabelEvent(START_NS + 7, labels(False))), frame(PERIOD_NS)]
    drive = evaluated(detector, events, LabelFormat.CLASS_IDS)
    assert drive.incomplete and "/labels: expected labels of the images of /image0, found none" in str(drive.problems)
    whole = evaluated(detector, [*events, label(PERIOD_NS, labels(False))], LabelFormat.CLASS_IDS)
    assert not whole.incomplete


def test_a_label_without_a_format_is_refused(detector):
    with pytest.raises(ValueError, match="expected a label format"):
        DriveEvaluation(Source([frame(0)]), detector, DrivePolicy())


def test_the_matcher_waits_for_so_many_and_no_longer():
    matcher: StampMatcher[str, str] = StampMatcher(most=2)
    assert [matcher.add_frame(stamp, f"frame {stamp}") for stamp in (1, 2, 3)] == [None] * 3
    assert matcher.frames_without == 1 and matcher.add_label(1, "late") is None
    assert matcher.add_label(3, "label 3") == ("frame 3", "label 3")
    assert matcher.add_label(9, "early") is None and matcher.add_label(9, "again") is None and matcher.repeated == 1
    assert matcher.add_frame(9, "frame 9") == ("frame 9", "early")
    matcher.finish()
    assert (matcher.frames_without, matcher.labels_without) == (2, 1)


def test_cameras_have_monitors_of_their_own_and_problems_are_lines(detector):
    events = []
    for n in range(6):
        events.append(frame(n * PERIOD_NS))
        events.append(replace(frame(n * PERIOD_NS, True), cameras=(1,)))
    drive = evaluated(detector, events, None, cameras=2)
    clear, hazard = drive.tallies
    assert [row.level for row in clear.rows][2:] == [CLEAR] * 4
    assert [row.level for row in hazard.rows][2:] == [HAZARD] * 4
    assert not drive.incomplete


def test_all_cameras_are_activated_by_the_first_event_of_the_drive(detector):
    late = 30
    events = [label(0, labels(False), later_ns=0)]
    events += [frame(n * PERIOD_NS) for n in range(1, 40)]
    events += [replace(frame(n * PERIOD_NS + 5), cameras=(1,)) for n in range(late, 40)]
    events.sort(key=lambda one: one.recorded_ns)
    drive = evaluated(detector, events, LabelFormat.CLASS_IDS, cameras=3)
    front, rear, never = (tally.levels.duration_ns for tally in drive.tallies)
    whole_ns = drive.end_ns - drive.start_ns
    assert [sum(one.values()) for one in (front, rear, never)] == [whole_ns] * 3
    assert rear[UNKNOWN] >= late * PERIOD_NS > front[UNKNOWN] and never[UNKNOWN] == whole_ns


def test_images_without_ground_are_counted_one_by_one(detector):
    images = [frame(n * PERIOD_NS) for n in range(3)]
    (line,) = evaluated(detector, images, None).problems
    assert "3 of 3 images without ground (no camera_info yet)" in line and "in the corridor" in line
    (line,) = evaluated(detector, [images[0], event(1, INFO), *images[1:]], None).problems
    assert "1 of 3 images without ground" in line
    given = DrivePolicy(horizontal_fov_rad=1.5)
    (drive,) = evaluate_drive([DriveEvaluation(Source(images, None), detector, given)])
    assert drive.problems == ()


def test_totals_of_drives_add_up(detector):
    events = [frame(n * PERIOD_NS, n in (3, 4)) for n in range(8)]
    events += [label(n * PERIOD_NS, labels(n in (3, 4))) for n in range(8)]
    events.sort(key=lambda one: one.recorded_ns)
    one = DriveTotals.of(evaluated(detector, events, LabelFormat.CLASS_IDS))
    other = DriveTotals.of(evaluated(detector, events[:8], LabelFormat.CLASS_IDS))
    both = (one + other).figures()
    assert both["drives"] == 2 and both["images"] == 12 and both["hazards"] == one.hazards + other.hazards
    assert both["labels"]["frames"] == 12
    assert both["labels"]["anomaly_pixels"] == (one.truth.with_anomaly + other.truth.with_anomaly) * 640
    assert (DriveTotals() + one).figures() == one.figures()
    unlabelled = DriveTotals.of(evaluated(detector, events[::2], None))
    assert (one + unlabelled).figures()["labels"] == one.figures()["labels"]


def test_a_drive_without_any_message_is_refused(detector):
    with pytest.raises(ValueError, match="made up: expected messages on /image0, found none"):
        evaluated(detector, [], None)


def test_policies_of_other_limits_change_states(detector):
    strict = DrivePolicy(HazardConfig(fresh=FreshnessConfig(max_frame_age_ms=50.0)))
    late = [DriveEvent(one.recorded_ns + 80 * MS, (0,), one.event) for one in (frame(n * PERIOD_NS) for n in range(4))]
    assert levels(run_of(detector, late, strict)) == [UNKNOWN] * 4
    assert levels(run_of(detector, late))[-1] is CLEAR
    with pytest.raises(ValueError, match="heartbeat_hz"):
        DrivePolicy(heartbeat_hz=0.0)
