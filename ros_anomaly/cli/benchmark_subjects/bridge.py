"""Subject ``bridge``: the embedded CARLA server and the bridge together, without a detector."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ros_anomaly.cli import common

HELP = "the embedded CARLA server and the bridge: ticks with images a second"
DESCRIPTION = (
    "Start the embedded CARLA server and drive through one of its towns with the bridge. Every tick makes an image of "
    "each camera, which the bridge publishes with its ground truth; nobody listens, and the next tick follows at once. "
    "The server's overhead is what its ticks take apart from rendering."
)


def add_arguments(parser: common.ArgumentParser) -> None:
    """What is driven through, how long, and with which cameras."""
    parser.add_argument("--map", default="Town2001", help="map of the server, e.g. Town2001 or Net2001")
    parser.add_argument("--size", type=common.image_size, default="640x360", help="size of the images, e.g. 1280x720")
    parser.add_argument("--cameras", default="rgb,semantic,instance", help="some of rgb, semantic, instance, depth")
    parser.add_argument("--ticks", type=common.positive_int, default=200, help="ticks that are timed, 1000 at most")
    parser.add_argument("--warmup", type=common.non_negative_int, default=20, help="ticks before those")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """The figures; see ``ros_anomaly_sim.bridge.benchmark.run_benchmark``."""
    from ros_anomaly_sim.bridge.benchmark import BridgeBenchmark, run_benchmark

    progress = common.Progress("driven", args.ticks + args.warmup, unit="ticks")
    cameras = tuple(name.strip() for name in args.cameras.split(","))
    try:
        plan = BridgeBenchmark(args.ticks, args.warmup, args.size, cameras, args.map)
        plan.settings()
    except ValueError as error:
        raise common.CliError(str(error), common.EXIT_BAD_ARGUMENTS) from error
    try:
        figures = run_benchmark(plan, on_tick=progress.update)
    except RuntimeError as error:
        raise common.CliError(str(error)) from error
    progress.finish()
    return figures


def text(figures: Mapping[str, Any]) -> str:
    """Figures for people."""
    cameras = " + ".join(figures["cameras"])
    return "\n".join(
        [
            f"server and bridge, {cameras} at {figures['image_size']}, {figures['map']}, {figures['ticks']} ticks, "
            f"{figures['machine']}",
            f"{figures['ticks_per_s']:.1f} ticks a second, {figures['missed_images']} images missed; "
            f"server's overhead apart from rendering {100 * figures['server']['overhead_share']:.1f} %",
            f"{'':32}{'median':>10}{'p99':>10}  ms",
            *(f"{label:32}{row['median']:10.1f}{row['p99']:10.1f}" for label, row in _rows(figures)),
        ]
    )


def markdown(figures: Mapping[str, Any]) -> str:
    """The same as a table for a README."""
    lines = [
        f"{' + '.join(figures['cameras'])} at {figures['image_size']}, {figures['map']}, {figures['machine']}: "
        f"**{figures['ticks_per_s']:.1f} ticks/s**, server's overhead apart from rendering "
        f"**{100 * figures['server']['overhead_share']:.1f} %**",
        "",
        "| ms | median | p99 |",
        "|---|---|---|",
    ]
    return "\n".join(
        [*lines, *(f"| {label} | {row['median']:.1f} | {row['p99']:.1f} |" for label, row in _rows(figures))]
    )


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, float]]]:
    return [
        ("tick to tick", figures["tick_ms"]),
        ("bridge: tick until images are there", figures["step_ms"]),
        ("bridge: publishing", figures["publish_ms"]),
        ("server: rendering", figures["server"]["render_ms"]),
        ("server: all else", figures["server"]["other_ms"]),
    ]
