"""The detector node: image message in, hazard message out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ros_anomaly.cli import common

HELP = "the detector node: image message in, hazard message out"
DESCRIPTION = (
    "Start the detector node and a camera beside it on a ROS graph of their own. One frame at a time is published, the "
    "next after the answer to the last. Times are from before an image is published to after its hazard status was "
    "received; what becomes of them inside the node is the node's own measurement."
)
_ROWS = (
    ("image out → hazard status in", "total_ms"),
    ("engine", "engine_ms"),
    ("not the engine", "not_engine_ms"),
)
_STAGES = {
    "receive": "image message out and received",
    "wait": "waiting for the frame before",
    "convert": "message to array",
    "resize": "to the engine's size",
    "regions": "mask and regions",
    "health": "health of the image",
    "publish": "monitor, hazard status out and received",
}
"""Parts of ``not_engine_ms`` in their order; keys of ``stages_ms``."""


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--engine", default="default", help="name of an engine or path of its manifest")
    parser.add_argument("--backend", default="onnxruntime", help="library that runs the engine")
    parser.add_argument(
        "--threads", type=common.non_negative_int, default=0, help="CPU threads; 0: the backend's choice"
    )
    parser.add_argument("--size", type=common.image_size, default="640x360", help="size of the images, e.g. 1280x720")
    parser.add_argument("--frames", type=common.positive_int, default=200, help="frames that are timed")
    parser.add_argument("--warmup", type=common.non_negative_int, default=20, help="frames before those")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.nodes.benchmark import BenchmarkPlan, run_benchmark

    progress = common.Progress("node", args.frames + args.warmup)
    plan = BenchmarkPlan(
        engine=args.engine,
        backend=args.backend,
        threads=args.threads,
        image_size=args.size,
        frames=args.frames,
        warmup=args.warmup,
    )
    figures = run_benchmark(plan, on_frame=progress.update)
    progress.finish()
    return figures


def text(figures: Mapping[str, Any]) -> str:
    return f"{_heading(figures)}\n{_table(figures).text()}\ndropped {figures['dropped']}, levels {figures['levels']}"


def markdown(figures: Mapping[str, Any]) -> str:
    return f"{_heading(figures)}\n\n{_table(figures).markdown()}"


def _heading(figures: Mapping[str, Any]) -> str:
    return (
        f"detector node, {figures['image_size']} images, engine {figures['engine']} ({figures['backend']}), "
        f"{figures['frames']} frames, {figures['machine']}"
    )


def _table(figures: Mapping[str, Any]) -> Any:
    from ros_anomaly.benchmark.table import Table, number

    stages = [(f"· {words}", figures["stages_ms"][key]) for key, words in _STAGES.items()]
    rows = [*((label, figures[key]) for label, key in _ROWS), *stages]
    return Table(
        ("ms", "median", "p99"), tuple((label, number(own["median"]), number(own["p99"])) for label, own in rows)
    )
