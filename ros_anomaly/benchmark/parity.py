"""Engines held to a reference one after the other, each in a process of its own, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.contender_process import ContenderFailed, ContenderProcess
from ros_anomaly.benchmark.statistics import times_of
from ros_anomaly.network.parity import ExportParity, ParityBounds

_CLOSING_S = 10.0
_LEAST_FRAMES = 3


class Verdict(Enum):
    """What came of holding one engine to the reference."""

    ALIKE = "alike"
    DIFFERENT = "different"
    REFUSED = "refused"
    """By the library, the device or the driver; or it crashed or hung. The message says it."""
    ABSENT = "absent"
    """The library or the device is not there."""
    NO_TIME = "no time"


@dataclass(frozen=True)
class ParityCase:
    """One engine: ``spec`` makes a ``ParityContender``; a reason that it cannot be tried takes the spec's place."""

    backend: str
    precision: str
    bounds: ParityBounds
    spec: ContenderSpec | None = None
    reason: str = ""
    absent: bool = False


@dataclass(frozen=True)
class ParityOutcome:
    """What came of it. ``load_s`` has the build in it; ``median_ms`` is of a frame, in passing: no measurement."""

    backend: str
    precision: str
    verdict: Verdict
    message: str = ""
    load_s: float | None = None
    median_ms: float | None = None
    parity: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As result files have it."""
        return {**asdict(self), "verdict": self.verdict.value}


def hold_to_reference(
    cases: Sequence[ParityCase], frames: int, limit_s: float, on_case: Callable[[ParityCase], None]
) -> list[ParityOutcome]:
    """Run every case over ``frames`` images; cases that would begin after ``limit_s`` are not run.

    A slow engine sees fewer images, three at least. ``on_case`` is called before each case that is tried.
    """
    ends_s = time.monotonic() + limit_s
    outcomes = []
    for case in cases:
        if case.spec is None:
            verdict = Verdict.ABSENT if case.absent else Verdict.REFUSED
            outcomes.append(ParityOutcome(case.backend, case.precision, verdict, case.reason))
            continue
        left_s = ends_s - time.monotonic()
        if left_s <= 0:
            message = f"not tried within {limit_s:.0f} s"
            outcomes.append(ParityOutcome(case.backend, case.precision, Verdict.NO_TIME, message))
            continue
        on_case(case)
        outcomes.append(_try(case, case.spec, frames, left_s))
    return outcomes


def _try(case: ParityCase, spec: ContenderSpec, frames: int, left_s: float) -> ParityOutcome:
    began_s = time.monotonic()
    try:
        process = ContenderProcess(spec, left_s)
    except ContenderFailed as failure:
        return ParityOutcome(case.backend, case.precision, Verdict.REFUSED, str(failure))
    try:
        run_s = max(left_s - (time.monotonic() - began_s), 0.0)
        turn = process.turn(frames, 0, run_s, _LEAST_FRAMES, run_s + _CLOSING_S * _LEAST_FRAMES)
        facts = process.end(_CLOSING_S + run_s).facts
    except ContenderFailed as failure:
        return ParityOutcome(case.backend, case.precision, Verdict.REFUSED, str(failure), load_s=process.loaded.load_s)
    finally:
        process.close()
    parity = ExportParity(**{name: facts[name] for name in ExportParity.__dataclass_fields__})
    broken = case.bounds.broken(parity)
    return ParityOutcome(
        case.backend,
        case.precision,
        Verdict.DIFFERENT if broken else Verdict.ALIKE,
        broken,
        process.loaded.load_s,
        times_of(turn.seconds).median_ms,
        asdict(parity),
    )
