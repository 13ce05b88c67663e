"""The drive's choreography against a node that needs no ROS: who waits for whom, what counts as sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep
from ros_anomaly_sim.bridge import lockstep_drive
from ros_anomaly_sim.bridge.lockstep_drive import FIRST_STAMP_NS, LockstepDrive, NobodyListens, Pace


class Clock:
    """Steady time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


class FakeNode:
    """Answers each frame at the next ``listen``, as ``answer`` says: a level, or None for silence."""

    def __init__(self, clock: Clock, lockstep: Lockstep, answer: Callable[[int], HazardLevel | None]) -> None:
        self.listeners, self.told_to_go = 1, False
        self.last_answer: HazardReport | None = None
        self.published: list[int] = []
        self.clocks: list[int] = []
        self._clock, self._lockstep, self._answer = clock, lockstep, answer

    def publish_clock(self, time_ns: int) -> None:
        self.clocks.append(time_ns)

    def publish(self, frame) -> None:
        self.publish_clock(frame.stamp_ns)
        self.published.append(frame.stamp_ns)
        self._lockstep.send(frame.stamp_ns, self._clock.now_s)

    def listen(self, duration_s: float) -> None:
        level = self._answer(len(self.published) - 1) if self._lockstep.waiting else None
        if level is None:
            self._clock.now_s += duration_s + 1e-6
            return
        stamp = self.published[-1]
        self.last_answer = HazardReport(HazardState(level, "", stamp, latency_ms=1.0), dropped=0)
        self._lockstep.answer(stamp)

    @contextmanager
    def answering(self, lockstep: Lockstep) -> Iterator[None]:
        usual, self._lockstep = self._lockstep, lockstep
        yield
        self._lockstep = usual


class Stage:
    def __init__(self, monkeypatch, answer, patience: int = 3, wait_for_go: bool = False) -> None:
        self.clock = Clock()
        monkeypatch.setattr(lockstep_drive, "time", self.clock)
        self.lockstep = Lockstep(timeout_s=2.0, patience=patience)
        self.node = FakeNode(self.clock, self.lockstep, answer)
        self.rendered: list[float] = []
        pace = Pace(10.0, wait_for_go, startup_timeout_s=30.0)
        self.drive = LockstepDrive(self.node, self.lockstep, pace, self.state_at, self.render)  # type: ignore[arg-type]

    def state_at(self, t_s: float):
        return SimpleNamespace(t_s=t_s)

    def render(self, state):
        self.rendered.append(state.t_s)
        return SimpleNamespace()


def clear(_: int) -> HazardLevel:
    return HazardLevel.CLEAR


def test_the_warm_up_lasts_until_the_detector_trusts_what_it_sees_and_counts_nothing(monkeypatch):
    stage = Stage(monkeypatch, lambda index: HazardLevel.UNKNOWN if index < 3 else HazardLevel.CAUTION)
    stage.drive.warm_up()
    assert len(stage.node.published) == 4 and set(stage.rendered) == {0.0}
    assert stage.lockstep.sent == 0
    stage.drive.run(0.3)
    assert stage.lockstep.sent == 3
    steps = {b - a for a, b in zip(stage.node.published, stage.node.published[1:], strict=False)}
    assert steps == {100_000_000} and stage.node.published[0] == FIRST_STAMP_NS


def test_a_detector_that_stays_unknown_is_driven_for_all_the_same(monkeypatch):
    stage = Stage(monkeypatch, lambda index: HazardLevel.UNKNOWN)
    stage.drive.warm_up()
    assert stage.node.last_answer is not None


def test_nobody_listens(monkeypatch):
    stage = Stage(monkeypatch, clear)
    stage.node.listeners = 0
    with pytest.raises(NobodyListens, match="within 30 s nobody listened"):
        stage.drive.warm_up()
    assert stage.node.published == []


def test_a_detector_that_never_answers_is_given_up(monkeypatch):
    stage = Stage(monkeypatch, lambda index: None)
    with pytest.raises(NobodyListens, match="did not answer"):
        stage.drive.warm_up()


def test_the_drive_waits_for_the_recorders_word(monkeypatch):
    stage = Stage(monkeypatch, clear, wait_for_go=True)
    usual = stage.node.publish

    def publish(frame) -> None:
        usual(frame)
        stage.node.told_to_go = len(stage.node.published) >= 6

    stage.node.publish = publish  # type: ignore[method-assign]
    stage.drive.warm_up()
    assert len(stage.node.published) == 6


def test_unanswered_frames_are_counted_and_the_drive_goes_on(monkeypatch):
    stage = Stage(monkeypatch, lambda index: None if index in (2, 3) else HazardLevel.CLEAR)
    stage.drive.run(1.0)
    assert stage.lockstep.sent == 10
    assert stage.lockstep.unanswered == [stage.node.published[2], stage.node.published[3]]
    assert stage.rendered == pytest.approx([i / 10 for i in range(10)])


def test_lasting_silence_ends_the_drive(monkeypatch):
    stage = Stage(monkeypatch, lambda index: HazardLevel.CLEAR if index < 2 else None)
    with pytest.raises(DetectorSilent):
        stage.drive.run(5.0)
    assert len(stage.lockstep.unanswered) == 3


def test_never_faster_than_real_time(monkeypatch):
    stage = Stage(monkeypatch, clear)
    stage.drive.run(2.0)
    assert stage.clock.now_s - 100.0 == pytest.approx(1.9, abs=0.01)


def test_the_clock_never_runs_backwards_and_moves_between_frames(monkeypatch):
    stage = Stage(monkeypatch, clear)
    stage.drive.run(0.5)
    assert stage.node.clocks == sorted(stage.node.clocks)
    assert len(set(stage.node.clocks)) == 4 * 5


@pytest.mark.parametrize(("rate_hz", "fastest", "named"), [(0, 1, "rate_hz"), (200, 1, "rate_hz"), (10, 0, "fastest")])
def test_bad_paces_are_named(rate_hz: float, fastest: float, named: str):
    with pytest.raises(ValueError, match=named):
        Pace(rate_hz, False, 10.0, fastest)
