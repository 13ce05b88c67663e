"""Replay in real time: every message when it is due, whether or not anybody keeps up."""

from __future__ import annotations

import time
from collections.abc import Callable

from ros_anomaly.nodes.replay_lockstep import ReplayPort
from ros_anomaly.nodes.replay_node import Answer
from ros_anomaly.nodes.replay_outcome import ReplayOutcome
from ros_anomaly.nodes.replay_source import ReplaySource

_CLOCK_PERIOD_S = 0.01
_LAST_ANSWERS_S = 1.0
_NS_PER_S = 1_000_000_000


class RealTimeReplay:
    """Plays a source with the time steps of its recording, ``speed`` times as fast, and with the bag's clock."""

    def __init__(self, port: ReplayPort, speed: float, startup_s: float, on_image: Callable[[], None]) -> None:
        if not 0 < speed <= 1000:
            raise ValueError(f"speed: expected above 0 and at most 1000, found {speed}")
        self._port, self._speed, self._startup_s, self._on_image = port, speed, startup_s, on_image
        self._open: set[int] = set()
        self.outcome = ReplayOutcome()

    def run(self, source: ReplaySource) -> None:
        """Play to the end; ``outcome`` tells what became of it, however this ends."""
        first_ns: int | None = None
        started_s = 0.0
        for message in source:
            if first_ns is None:
                self._wait_for_listeners(message.recorded_ns)
                first_ns, started_s = message.recorded_ns, time.monotonic()
            due_s = started_s + (message.recorded_ns - first_ns) / _NS_PER_S / self._speed
            self._wait_until(due_s, message.recorded_ns)
            self.outcome.latest_s = max(self.outcome.latest_s, time.monotonic() - due_s)
            self._port.publish_clock(message.recorded_ns)
            self._port.publish(message.topic, message.raw)
            self.outcome.messages += 1
            if message.image_stamp_ns is not None:
                self._open.add(message.image_stamp_ns)
                self.outcome.sent += 1
                self._on_image()
            self._take(self._port.listen(0.0))  # a replay that is late has no other time to listen
            self.outcome.seconds = time.monotonic() - started_s
        deadline_s = time.monotonic() + _LAST_ANSWERS_S
        while self._open and (left_s := deadline_s - time.monotonic()) > 0:
            self._take(self._port.listen(left_s))

    def _wait_for_listeners(self, clock_ns: int) -> None:
        """Until somebody listens to the images, but not longer than ``startup_s``: others may watch other topics."""
        deadline_s = time.monotonic() + self._startup_s
        while not self._port.listeners and time.monotonic() < deadline_s:
            self._port.publish_clock(clock_ns)
            self._port.listen(0.1)

    def _wait_until(self, due_s: float, due_ns: int) -> None:
        while (left_s := due_s - time.monotonic()) > 0:
            self._port.publish_clock(due_ns - round(left_s * self._speed * _NS_PER_S))
            until_s = time.monotonic() + min(left_s, _CLOCK_PERIOD_S)
            while (wait_s := until_s - time.monotonic()) > 0:
                self._take(self._port.listen(wait_s))

    def _take(self, answers: list[Answer]) -> None:
        for answer in answers:
            if not answer.report.is_heartbeat and answer.stamp_ns in self._open:
                self._open.discard(answer.stamp_ns)
                self.outcome.count(answer)
