"""Replay in lockstep: the next image is sent when the detector has answered the last one, however long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ros_anomaly.limits import check_above_zero
from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep
from ros_anomaly.nodes.replay_node import Answer
from ros_anomaly.nodes.replay_outcome import NobodyListens, ReplayOutcome
from ros_anomaly.nodes.replay_source import ReplayMessage, ReplaySource

_NS_PER_MS = 1_000_000
_LISTEN_S = 0.1


class ReplayPort(Protocol):
    """What the choreography needs of a node; ``ReplayNode`` is one."""

    @property
    def image_topic(self) -> str: ...

    @property
    def listeners(self) -> int: ...

    def publish_clock(self, time_ns: int) -> None: ...

    def publish(self, topic: str, raw: bytes) -> None: ...

    def listen(self, duration_s: float) -> list[Answer]: ...


@dataclass(frozen=True)
class Patience:
    """How long a replay waits.

    Attributes:
        answer_s: for the answer to one image.
        images: how many in a row may stay unanswered.
        startup_s: for a detector that listens.
        pause_ms: a pause in the recording, in its own time, that the detector must have noticed before it sees the
            next image. Expected below its ``max_frame_age_ms``: else a frame that grows too old in a pause is
            forgiven. Pauses of that length should be rare, as each costs the wait for a heartbeat.
    """

    answer_s: float = 5.0
    images: int = 5
    startup_s: float = 60.0
    pause_ms: float = 300.0

    def __post_init__(self) -> None:
        for name in ("answer_s", "images", "startup_s", "pause_ms"):
            check_above_zero(f"Patience.{name}", getattr(self, name))


class LockstepReplay:
    """Plays a source to a detector in simulated time (``use_sim_time``, ``lockstep``).

    The clock is the bag's: the time at which each message was recorded. The detector's answers depend on it and on
    the messages alone, not on how fast either side runs.
    """

    def __init__(self, port: ReplayPort, patience: Patience, on_image: Callable[[], None]) -> None:
        self._port, self._patience, self._on_image = port, patience, on_image
        self._lockstep = Lockstep(patience.answer_s, patience.images)
        self._pause_ns = round(patience.pause_ms * _NS_PER_MS)
        self._clock_ns: int | None = None
        self._last_stamp_ns: int | None = None
        self.outcome = ReplayOutcome()

    def run(self, source: ReplaySource) -> None:
        """Play to the end; ``outcome`` tells what became of it, however this ends.

        Raises:
            NobodyListens: there is no detector in lockstep with this clock.
            DetectorSilent: it went away, or stopped to answer.
        """
        for message in source:
            if self._clock_ns is None:
                self._meet_detector(message.recorded_ns)
                started_s = time.monotonic()
            self._clock_ns = max(message.recorded_ns, self._clock_ns or 0)
            try:
                self._play(message, self._clock_ns)
            finally:
                self.outcome.seconds = time.monotonic() - started_s

    def _play(self, message: ReplayMessage, clock_ns: int) -> None:
        stamp_ns = message.image_stamp_ns
        if stamp_ns is not None and self._last_stamp_ns is not None and clock_ns - self._last_stamp_ns > self._pause_ns:
            self._let_time_pass(clock_ns)
        self._port.publish_clock(clock_ns)
        self._port.publish(message.topic, message.raw)
        self.outcome.messages += 1
        if stamp_ns is not None:
            self._last_stamp_ns = stamp_ns
            self._lockstep.send(stamp_ns, time.monotonic())
            self.outcome.sent += 1
            self._await_answer(stamp_ns)
            self._on_image()

    def _await_answer(self, stamp_ns: int) -> None:
        while self._lockstep.waiting:
            left_s = self._lockstep.seconds_left(time.monotonic())
            if left_s <= 0:
                self._lockstep.give_up()
                return
            if not self._port.listeners:
                raise DetectorSilent(f"the detector no longer listens to {self._port.image_topic}")
            for answer in self._port.listen(min(left_s, _LISTEN_S)):
                if not answer.report.is_heartbeat and answer.stamp_ns == stamp_ns and self._lockstep.waiting:
                    self._lockstep.answer(stamp_ns)
                    self.outcome.count(answer)

    def _let_time_pass(self, clock_ns: int) -> None:
        """Wait until the detector has said something at this time, for at most as long as for an answer."""
        deadline_s = time.monotonic() + self._patience.answer_s
        self._port.publish_clock(clock_ns)
        while time.monotonic() < deadline_s:
            if any(answer.stamp_ns == clock_ns for answer in self._port.listen(_LISTEN_S)):
                return

    def _meet_detector(self, clock_ns: int) -> None:
        """Wait until a detector listens to the images and has said something at the time of the clock."""
        deadline_s = time.monotonic() + self._patience.startup_s
        heard_any = heard_clock = False
        while not (heard_clock and self._port.listeners):
            if time.monotonic() > deadline_s:
                raise NobodyListens(f"within {self._patience.startup_s:g} s {self._missing(heard_any)}")
            self._port.publish_clock(clock_ns)
            answers = self._port.listen(_LISTEN_S)
            heard_any = heard_any or bool(answers)
            heard_clock = heard_clock or any(answer.stamp_ns == clock_ns for answer in answers)

    def _missing(self, heard_any: bool) -> str:
        topic = self._port.image_topic
        if not self._port.listeners:
            return f"nobody listened to {topic}; start the detector with -r {_input_of(topic)}:={topic}"
        if not heard_any:
            return "no hazard status was heard; name the detector's with --status-topic"
        return "the detector did not follow /clock; start it with -p use_sim_time:=true -p lockstep:=true"


def _input_of(image_topic: str) -> str:
    """The detector's own name for such a topic."""
    return "image/compressed" if image_topic.endswith("/compressed") else "image"
