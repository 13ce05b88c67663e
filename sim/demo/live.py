"""The line that is shown every second of a run."""

from __future__ import annotations

from dataclasses import dataclass

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.hazard import HazardReport


@dataclass
class LiveLine:
    """Counts what status messages say, and tells it in one line.

    ``hazards`` is how often HAZARD went up; answers are counted by the stamps of their images.
    """

    hazards: int = 0
    answered: int = 0
    dropped: int = 0
    _state: HazardState | None = None
    _latency_ms: float | None = None
    _last_stamp_ns: int = -1
    _answered_before: int = 0

    def take(self, report: HazardReport) -> None:
        """Note one status message, heartbeat or answer."""
        state = report.state
        if state.level is HazardLevel.HAZARD and (self._state is None or self._state.level is not HazardLevel.HAZARD):
            self.hazards += 1
        self._state = state
        self.dropped = report.dropped
        stamp_ns = state.image_stamp_ns
        if stamp_ns is not None and stamp_ns > self._last_stamp_ns and state.latency_ms is not None:
            self._last_stamp_ns = stamp_ns
            self._latency_ms = state.latency_ms
            self.answered += 1

    def text(self, drive_s: float, since_last_s: float) -> str:
        """The line: ``drive_s`` is simulated time; the rate is over ``since_last_s`` seconds of wall clock."""
        rate = (self.answered - self._answered_before) / since_last_s if since_last_s > 0 else 0.0
        self._answered_before = self.answered
        time = f"{drive_s:6.1f} s"
        if self._state is None:
            return f"{time}  waiting for the detector"
        latency = "   –" if self._latency_ms is None else f"{self._latency_ms:4.0f}"
        said = self._state.level.name
        if self._state.nearest_m is not None:
            said = f"{said} {self._state.nearest_m:.0f} m"
        return (
            f"{time}  {rate:4.1f} frames/s  {latency} ms  {said:<13} "
            f"hazards {self.hazards}  dropped {self.dropped}  ({self._state.reason})"
        )
