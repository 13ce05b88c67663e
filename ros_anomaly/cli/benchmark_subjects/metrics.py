"""The streamed pixel metrics: AP, AUROC, FPR95."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ros_anomaly.cli import common

HELP = "the streamed pixel metrics: AP, AUROC, FPR95"
DESCRIPTION = (
    "Stream made-up scores through the metrics, once all different and once with 90 % of them equal, and compare time "
    "and figures with an exact computation: scikit-learn's where it is installed, else the sort that it does inside. "
    "That holds all pixels in memory, about 6 GB for 100 million."
)


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--pixels", type=common.positive_int, default=1_000_000_000, help="pixels that are streamed")
    parser.add_argument(
        "--compare", type=common.non_negative_int, default=100_000_000, help="pixels of the comparison; 0: none"
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.evaluation.metrics_benchmark import KINDS, run_benchmark

    progress = common.Progress("streamed", len(KINDS) * args.pixels, unit="pixels")
    figures = run_benchmark(args.pixels, args.compare, on_pixels=progress.update)
    progress.finish()
    return figures


def text(figures: Mapping[str, Any]) -> str:
    lines = [
        f"{one['kind']:7} {one['pixels']:.0e} pixels in {one['cpu_s']:.1f} s of one core ({one['wall_s']:.1f} s), "
        f"{one['peak_mb']:.0f} MB; error at most {one['max_error']:.1e}"
        for one in figures["streamed"]
    ]
    lines += [
        f"{one['kind']:7} {one['pixels']:.0e} pixels in {one['cpu_s']:.1f} s; {one['exact_by']}: "
        f"{one['exact_cpu_s']:.1f} s, {one['faster']:.0f} times as long; they differ by {one['difference']:.1e}"
        for one in figures["compared"]
    ]
    return "\n".join(lines)


def markdown(figures: Mapping[str, Any]) -> str:
    return "\n".join(f"- {line}" for line in text(figures).splitlines())
