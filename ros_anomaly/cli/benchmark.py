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
    metrics = subjects.add_parser(
        "metrics",
        help="the streamed pixel metrics: AP, AUROC, FPR95",
        description=(
            "Stream made-up scores through the metrics, once all different and once with 90 % of them equal, and "
            "compare time and figures with an exact computation: scikit-learn's where it is installed, else the sort "
            "that it does inside. That holds all pixels in memory, about 6 GB for 100 million."
        ),
    )
    metrics.add_argument("--pixels", type=common.positive_int, default=1_000_000_000, help="pixels that are streamed")
    metrics.add_argument(
        "--compare", type=common.non_negative_int, default=100_000_000, help="pixels of the comparison; 0: none"
    )
    common.add_json_option(metrics)
    metrics.set_defaults(run=benchmark_metrics)
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


def benchmark_metrics(args: argparse.Namespace) -> None:
    """Time the pixel metrics and print the figures."""
    from ros_anomaly.evaluation.metrics_benchmark import KINDS, run_benchmark

    progress = common.Progress("streamed", len(KINDS) * args.pixels, unit="pixels")
    figures = run_benchmark(args.pixels, args.compare, on_pixels=progress.update)
    progress.finish()
    if args.json:
        common.print_json(figures)
        return
    for one in figures["streamed"]:
        print(
            f"{one['kind']:7} {one['pixels']:.0e} pixels in {one['cpu_s']:.1f} s of one core ({one['wall_s']:.1f} s), "
            f"{one['peak_mb']:.0f} MB; error at most {one['max_error']:.1e}"
        )
    for one in figures["compared"]:
        print(
            f"{one['kind']:7} {one['pixels']:.0e} pixels in {one['cpu_s']:.1f} s; {one['exact_by']}: "
            f"{one['exact_cpu_s']:.1f} s, {one['faster']:.0f} times as long; they differ by {one['difference']:.1e}"
        )


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
