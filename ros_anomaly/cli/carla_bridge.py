"""``ros-anomaly-carla-bridge``: a CARLA server's street on the ROS graph."""

from __future__ import annotations

import argparse
import sys

from ros_anomaly.cli import common
from ros_anomaly.cli.detector import split_arguments


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable; everything after ``--ros-args`` is for ROS."""
    return common.ArgumentParser(
        prog="ros-anomaly-carla-bridge",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] [--ros-args -p NAME:=VALUE ... --params-file FILE ... -r FROM:=TO ...]",
        description=(
            "ROS 2 node that drives a car through a CARLA world and publishes what its camera sees, with ground\n"
            "truth.\n"
            "\n"
            "in   /detector/hazard_status (in lockstep: the world waits for the answer to every image)\n"
            "out  /clock, /carla/status, and below /carla/ego_vehicle: rgb_front/image, rgb_front/camera_info,\n"
            "     odometry, ground_truth/class_ids, ground_truth/instance_ids, ground_truth/depth"
        ),
        epilog=(
            "Without a host it starts the embedded server and drives 100 m. Parameters: config/carla_bridge.yaml.\n\n"
            "  ros-anomaly-carla-bridge --ros-args -p lockstep:=false -p map:=Town2003\n"
            "  ros-anomaly-carla-bridge --ros-args -p host:=192.168.1.7 -p map:=Town01 -p spawn_point:=12"
        ),
    )


def main(argv: list[str] | None = None) -> int:
    """Run the node until its drive is over; 0 then, 1 where it had to give up, 130 after Ctrl-C."""
    own, ros_arguments = split_arguments(sys.argv[1:] if argv is None else argv)

    def bridge(_args: argparse.Namespace) -> int:
        from ros_anomaly_sim.bridge.bridge_process import BridgeFailed, run_bridge

        try:
            tally = run_bridge(ros_arguments)
        except BridgeFailed as error:
            raise common.CliError(str(error)) from error
        common.say(f"drives: {tally.drives}, images: {tally.images}, missed: {tally.missed_images}")
        return 0

    return common.run(build_parser(), bridge, own)


if __name__ == "__main__":
    sys.exit(main())
