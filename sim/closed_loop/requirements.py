"""What a run has to show, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ros_anomaly_sim.closed_loop.figures import BLIND, ORACLE, Contestant, hit_in_path, speed_share
from ros_anomaly_sim.closed_loop.record import Kind, ScenarioRecord
from ros_anomaly_sim.closed_loop.result import DriveResult

MOST_HITS, LEAST_COMPLETED, LEAST_SPEED = 0.25, 0.75, 0.8
"""Shares that are asked of a detector: anomalies hit, open routes completed, mean speed against the oracle's."""

_OPEN = (Kind.BESIDE, Kind.CONTROL)


@dataclass(frozen=True)
class Requirement:
    """Something that is asked of a contestant, in words; how many of how many did, and whether that is enough."""

    contestant: Contestant
    text: str
    found: int
    of: int
    met: bool


def requirements(contestants: Sequence[Contestant], records: Sequence[ScenarioRecord]) -> list[Requirement]:
    """All that can be judged by what was driven."""
    asked = {BLIND: _of_blind, ORACLE: _of_oracle}
    return [
        requirement
        for contestant in contestants
        for requirement in asked.get(contestant.driver, _of_detector)(contestant, records)
        if requirement.of
    ]


def _of_blind(contestant: Contestant, records: Sequence[ScenarioRecord]) -> Iterator[Requirement]:
    hits, of = _count(contestant, records, (Kind.IN_THE_WAY,), lambda _, drive: hit_in_path(drive))
    yield Requirement(contestant, "hits what stands in the way", hits, of, hits == of)


def _of_oracle(contestant: Contestant, records: Sequence[ScenarioRecord]) -> Iterator[Requirement]:
    hits, of = _count(contestant, records, tuple(Kind), lambda _, drive: bool(drive.collisions))
    yield Requirement(contestant, "hits nothing", hits, of, hits == 0)
    done, of = _count(contestant, records, _OPEN, lambda _, drive: drive.completed)
    yield Requirement(contestant, "completes every open route", done, of, done == of)


def _of_detector(contestant: Contestant, records: Sequence[ScenarioRecord]) -> Iterator[Requirement]:
    hits, of = _count(contestant, records, (Kind.IN_THE_WAY,), lambda _, drive: hit_in_path(drive))
    text = f"hits at most {100 * MOST_HITS:.0f} % of what stands in the way"
    yield Requirement(contestant, text, hits, of, hits <= MOST_HITS * of)
    if not any(record.drive(ORACLE) for record in records):
        return  # there is no speed to compare with
    for kind, words in ((Kind.CONTROL, "the routes without anomaly"), (Kind.BESIDE, "the routes with one beside them")):
        done, of = _count(contestant, records, (kind,), _at_speed)
        text = f"completes {100 * LEAST_COMPLETED:.0f} % of {words} at {100 * LEAST_SPEED:.0f} % of the oracle's speed"
        yield Requirement(contestant, text, done, of, done >= LEAST_COMPLETED * of)


def _at_speed(record: ScenarioRecord, drive: DriveResult) -> bool:
    share = speed_share(record, drive)
    return share is not None and share >= LEAST_SPEED


def _count(
    contestant: Contestant,
    records: Sequence[ScenarioRecord],
    kinds: tuple[Kind, ...],
    holds: Callable[[ScenarioRecord, DriveResult], bool],
) -> tuple[int, int]:
    """How many of a contestant's drives of these kinds a condition holds for, and of how many."""
    pairs = [(r, drive) for r in records if r.kind in kinds and (drive := contestant.drive_of(r)) is not None]
    return sum(holds(record, drive) for record, drive in pairs), len(pairs)
