"""What was said when: how long each level lasted, every change of it, and the hazards as events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ros_anomaly.evaluation.drives.run import Answer, Beat
from ros_anomaly.hazard.types import HazardLevel


@dataclass(frozen=True)
class LevelChange:
    """From this time on, of the drive's clock, the level is another."""

    time_ns: int
    level: HazardLevel
    reason: str


@dataclass(frozen=True)
class HazardEvent:
    """One rise to HAZARD.

    Attributes:
        start_ns, end_ns: on the drive's clock; from the first state of HAZARD to the first of another level.
        first_frame, frames: the images answered so: number of the first, and how many.
        nearest_m: least distance of a region that lay in the corridor, or else anywhere.
        max_score: highest of these images.
    """

    start_ns: int
    end_ns: int
    first_frame: int
    frames: int
    nearest_m: float | None
    max_score: float | None


class LevelTrack:
    """Follows the states of one camera."""

    def __init__(self) -> None:
        self.changes: list[LevelChange] = []
        self.hazards: list[HazardEvent] = []
        self.duration_ns: dict[HazardLevel, int] = dict.fromkeys(HazardLevel, 0)
        self._frames = 0
        self._since_ns = 0
        self._open: HazardEvent | None = None

    @property
    def level(self) -> HazardLevel | None:
        """The present level, None before the first state."""
        return self.changes[-1].level if self.changes else None

    def add(self, said: Beat | Answer) -> bool:
        """Take the next state; returns whether the level changed."""
        changed = said.state.level is not self.level
        self._pass_time(said.time_ns)
        if changed:
            self.changes.append(LevelChange(said.time_ns, said.state.level, said.state.reason))
            self._close_hazard(said.time_ns)
        if isinstance(said, Answer):
            if said.state.level is HazardLevel.HAZARD:
                self._open = _extended(self._open, said, self._frames)
            self._frames += 1
        return changed

    def finish(self, time_ns: int) -> None:
        """The drive ends."""
        self._pass_time(time_ns)
        self._close_hazard(time_ns)

    def _pass_time(self, time_ns: int) -> None:
        if self.changes:
            level = self.changes[-1].level
            self.duration_ns[level] += max(time_ns - self._since_ns, 0)
            time_ns = max(time_ns, self._since_ns)
        self._since_ns = time_ns

    def _close_hazard(self, time_ns: int) -> None:
        if self._open is not None:
            self.hazards.append(replace(self._open, end_ns=time_ns))
            self._open = None


def _extended(event: HazardEvent | None, answer: Answer, frame: int) -> HazardEvent:
    state = answer.state
    if event is None:
        return HazardEvent(answer.time_ns, answer.time_ns, frame, 1, state.nearest_m, state.max_score)
    return replace(
        event,
        frames=event.frames + 1,
        nearest_m=_known(min, event.nearest_m, state.nearest_m),
        max_score=_known(max, event.max_score, state.max_score),
    )


def _known(better: Callable[[list[float]], float], first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return better(known) if known else None
