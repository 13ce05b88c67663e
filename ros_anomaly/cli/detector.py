"""``ros-anomaly-detector``: the detector node."""

from __future__ import annotations

import argparse
import sys

from ros_anomaly.cli import common

_ROS_ARGUMENTS = "--ros-args"


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable; everything after ``--ros-args`` is for ROS."""
    parser = common.ArgumentParser(
        prog="ros-anomaly-detector",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] [--ros-args -p NAME:=VALUE ... --params-file FILE ... -r FROM:=TO ...]",
        description=(
            "ROS 2 lifecycle node that finds on the road what its network was never taught.\n\n"
            "in   image or image/compressed, camera_info, odometry (optional)\n"
            "out  ~/mask, ~/score, ~/overlay/compressed, ~/hazard, ~/hazard_status, /diagnostics"
        ),
        epilog=(
            "Parameters are described in config/detector.yaml. Without a lifecycle manager:\n\n"
            "  ros-anomaly-detector --ros-args -p autostart:=true -r image:=/camera/image -r "
            "camera_info:=/camera/camera_info"
        ),
    )
    return parser


def split_arguments(argv: list[str]) -> tuple[list[str], list[str]]:
    """(own arguments, ROS arguments): those from ``--ros-args`` to ``--`` or to the end are ROS's."""
    if _ROS_ARGUMENTS not in argv:
        return argv, []
    start = argv.index(_ROS_ARGUMENTS)
    stop = argv.index("--", start) if "--" in argv[start:] else len(argv)
    return argv[:start] + argv[stop + 1 :], argv[start:stop]


def main(argv: list[str] | None = None) -> int:
    """Run the node until it is asked to stop; 0 after an orderly end, 1 where it cannot start."""
    own, ros_arguments = split_arguments(sys.argv[1:] if argv is None else argv)

    def detect(_args: argparse.Namespace) -> None:
        from ros_anomaly.nodes.detector_process import run_detector

        failure = run_detector(ros_arguments)
        if failure is not None:
            raise common.CliError(failure)

    return common.run(build_parser(), detect, own)


if __name__ == "__main__":
    sys.exit(main())
