"""How a contest goes, as its options say."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.benchmark.contest import ContestPlan


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a contest: rounds, frames, threads and time limits."""
    group = parser.add_argument_group("contest")
    group.add_argument("--rounds", type=common.positive_int, default=5, help="turns of every contender")
    group.add_argument("--frames", type=common.positive_int, default=40, help="timed in a turn at most")
    group.add_argument(
        "--turn-s", type=common.positive_float, default=10.0, help="a turn of slow frames ends after so many seconds"
    )
    group.add_argument("--warmup", type=common.non_negative_int, default=5, help="frames of each before the first turn")
    group.add_argument("--threads", type=common.non_negative_int, default=0, help="CPU threads; 0: one a core")
    group.add_argument(
        "--limit-s", type=common.positive_float, default=3600.0, help="seconds after which no further round begins"
    )
    group.add_argument(
        "--load-s", type=common.positive_float, default=300.0, help="seconds that each may take to get ready"
    )


def plan_of(args: argparse.Namespace) -> ContestPlan:
    """The contest that was asked for."""
    from ros_anomaly.benchmark.contest import ContestPlan

    return ContestPlan(
        rounds=args.rounds,
        frames=args.frames,
        turn_s=args.turn_s,
        warmup=args.warmup,
        limit_s=args.limit_s,
        load_s=args.load_s,
    )


def threads_of(args: argparse.Namespace) -> int:
    """CPU threads of every contender."""
    return args.threads or len(os.sched_getaffinity(0))
