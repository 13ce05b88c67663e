"""A contest: all contenders stand ready at the same time and take turns, so that all meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ros_anomaly.benchmark import memory
from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.contender_process import ContenderFailed, ContenderProcess, Ended, Turn
from ros_anomaly.benchmark.statistics import Ratio, Times, paired_ratio, times_of
from ros_anomaly.limits import check_above_zero, check_at_least


@dataclass(frozen=True)
class ContestPlan:
    """How the turns go.

    Attributes:
        rounds: turns of every contender.
        frames: timed in a turn at most.
        turn_s: a turn ends after so long, but not before ``least`` frames.
        least: frames of the shortest turn.
        warmup: frames of every contender before the first round.
        settle: untimed frames at the beginning of a turn: caches hold another's data.
        limit_s: no round begins after so long, counted from the beginning of the first. Getting ready, and warming up,
            is not in it: that has limits of its own.
        load_s: time limit to get ready; compilers and builders take theirs.
        hang_s: a contender without an answer for so long is given up.
    """

    rounds: int = 5
    frames: int = 40
    turn_s: float = 10.0
    least: int = 3
    warmup: int = 5
    settle: int = 2
    limit_s: float = 3600.0
    load_s: float = 300.0
    hang_s: float = 180.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name in ("warmup", "settle"):
                check_at_least(f"contest {item.name}", getattr(self, item.name), 0)
            else:
                check_above_zero(f"contest {item.name}", getattr(self, item.name))


@dataclass(frozen=True)
class Memory:
    """10⁶ bytes. ``peak_mb``: resident memory of the contender's process at its highest, libraries and loading
    included. ``working_mb``: growth of it while frames are run. ``gpu_mb``: on the GPU, with the driver's context.
    """

    peak_mb: float
    working_mb: float
    gpu_mb: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a contender: figures, or ``failure`` in a line. ``cpu_ms`` is of all threads, a frame."""

    name: str
    group: str
    baseline: bool
    facts: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    load_s: float | None = None
    times: Times | None = None
    cpu_ms: float | None = None
    ratio: Ratio | None = None
    memory: Memory | None = None

    def plain(self) -> dict[str, Any]:
        """As result files have it."""
        return asdict(self)


def run_contest(
    specs: Sequence[ContenderSpec],
    plan: ContestPlan,
    on_turn: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Make all contenders, one after the other; then ``plan.rounds`` rounds in which each has a turn.

    One that fails drops out with its message and the others go on. Every second round goes backwards, so that nobody
    always follows the same neighbour.

    Args:
        on_turn: called with a contender's name after it was made and after each of its turns.

    Raises:
        ValueError: two of the same name in a group, or two baselines.
    """
    _check(specs)
    with ExitStack() as stack:
        runs = [_Run(spec, plan, stack) for spec in specs]
        for run in runs:
            run.start()
            on_turn(run.spec.name)
        ends_s = time.monotonic() + plan.limit_s
        for number in range(plan.rounds):
            if number and time.monotonic() > ends_s:
                break
            for run in runs if number % 2 == 0 else reversed(runs):
                if run.process is not None:
                    run.turn()
                    on_turn(run.spec.name)
        for run in runs:
            run.end()
        baselines = {run.spec.group: run for run in runs if run.spec.baseline and run.finished}
        return [run.outcome(baselines.get(run.spec.group)) for run in runs]


def turns_of(specs: Sequence[ContenderSpec], plan: ContestPlan) -> int:
    """How often ``on_turn`` is called where nobody fails."""
    return len(specs) * (1 + plan.rounds)


@dataclass
class _Run:
    spec: ContenderSpec
    plan: ContestPlan
    stack: ExitStack
    process: ContenderProcess | None = None
    failure: str | None = None
    turns: list[Turn] = field(default_factory=list)
    ended: Ended | None = None
    gpu_mb: float | None = None

    def start(self) -> None:
        before_mb = memory.gpu_used_mb()
        try:
            self.process = ContenderProcess(self.spec, self.plan.load_s)
            self.stack.callback(self.process.close)
            self._warm_up(self.process)
        except ContenderFailed as failure:
            self._drop(str(failure))
        after_mb = memory.gpu_used_mb() if before_mb is not None else None
        if before_mb is not None and after_mb is not None:
            self.gpu_mb = max(after_mb - before_mb, 0.0)

    def _warm_up(self, process: ContenderProcess) -> None:
        if self.plan.warmup:
            process.turn(self.plan.warmup, 0, self.plan.turn_s, 1, self.plan.load_s)

    def turn(self) -> None:
        assert self.process is not None
        plan = self.plan
        try:
            self.turns.append(
                self.process.turn(plan.frames, plan.settle, plan.turn_s, plan.least, plan.hang_s + plan.turn_s)
            )
        except ContenderFailed as failure:
            self._drop(str(failure))

    def end(self) -> None:
        if self.process is None:
            return
        try:
            self.ended = self.process.end(self.plan.hang_s)
        except ContenderFailed as failure:
            self._drop(str(failure))
        else:
            self._close()

    @property
    def finished(self) -> bool:
        return self.ended is not None

    def outcome(self, baseline: _Run | None) -> Outcome:
        spec, facts = self.spec, dict(self.spec.facts)
        if self.process is None or self.ended is None:
            return Outcome(spec.name, spec.group, spec.baseline, facts, self.failure or "was not run")
        seconds = [turn.seconds for turn in self.turns]
        times = times_of([second for turn in seconds for second in turn])
        loaded = self.process.loaded
        return Outcome(
            name=spec.name,
            group=spec.group,
            baseline=spec.baseline,
            facts={**facts, **self.ended.facts},
            load_s=loaded.load_s,
            times=times,
            cpu_ms=1e3 * sum(turn.cpu_s for turn in self.turns) / times.frames,
            ratio=paired_ratio([turn.seconds for turn in baseline.turns], seconds) if baseline else None,
            memory=Memory(
                max(loaded.load_peak_mb, self.ended.run_peak_mb),
                max(self.ended.run_peak_mb - loaded.loaded_mb, 0.0),
                self.gpu_mb,
            ),
        )

    def _drop(self, failure: str) -> None:
        self.failure = failure
        self._close()
        self.process = None

    def _close(self) -> None:
        if self.process is not None:
            self.process.close()


def _check(specs: Sequence[ContenderSpec]) -> None:
    if twice := sorted(_twice((spec.group, spec.name) for spec in specs)):
        raise ValueError(f"contest: expected different names in a group, found twice {twice[0][1]!r}")
    if twice := sorted(_twice((spec.group, "") for spec in specs if spec.baseline)):
        raise ValueError(f"contest: expected one baseline in group {twice[0][0]!r}, found more")


def _twice(items: Iterator[tuple[str, str]]) -> set[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    return {item for item in items if item in seen or seen.add(item)}  # type: ignore[func-returns-value]
