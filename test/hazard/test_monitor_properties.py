"""The monitor tells the truth: properties over arbitrary histories of frames, faults, heartbeats and clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.image_health import ImageFacts
from ros_anomaly.hazard.monitor import HazardMonitor, Now, Observation
from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState, Region

MS = 1_000_000
CONFIG = HazardConfig()
GOOD = ImageFacts(0, 50.0, 0.0, 0.0)
BLACK = ImageFacts(0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Event:
    """One step: both clocks advance (ROS time may also go back), then a frame, a heartbeat or a reported fault."""

    kind: str
    ros_ms: int
    steady_ms: int
    frame_age_ms: int = 20
    in_corridor: bool = False
    off_corridor: bool = False
    black: bool = False
    same_image: bool = False
    unfamiliar: bool = False


frames = st.builds(
    Event,
    st.just("frame"),
    st.sampled_from([0, 30, 100, 100, 100, 100, 400, 1200, -300]),
    st.sampled_from([0, 30, 100, 100, 100, 400, 1200]),
    st.sampled_from([20, 20, 20, 20, 490, 510, -90, -110]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([False] * 7 + [True]),
    st.booleans(),
    st.sampled_from([False] * 4 + [True]),
)
beats = st.builds(
    Event,
    st.sampled_from(["heartbeat"] * 4 + ["fault"]),
    st.sampled_from([0, 100, 100, 600, -300]),
    st.sampled_from([0, 100, 100, 600]),
)
histories = st.lists(st.one_of(frames, frames, frames, beats), min_size=1, max_size=60)


@dataclass(frozen=True)
class Step:
    event: Event
    now: Now
    stamp_ns: int | None
    state: HazardState


def run(history: list[Event], monitor: HazardMonitor | None = None) -> list[Step]:
    monitor = monitor or HazardMonitor(CONFIG)
    ros_ns = steady_ns = 10_000_000 * MS
    digest, steps = 0, []
    for event in history:
        ros_ns, steady_ns = ros_ns + event.ros_ms * MS, steady_ns + event.steady_ms * MS
        now, stamp_ns = Now(ros_ns, steady_ns), None
        if event.kind == "fault":
            state = monitor.fault("reported", now)
        elif event.kind == "heartbeat":
            state = monitor.step(None, now)
        else:
            stamp_ns = ros_ns - event.frame_age_ms * MS
            digest += not event.same_image
            facts = BLACK if event.black else GOOD
            image = ImageFacts(digest, facts.contrast, facts.dark_share, facts.bright_share)
            state = monitor.step(Observation(assessment(event), stamp_ns, image), now)
        steps.append(Step(event, now, stamp_ns, state))
    return steps


def assessment(event: Event) -> Assessment:
    empty = np.zeros((1, 1), np.uint8)
    places = [True] * event.in_corridor + [False] * event.off_corridor
    regions = tuple(Region((0, 0, 8, 8), 64, 1.0, 1.0, 10.0, 0.0, inside) for inside in places)
    shift = 0.5 if event.unfamiliar else 0.0
    return Assessment(empty, empty.astype(np.float32), empty, regions, 1.0, 10.0, scene_shift=shift)


@settings(max_examples=300, deadline=None)
@given(histories)
def test_clear_rests_on_a_fresh_sound_and_empty_frame(history):
    steps = run(history)
    for i, step in enumerate(steps):
        if step.state.level is not HazardLevel.CLEAR:
            continue
        seen = [s for s in steps[: i + 1] if s.event.kind != "heartbeat"]
        last = seen[-1]
        assert last.event.kind == "frame", "CLEAR after a reported fault"
        assert not (last.event.in_corridor or last.event.off_corridor or last.event.black or last.event.unfamiliar)
        assert step.state.image_stamp_ns == last.stamp_ns
        assert -100 <= (step.now.ros_ns - last.stamp_ns) / MS <= 500
        assert step.now.steady_ns - last.now.steady_ns <= 1000 * MS
        trusted = seen[-3:]
        assert len(trusted) == 3 or any(s.state.level is not HazardLevel.UNKNOWN for s in seen[:-1])
        assert not any(s.event.black or s.event.unfamiliar or s.event.kind == "fault" for s in trusted)


@settings(max_examples=300, deadline=None)
@given(histories)
def test_two_trusted_corridor_frames_in_a_row_are_hazard(history):
    steps = [s for s in run(history) if s.event.kind == "frame"]
    for before, step in zip(steps, steps[1:], strict=False):
        hits = before.event.in_corridor and step.event.in_corridor
        if hits and HazardLevel.UNKNOWN not in (before.state.level, step.state.level):
            assert step.state.level is HazardLevel.HAZARD


@settings(max_examples=200, deadline=None)
@given(histories, st.booleans())
def test_two_more_sound_corridor_frames_raise_the_flag_after_any_history(history, off_corridor):
    hit = Event("frame", 100, 100, in_corridor=True, off_corridor=off_corridor)
    assert all(s.state.level.flag for s in run([*history, hit, hit])[-1:])


@settings(max_examples=200, deadline=None)
@given(histories)
def test_an_unfamiliar_scene_never_lowers_the_flag(history):
    steps = run(history)
    for step in steps:
        if step.event.kind == "frame" and step.event.unfamiliar:
            assert step.state.level in (HazardLevel.UNKNOWN, HazardLevel.HAZARD)


@settings(max_examples=200, deadline=None)
@given(histories, st.integers(1001, 100_000))
def test_silence_is_unknown_after_any_history(history, silent_ms):
    monitor = HazardMonitor(CONFIG)
    last = run(history, monitor)[-1]
    silent = Now(last.now.ros_ns, last.now.steady_ns + silent_ms * MS)
    assert monitor.step(None, silent).level is HazardLevel.UNKNOWN


@settings(max_examples=200, deadline=None)
@given(histories)
def test_eight_good_empty_frames_are_clear_after_any_history(history):
    good = Event("frame", 100, 100)
    jumped = Event("frame", 2000, 2000)  # leaves whatever stamps the history used behind
    final = run([*history, jumped, *[good] * 8])[-1].state
    assert final.level is HazardLevel.CLEAR


@settings(max_examples=200, deadline=None)
@given(histories)
def test_same_history_same_states(history):
    assert [s.state for s in run(history)] == [s.state for s in run(history)]


@settings(max_examples=200, deadline=None)
@given(histories)
def test_unknown_says_why_and_hazard_rests_on_two_corridor_frames(history):
    hits = 0
    for step in run(history):
        hits += step.event.kind == "frame" and step.event.in_corridor
        assert step.state.reason
        if step.state.level is HazardLevel.HAZARD:
            assert hits >= 2
