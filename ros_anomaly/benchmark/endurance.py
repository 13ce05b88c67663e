"""One contender for thousands of frames: whether its times stay together and its memory stays where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ros_anomaly.benchmark import memory
from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.contender_process import ContenderProcess
from ros_anomaly.benchmark.statistics import Times, times_of


@dataclass(frozen=True)
class EndurancePlan:
    """How long.

    Attributes:
        frames: all of them; memory is read after every ``step``.
        timed: the first of them after the warm-up, which latency is taken from.
        warmup: frames before those.
        step: frames between two readings of memory.
        limit_s: time for all of it; what was done until then counts.
        load_s, hang_s: as of a contest.
    """

    frames: int = 10_000
    timed: int = 2_000
    warmup: int = 50
    step: int = 500
    limit_s: float = 3600.0
    load_s: float = 300.0
    hang_s: float = 180.0

    def __post_init__(self) -> None:
        if not 0 < self.timed <= self.frames or self.step < 1 or self.warmup < 0:
            raise ValueError(
                f"endurance: expected 0 < timed <= frames, found {self.timed} of {self.frames} in steps of {self.step}"
            )


@dataclass(frozen=True)
class Growth:
    """Memory over the frames, 10⁶ bytes: after the warm-up, at the end, and the slope of the second half.

    What libraries take in their first frames and keep is no leak: ``mb_per_1000_frames`` is of the later half.
    """

    first_mb: float
    last_mb: float
    mb_per_1000_frames: float


def run_endurance(
    spec: ContenderSpec, plan: EndurancePlan, on_frames: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Run one contender alone.

    Returns:
        ``frames`` done, ``times`` of the first ``plan.timed``, ``p99_over_median``, ``resident`` and ``gpu`` memory
        growth (the latter None without a GPU), and the contender's facts.

    Raises:
        ContenderFailed: it cannot be made, or failed under way.
    """
    process = ContenderProcess(spec, plan.load_s)
    try:
        seconds: list[float] = []
        done, resident, gpu = 0, [], []
        if plan.warmup:
            process.turn(plan.warmup, 0, plan.load_s, 1, plan.load_s)
        left_s = plan.limit_s
        while done < plan.frames and left_s > 0:
            step = min(plan.step, plan.frames - done)
            turn = process.turn(step, 0, left_s, 1, left_s + plan.hang_s)
            left_s -= sum(turn.seconds)
            seconds.extend(turn.seconds[: max(plan.timed - done, 0)])
            done += len(turn.seconds)
            resident.append((done, turn.resident_mb))
            if (used_mb := memory.gpu_used_mb()) is not None:
                gpu.append((done, used_mb))
            on_frames(len(turn.seconds))
        facts = dict(process.end(plan.hang_s).facts)
    finally:
        process.close()
    times: Times = times_of(seconds)
    return {
        "name": spec.name,
        "facts": {**spec.facts, **facts},
        "frames": done,
        "wanted_frames": plan.frames,
        "times": asdict(times),
        "p99_over_median": times.p99_ms / times.median_ms,
        "resident": asdict(growth_of(resident)),
        "gpu": asdict(growth_of(gpu)) if gpu else None,
    }


def growth_of(readings: list[tuple[int, float]]) -> Growth:
    """From (frames done, 10⁶ bytes) to growth. ValueError where there are none."""
    if not readings:
        raise ValueError("growth: expected readings of memory, found none")
    frames, used = np.array(readings, np.float64).T
    later = slice(len(readings) // 2, None)
    slope = 0.0
    if len(frames[later]) > 1:
        slope = 1000 * float(np.polyfit(frames[later], used[later], 1)[0])
    return Growth(float(used[0]), float(used[-1]), slope)
