"""What a drive needs of the world: a scenario on a server, or what was taped of one."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Protocol

from ros_anomaly_sim.bridge.carla_scene import PlacedAnomaly
from ros_anomaly_sim.bridge.stage import Contact, Moment, Stage

_LAST_EVENTS_S = 0.05


class Course(Protocol):
    """A scenario that is driven through, tick by tick."""

    @property
    def anomalies(self) -> tuple[PlacedAnomaly, ...]:
        """The scenario's anomalies, in its order."""
        ...

    @property
    def half_width_m(self) -> float:
        """Half of the ego's width."""
        ...

    @property
    def front_m(self) -> float:
        """From the ego's origin to its bumper."""
        ...

    @property
    def missed_images(self) -> int:
        """Images that were due and did not come."""
        ...

    def start(self) -> Moment:
        """The first moment."""
        ...

    def step(self, brake: float | None) -> Moment:
        """One tick along the route; ``brake`` 0 to 1, None: go."""
        ...

    def contacts(self) -> list[Contact]:
        """What the ego touched since the last call, as far as that is known."""
        ...

    def last_contacts(self) -> list[Contact]:
        """The same when the drive is over, with all that is still to come."""
        ...


class LiveCourse:
    """On a server."""

    def __init__(self, stage: Stage, wanted_mps: float) -> None:
        self._stage, self._wanted_mps = stage, wanted_mps
        self.anomalies, self.half_width_m, self.front_m = stage.anomalies, stage.half_width_m, stage.front_m

    @property
    def missed_images(self) -> int:
        return self._stage.missed_images

    def start(self) -> Moment:
        return self._stage.warm_up()

    def step(self, brake: float | None) -> Moment:
        return self._stage.step(self._stage.scene.driver.control(self._wanted_mps, brake))

    def contacts(self) -> list[Contact]:
        return self._stage.contacts()

    def last_contacts(self) -> list[Contact]:
        # The server tells of contacts in its own time; the last ones get a tick more.
        self.step(1.0)
        time.sleep(_LAST_EVENTS_S)
        return self._stage.contacts()


class Diverged(RuntimeError):
    """From here on a drive differs from the one that was taped."""


@dataclass(frozen=True)
class _Tick:
    """The pedal that was pressed, the moment after it, and the contacts and misses known by then."""

    brake: float | None
    moment: Moment
    contacts: tuple[Contact, ...]
    missed: int


class Tape:
    """Tick by tick what a drive did and saw. In lockstep the same pedals lead through the same moments.

    A drive whose pedals are the same up to its end needs no world then. Images take memory, so that a tape has
    room for ``most_images`` of them; what comes after is not on it.
    """

    def __init__(self, most_images: int = 400) -> None:
        self.ticks: list[_Tick] = []
        self.last: tuple[Contact, ...] | None = None
        self.anomalies: tuple[PlacedAnomaly, ...] = ()
        self.half_width_m = self.front_m = 0.0
        self._room = most_images

    def add(self, tick: _Tick) -> None:
        """Note a tick, if there is room."""
        self._room -= tick.moment.view is not None
        if self._room >= 0:
            self.ticks.append(tick)

    def end(self, contacts: list[Contact]) -> None:
        """The drive is over; these contacts were told last."""
        if self._room >= 0:
            self.last = tuple(contacts)


class TapingCourse:
    """A course that is taped while it is driven."""

    def __init__(self, course: Course, tape: Tape) -> None:
        self._course, self._tape = course, tape
        self.anomalies, self.half_width_m, self.front_m = course.anomalies, course.half_width_m, course.front_m
        tape.anomalies, tape.half_width_m, tape.front_m = self.anomalies, self.half_width_m, self.front_m
        self._open: _Tick | None = None

    @property
    def missed_images(self) -> int:
        return self._course.missed_images

    def start(self) -> Moment:
        return self._note(None, self._course.start())

    def step(self, brake: float | None) -> Moment:
        return self._note(brake, self._course.step(brake))

    def contacts(self) -> list[Contact]:
        contacts = self._course.contacts()
        if self._open is not None:
            self._open = replace(self._open, contacts=(*self._open.contacts, *contacts))
        return contacts

    def last_contacts(self) -> list[Contact]:
        self._close()
        contacts = self._course.last_contacts()
        self._tape.end(contacts)
        return contacts

    def _note(self, brake: float | None, moment: Moment) -> Moment:
        self._close()
        self._open = _Tick(brake, moment, (), self._course.missed_images)
        return moment

    def _close(self) -> None:
        if self._open is not None:
            self._tape.add(self._open)
        self._open = None


class TapedCourse:
    """Drives along a tape. Raises ``Diverged`` at the first pedal that is another, or where the tape ends."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.anomalies, self.half_width_m, self.front_m = tape.anomalies, tape.half_width_m, tape.front_m
        self._at = -1
        self._told = True

    @property
    def missed_images(self) -> int:
        return self._tape.ticks[self._at].missed

    def start(self) -> Moment:
        return self._next(None)

    def step(self, brake: float | None) -> Moment:
        return self._next(brake)

    def contacts(self) -> list[Contact]:
        told, self._told = self._told, True
        return [] if told else list(self._tape.ticks[self._at].contacts)

    def last_contacts(self) -> list[Contact]:
        if self._tape.last is None or self._at + 1 < len(self._tape.ticks):
            raise Diverged(f"the taped drive went on after tick {self._at}")
        return list(self._tape.last)

    def _next(self, brake: float | None) -> Moment:
        self._at += 1
        if self._at >= len(self._tape.ticks):
            raise Diverged(f"the tape ends at tick {self._at}")
        tick = self._tape.ticks[self._at]
        if tick.brake != brake:
            raise Diverged(f"tick {self._at}: expected brake {tick.brake}, found {brake}")
        self._told = False
        return tick.moment
