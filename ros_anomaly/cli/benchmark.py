"""``ros-anomaly-benchmark``: how long things take on this machine, each as its users meet it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ros_anomaly.cli import common


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable: one subcommand for each thing that can be timed."""
    parser = common.ArgumentParser(prog="ros-anomaly-benchmark", description=__doc__.split(": ", 1)[1])
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    node = subjects.add_parser(
        "node",
        help="the detector node: image message in, hazard message out",
        description=(
            "Start the detector node and a camera beside it on a ROS graph of their own. One frame at a time is "
            "published, the next after the answer to the last. Times are from before an image is published to after "
            "its hazard status was received; the engine's own time is the node's figure."
        ),
    )
    node.add_argument("--engine", default="default", help="name of an engine or path of its manifest")
    node.add_argument("--backend", default="onnxruntime", help="library that runs the engine")
    node.add_argument("--threads", type=common.non_negative_int, default=0, help="CPU threads; 0: the backend's choice")
    node.add_argument("--size", type=common.image_size, default="640x360", help="size of the images, e.g. 1280x720")
    node.add_argument("--frames", type=common.positive_int, default=200, help="frames that are timed")
    node.add_argument("--warmup", type=common.non_negative_int, default=20, help="frames before those")
    common.add_json_option(node)
    node.set_defaults(run=benchmark_node)
    return parser


def benchmark_node(args: argparse.Namespace) -> None:
    """Time the detector node and print the figures."""
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
    if args.json:
        common.print_json(figures)
    else:
        print(_table(figures))


def _table(figures: dict[str, Any]) -> str:
    lines = [
        f"detector node, {figures['image_size']} images, engine {figures['engine']} ({figures['backend']}), "
        f"{figures['frames']} frames, {figures['machine']}",
        f"{'':32}{'median':>10}{'p99':>10}  ms",
    ]
    rows = (("image out → hazard status in", "total"), ("engine", "engine"), ("not the engine", "not_engine"))
    for label, key in rows:
        lines.append(f"{label:32}{figures[key + '_ms']['median']:10.1f}{figures[key + '_ms']['p99']:10.1f}")
    lines.append(f"dropped {figures['dropped']}, levels {figures['levels']}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run one benchmark."""
    return common.run(build_parser(), lambda args: args.run(args), argv)


if __name__ == "__main__":
    sys.exit(main())
