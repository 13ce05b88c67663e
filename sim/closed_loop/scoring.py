"""From the track of a drive, what it was told and what it touched, to figures."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.stage import Contact, Moment
from ros_anomaly_sim.closed_loop.course import Course
from ros_anomaly_sim.closed_loop.drivers import Verdict
from ros_anomaly_sim.closed_loop.policy import Policy
from ros_anomaly_sim.closed_loop.result import AnomalyOutcome, Braking, Cause, Collision, TrackPoint

_MOVING_MPS = 0.5


@dataclass(frozen=True)
class _Known:
    """When an anomaly became known, the gap to it then, and the time to close it at the speed of that moment."""

    at_s: float
    gap_m: float
    before_s: float | None


class Scores:
    """Collects a drive as it happens."""

    def __init__(self, course: Course, policy: Policy) -> None:
        self._anomalies = course.anomalies
        self._half_width_m, self._front_m = course.half_width_m, course.front_m
        self._policy = policy
        self._track: list[TrackPoint] = []
        self._verdicts: list[Verdict] = []
        self._known: dict[int, _Known] = {}

    @property
    def track(self) -> tuple[TrackPoint, ...]:
        """Every tick so far."""
        return tuple(self._track)

    def add(self, point: TrackPoint, verdict: Verdict) -> None:
        """A tick, and the verdict that was acted on."""
        self._track.append(point)
        self._verdicts.append(verdict)

    def told(self, verdict: Verdict, at_s: float, moment: Moment) -> None:
        """A verdict arrived; ``moment`` is the present one, not that of the image which it speaks of."""
        for number in sorted(verdict.anomalies - self._known.keys()):
            flagged = verdict.level is HazardLevel.HAZARD and number not in verdict.off_corridor
            if flagged or not self._in_path(number):
                gap_m = self._anomalies[number].first_m - moment.travelled_m - self._front_m
                speed = moment.motion.speed_mps
                self._known[number] = _Known(at_s, gap_m, gap_m / speed if speed > _MOVING_MPS else None)

    def cut(self, end_s: float) -> None:
        """Forget everything after ``end_s``."""
        keep = sum(point.at_s <= end_s + 1e-6 for point in self._track)
        del self._track[keep:], self._verdicts[keep:]
        self._known = {n: known for n, known in self._known.items() if known.at_s <= end_s + 1e-6}

    def collisions(self, touched: Sequence[tuple[float, Contact]]) -> tuple[Collision, ...]:
        """The first touch of each other: contacts with their seconds from the start."""
        first: dict[tuple[str, int | None], Collision] = {}
        for at_s, contact in touched:
            point = self._before(at_s)
            collision = Collision(at_s, point.travelled_m, point.speed_mps, contact.other, contact.anomaly)
            first.setdefault((contact.other, contact.anomaly), collision)
        return tuple(first.values())

    def outcomes(self, touched: Sequence[tuple[float, Contact]]) -> tuple[AnomalyOutcome, ...]:
        """What became of each anomaly."""
        first_touch_s: dict[int | None, float] = {}
        for at_s, contact in touched:
            first_touch_s.setdefault(contact.anomaly, at_s)
        last = self._track[-1]
        stands = last.speed_mps < self._policy.standing_mps
        outcomes = []
        for number, placed in enumerate(self._anomalies):
            gap_m = placed.first_m - last.travelled_m - self._front_m
            before_it = stands and number not in first_touch_s and self._in_path(number) and gap_m >= 0
            known = self._known.get(number)
            if known is not None and known.at_s >= first_touch_s.get(number, inf):
                known = None  # what is told by the bump is no warning
            outcomes.append(
                AnomalyOutcome(
                    name=placed.name,
                    distance_m=placed.first_m,
                    left_m=(placed.left_m + placed.right_m) / 2,
                    in_path=self._in_path(number),
                    known_at_s=known.at_s if known else None,
                    known_from_m=known.gap_m if known else None,
                    known_before_s=known.before_s if known else None,
                    hit=number in first_touch_s,
                    # Held by something else, it stopped before the anomaly by chance.
                    margin_m=gap_m if before_it and known else None,
                )
            )
        return tuple(outcomes)

    def brakings(self, touched: Sequence[tuple[float, Contact]]) -> tuple[Braking, ...]:
        """Stretches of braking before the first touch. One that begins while the car stands keeps it from setting off.

        Stretches of one cause between which the car did not get going are one.
        """
        over_s = touched[0][0] if touched else inf
        found: list[Braking] = []
        index, moved = 0, True
        for braking, stretch in groupby(self._track, key=lambda point: point.braking):
            points = list(stretch)
            verdicts = self._verdicts[index : index + len(points)]
            index += len(points)
            if not braking:
                moved = moved or any(point.speed_mps > _MOVING_MPS for point in points)
            elif points[0].at_s < over_s:
                own = self._braking(points, verdicts)
                if found and not moved and points[0].speed_mps <= _MOVING_MPS and found[-1].cause is own.cause:
                    own = _joined(found.pop(), own)
                found.append(own)
                moved = points[-1].speed_mps > _MOVING_MPS
        return tuple(found)

    def _braking(self, points: list[TrackPoint], verdicts: list[Verdict]) -> Braking:
        """For the cause that holds over the longer part of it.

        For an anomaly only where the flag was up for one in the way; standing there is not enough.
        """
        first, last = points[0], points[-1]
        hazards = [verdict for verdict in verdicts if verdict.level is HazardLevel.HAZARD]
        unknown = [verdict for verdict in verdicts if verdict.level is HazardLevel.UNKNOWN]
        if len(unknown) > len(hazards):
            cause, reason = Cause.UNKNOWN, unknown[0].reason
        else:
            told_of = {number for verdict in hazards for number in verdict.anomalies - verdict.off_corridor}
            cause = Cause.ANOMALY if any(map(self._in_path, told_of)) else Cause.FALSE
            reason = (hazards or verdicts)[0].reason
        stopped = any(point.speed_mps < self._policy.standing_mps for point in points)
        return Braking(first.at_s, first.travelled_m, last.at_s - first.at_s, cause, reason, stopped)

    def _in_path(self, number: int) -> bool:
        return self._anomalies[number].reaches_into(self._half_width_m)

    def _before(self, at_s: float) -> TrackPoint:
        """The last tick before a time: whoever is touched stops the car within the tick."""
        index = bisect_left([point.at_s for point in self._track], at_s - 1e-6)
        return self._track[max(0, index - 1)]


def _joined(first: Braking, second: Braking) -> Braking:
    lasted_s = second.at_s + second.lasted_s - first.at_s
    return replace(first, lasted_s=lasted_s, stopped=first.stopped or second.stopped)
