"""The street process: renders one drive and publishes it in lockstep with a detector.

``python -m ros_anomaly_sim.bridge.street_process --help`` says what it takes. It writes what it drives through
before the first frame (``drive.json``) and what became of its frames after the last (``street.json``).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException

from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep
from ros_anomaly_sim.bridge.drive_file import DRIVE_FILE, SUMMARY_FILE, DriveFile, StreetObject, StreetSummary
from ros_anomaly_sim.bridge.lockstep_drive import LockstepDrive, NobodyListens, Pace
from ros_anomaly_sim.bridge.street_node import StreetNode
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import Rendered, StreetRenderer
from ros_anomaly_sim.render.sensor import SensorModel
from ros_anomaly_sim.street.drive import Drive, DriveState
from ros_anomaly_sim.street.objects.furniture import MissingModelsError
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.weather import PRESETS


def build_parser() -> argparse.ArgumentParser:
    """Arguments of the process."""
    parser = argparse.ArgumentParser(description="Render a drive through a town and publish it over ROS in lockstep.")
    parser.add_argument("--folder", type=Path, required=True, help=f"where {DRIVE_FILE} and {SUMMARY_FILE} go")
    parser.add_argument("--town", type=int, default=2001, help="seed of the town (2000 to 2099 are test towns)")
    parser.add_argument("--duration", type=float, default=90.0, help="simulated seconds")
    parser.add_argument("--weather", default="noon", choices=PRESETS, help="light and air")
    parser.add_argument("--rate", type=float, default=10.0, help="frames per simulated second")
    parser.add_argument("--status-topic", default="/detector/hazard_status", help="where the answers come from")
    parser.add_argument(
        "--wait-for-go", action="store_true", help="begin when a recorder says that it hears everything"
    )
    parser.add_argument(
        "--startup-timeout", type=float, default=300.0, help="seconds to wait for them and the detector"
    )
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait for the answer to a frame")
    parser.add_argument("--patience", type=int, default=20, help="unanswered frames in a row that end the drive")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Entry point of the process; returns its exit status. What can be expected to fail is told in one line."""
    args = build_parser().parse_args(argv)
    try:
        drive_through(args)
    except (DetectorSilent, NobodyListens, MissingEglError, MissingModelsError, ValueError, OSError) as error:
        print(f"street: error: {error}", file=sys.stderr, flush=True)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 130
    return 0


def drive_through(args: argparse.Namespace) -> None:
    """Build the street, wait for the listeners, drive; the summary is written however it ends."""
    camera = Camera()
    library = ModelLibrary()
    drive = Drive(args.town, library, duration_s=args.duration, weather=args.weather)
    lockstep = Lockstep(args.timeout, args.patience)
    pace = Pace(args.rate, args.wait_for_go, args.startup_timeout)
    sensor, noise = SensorModel(), np.random.default_rng(args.town)

    rclpy.init()
    node = StreetNode(camera.horizontal_fov_rad, lockstep, args.status_topic)
    try:
        with StreetRenderer(camera, library.load) as renderer:

            def render(state: DriveState) -> Rendered:
                rendered = renderer.render(state.scene, state.camera)
                return replace(rendered, image=sensor.apply(rendered.image, noise))

            print(
                f"town {args.town} stands, drawn by {renderer.gl_renderer}; loading objects and warming up", flush=True
            )
            street = LockstepDrive(node, lockstep, pace, drive.state, render)
            street.warm_up()
            DriveFile(
                town=args.town,
                weather=args.weather,
                duration_s=args.duration,
                rate_hz=args.rate,
                first_stamp_ns=street.next_stamp_ns,
                drawn_by=renderer.gl_renderer,
                objects=tuple(StreetObject.of(anomaly) for anomaly in drive.anomalies),
            ).save(args.folder)
            street.run(args.duration)
            print(f"{lockstep.sent} frames sent, {len(lockstep.unanswered)} unanswered", flush=True)
    finally:
        StreetSummary(lockstep.sent, tuple(lockstep.unanswered)).save(args.folder)
        node.close()
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
