"""Lockstep with a detector: which frames were sent, which its hazard status answered, and when to stop waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

from ros_anomaly.limits import check_above_zero, check_at_least


class DetectorSilent(RuntimeError):
    """Too many frames in a row went unanswered: nobody is listening any more."""


@dataclass
class Lockstep:
    """Pairs frames with their answers by stamp.

    A frame is sent, then answered or given up; the next frame waits for that. An answer to a frame that was
    given up comes too late: the frame stays counted as unanswered.

    Attributes:
        timeout_s: how long one frame is waited for, on a steady clock.
        patience: how many frames in a row may be given up before ``DetectorSilent``.
    """

    timeout_s: float
    patience: int
    sent: int = 0
    unanswered: list[int] = field(default_factory=list)
    _pending_ns: int | None = None
    _deadline_s: float = 0.0
    _silent_in_a_row: int = 0

    def __post_init__(self) -> None:
        check_above_zero("timeout_s", self.timeout_s)
        check_at_least("patience", self.patience, 1)

    @property
    def waiting(self) -> bool:
        """Whether a frame is out that was neither answered nor given up."""
        return self._pending_ns is not None

    def send(self, stamp_ns: int, now_s: float) -> None:
        """Note a frame as sent at the steady time ``now_s``; RuntimeError while another is out."""
        if self.waiting:
            raise RuntimeError(f"frame {self._pending_ns} is still out, {stamp_ns} cannot be sent")
        self.sent += 1
        self._pending_ns = stamp_ns
        self._deadline_s = now_s + self.timeout_s

    def answer(self, stamp_ns: int) -> None:
        """Note an answer that carries ``stamp_ns``; answers to other frames change nothing."""
        if stamp_ns == self._pending_ns:
            self._pending_ns = None
            self._silent_in_a_row = 0

    def seconds_left(self, now_s: float) -> float:
        """How long the frame that is out may still be waited for; 0 or less when its time is over."""
        return self._deadline_s - now_s

    def give_up(self) -> None:
        """Count the frame that is out as unanswered.

        Raises:
            DetectorSilent: it is the ``patience``-th in a row.
        """
        if self._pending_ns is None:
            return
        self.unanswered.append(self._pending_ns)
        self._pending_ns = None
        self._silent_in_a_row += 1
        if self._silent_in_a_row >= self.patience:
            raise DetectorSilent(
                f"{self._silent_in_a_row} frames in a row unanswered, each waited for {self.timeout_s:g} s"
            )
