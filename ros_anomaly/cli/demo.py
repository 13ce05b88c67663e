"""``ros-anomaly-demo``: drive through a town in a CARLA server, detect what was never taught, report."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import missing_packages_in_one_line


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable."""
    from ros_anomaly_sim.demo.setting import WEATHERS

    parser = common.ArgumentParser(
        prog="ros-anomaly-demo",
        description=(
            "Drive through a town: an embedded CARLA server draws it, the bridge drives and publishes the camera's "
            "images over ROS 2, the detector node works on each, and at the end stands a report of what was found, "
            "missed and falsely flagged."
        ),
    )
    parser.add_argument("--duration", type=common.positive_float, default=90.0, help="simulated seconds to drive")
    parser.add_argument("--town", type=common.non_negative_int, default=2001, help="town; 2000 to 2099 are test towns")
    parser.add_argument("--weather", default="noon", choices=tuple(WEATHERS), help="light and air")
    parser.add_argument("--engine", default="default", help="name or manifest of the engine that the detector runs")
    parser.add_argument("--out", type=Path, default=Path("demo_out"), help="folder for report, video and pictures")
    common.add_json_option(parser)
    return parser


@missing_packages_in_one_line()
def demo(args: argparse.Namespace) -> int:
    """Run the demonstration; 0 if at least 90 % of the images were processed and the report was written."""
    _require_client()
    from ros_anomaly.signals import interrupted_by_signals
    from ros_anomaly_sim.bridge.server_process import ServerDied
    from ros_anomaly_sim.demo.findings import findings, headline
    from ros_anomaly_sim.demo.processes import ProcessDied
    from ros_anomaly_sim.demo.run import DemoOptions, run_demo

    options = DemoOptions(args.out.resolve(), args.town, args.duration, args.weather, args.engine)
    try:
        with interrupted_by_signals():
            result = run_demo(options, lambda line: print(line, flush=True))
    except (ProcessDied, ServerDied) as died:
        # The end of the log has lines of its own.
        print(f"ros-anomaly-demo: error: {died}", file=sys.stderr, flush=True)
        return common.EXIT_FAILED
    for line in (headline(result), *findings(result)):
        print(line)
    print(f"processed {result.processed} of {result.sent} images; the report: {args.out / 'report.html'}")
    if args.json:
        import json

        common.print_json(json.loads((args.out / "result.json").read_text(encoding="utf-8")))
    return 0 if result.enough_processed else common.EXIT_FAILED


def _require_client() -> None:
    if find_spec("carla") is None:
        raise common.CliError(
            "the demonstration drives through CARLA's client, and the Python module 'carla' is not installed: "
            "`pip install carla==0.9.16`, which has wheels for Linux on x86_64 and for Windows (this machine: "
            f"{platform.system()} on {platform.machine()}); without it, ros-anomaly-record-streets with "
            "ros-anomaly-evaluate-bag shows the detector on a drive through the same streets"
        )


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    return common.run(build_parser(), demo, argv)


if __name__ == "__main__":
    sys.exit(main())
