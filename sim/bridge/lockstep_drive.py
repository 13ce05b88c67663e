"""A drive in lockstep: wait for listeners, warm the detector up, then frame by frame until the end of the road."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly_sim.bridge.street_frame import FIRST_STAMP_NS, LabelledImage, Motion, StreetFrame
from ros_anomaly_sim.bridge.street_node import StreetPort

_CLOCK_STEPS_PER_FRAME = 4  # so that timers in simulated time see more than the frames
_NS_PER_S = 1_000_000_000
_WARM_UP_ANSWERS = 30


MotionT = TypeVar("MotionT", bound=Motion)


class NobodyListens(RuntimeError):
    """Nobody is there to drive for: no listener, no answer from the detector, or no word to go."""


@dataclass(frozen=True)
class Pace:
    """How a drive is published.

    Attributes:
        rate_hz: frames per simulated second.
        wait_for_go: whether a recorder has to say that it hears everything before the drive begins.
        startup_timeout_s: how long the detector's first answers, and that word, are waited for.
        fastest: simulated seconds to a second of wall clock at most, however fast the detector answers.
    """

    rate_hz: float
    wait_for_go: bool
    startup_timeout_s: float
    fastest: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz <= 100:
            raise ValueError(f"rate_hz: expected above 0 and at most 100, found {self.rate_hz}")
        if self.fastest <= 0:
            raise ValueError(f"fastest: expected above 0, found {self.fastest}")

    @property
    def period_ns(self) -> int:
        """Simulated time from one frame to the next."""
        return round(_NS_PER_S / self.rate_hz)

    @property
    def shortest_period_s(self) -> float:
        """Wall clock from one frame to the next at least."""
        return 1 / (self.rate_hz * self.fastest)


class LockstepDrive(Generic[MotionT]):
    """Publishes the states of a drive; the next frame is rendered while the detector works on the last one.

    ``state_at`` gives the drive's state at a simulated time in seconds; ``render`` draws a state and may
    give a different picture of the same state every time (sensor noise).
    """

    def __init__(
        self,
        node: StreetPort,
        lockstep: Lockstep,
        pace: Pace,
        state_at: Callable[[float], MotionT],
        render: Callable[[MotionT], LabelledImage],
    ) -> None:
        self._node, self._lockstep, self._pace = node, lockstep, pace
        self._state_at, self._render = state_at, render
        self._next_stamp_ns = FIRST_STAMP_NS

    @property
    def next_stamp_ns(self) -> int:
        """Stamp of the frame that comes next; after the warm-up that of the drive's first."""
        return self._next_stamp_ns

    def warm_up(self) -> None:
        """Show the first view, standing, until the detector says something other than UNKNOWN of it, and all is set.

        None of these frames counts as sent. If the detector answers but stays UNKNOWN, the drive may start all the
        same: what it says is for the run to report.

        Raises:
            NobodyListens: no listener, no answer, or no word to go, within the startup timeout.
        """
        deadline_s = time.monotonic() + self._pace.startup_timeout_s
        while not self._node.listeners:
            self._still_time(deadline_s, "nobody listened")
            self._node.publish_clock(self._next_stamp_ns)
            self._node.listen(0.1)
        trial = Lockstep(timeout_s=1.0, patience=1_000_000)
        answers = 0
        trusted = False
        with self._node.answering(trial):
            while not (trusted or answers >= _WARM_UP_ANSWERS) or not self._may_go:
                self._still_time(deadline_s, "the detector did not answer" if not answers else "nobody said go")
                self._send(self._state_at(0.0))
                answers += self._await_answer(trial)
                report = self._node.last_answer
                trusted = report is not None and report.state.level is not HazardLevel.UNKNOWN

    @property
    def _may_go(self) -> bool:
        return self._node.told_to_go or not self._pace.wait_for_go

    def run(self, duration_s: float) -> None:
        """Drive for ``duration_s`` of simulated time; DetectorSilent where the answers stop coming."""
        frames = round(duration_s * self._pace.rate_hz)
        due_s = time.monotonic()
        for index in range(frames):
            motion = self._state_at(index / self._pace.rate_hz)
            view = self._render(motion)
            if index:
                self._await_answer(self._lockstep)
            self._listen_until(due_s)
            self._send(motion, view)
            due_s = time.monotonic() + self._pace.shortest_period_s
        self._await_answer(self._lockstep)

    def _send(self, motion: MotionT, view: LabelledImage | None = None) -> None:
        view = view or self._render(motion)
        for step in range(1, _CLOCK_STEPS_PER_FRAME):
            part = self._pace.period_ns * (_CLOCK_STEPS_PER_FRAME - step) // _CLOCK_STEPS_PER_FRAME
            self._node.publish_clock(self._next_stamp_ns - part)
        self._node.publish(StreetFrame(self._next_stamp_ns, motion, view))
        self._next_stamp_ns += self._pace.period_ns

    def _await_answer(self, lockstep: Lockstep) -> bool:
        return await_answer(lockstep, self._node.listen)

    def _listen_until(self, due_s: float) -> None:
        while (left_s := due_s - time.monotonic()) > 0:
            self._node.listen(left_s)

    def _still_time(self, deadline_s: float, what: str) -> None:
        if time.monotonic() > deadline_s:
            raise NobodyListens(f"within {self._pace.startup_timeout_s:g} s {what}")


def await_answer(lockstep: Lockstep, listen: Callable[[float], None]) -> bool:
    """Listen until the frame that is out is answered; False where it was given up and counted.

    Raises:
        DetectorSilent: too many in a row were given up.
    """
    while lockstep.waiting:
        left_s = lockstep.seconds_left(time.monotonic())
        if left_s <= 0:
            lockstep.give_up()
            return False
        listen(left_s)
    return True
