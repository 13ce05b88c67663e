"""``ros-anomaly-replay``: a bag or a folder of pictures into the live graph, in real time or in lockstep."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.detector import split_arguments
from ros_anomaly.share import large_image_environment

if TYPE_CHECKING:
    from ros_anomaly.nodes.replay_outcome import ReplayOutcome
    from ros_anomaly.nodes.replay_process import ReplayPlan
    from ros_anomaly.nodes.replay_source import ReplaySource

_STARTUP_S = {True: 60.0, False: 5.0}
"""In lockstep nothing goes without a detector; in real time somebody else may be watching."""


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable; everything after ``--ros-args`` is for ROS."""
    parser = common.ArgumentParser(
        prog="ros-anomaly-replay",
        description="Publish a recorded drive on its own topics, with its own stamps and /clock. In real time every "
        "message comes when it is due; with --lockstep the next image is sent only when the detector has answered "
        "the last one, so that masks and hazard levels are those of evaluate_bag, whatever the machine's speed. The "
        "detector then runs with -p use_sim_time:=true -p lockstep:=true and its inputs remapped to the recording's "
        "topics. ROS arguments, such as -r FROM:=TO, follow --ros-args.",
    )
    parser.add_argument("recording", type=Path, help="a bag (folder, .mcap, .db3), or a folder of pictures")
    parser.add_argument("--lockstep", action="store_true", help="wait for the detector's answer to every image")
    parser.add_argument("--speed", type=common.positive_float, default=1.0, help="of real time")
    parser.add_argument("--image-topic", default="", metavar="TOPIC", help="images that the detector answers")
    parser.add_argument(
        "--camera-info-topic", default="", metavar="TOPIC", help="default: camera_info beside the image; none: no such"
    )
    parser.add_argument(
        "--odometry-topic", default="", metavar="TOPIC", help="needed where there are several; none: no such"
    )
    parser.add_argument(
        "--topics",
        nargs="*",
        metavar="TOPIC",
        help="what is played besides the camera's image, camera_info and odometry; all that is recorded, if not given",
    )
    parser.add_argument(
        "--status-topic", default="/detector/hazard_status", metavar="TOPIC", help="where the detector answers"
    )
    parser.add_argument(
        "--clock",
        choices=["auto", "recorded", "stamps"],
        default="auto",
        help="time of the recording or of the images; auto: the recording's, unless they are hours apart",
    )
    parser.add_argument("--timeout", type=common.positive_float, default=5.0, help="seconds to wait for one answer")
    parser.add_argument(
        "--patience", type=common.positive_int, default=5, help="unanswered images in a row that end a lockstep"
    )
    parser.add_argument(
        "--pause-ms",
        type=common.positive_float,
        default=300.0,
        metavar="MS",
        help="a gap before an image, in recorded time, that the detector in lockstep must have noticed first: keep it "
        "below the detector's max_frame_age_ms, or frames that grow too old in a gap go unseen (default: 300)",
    )
    parser.add_argument(
        "--startup-timeout",
        type=common.positive_float,
        help="seconds to wait for a detector (default: 60 in lockstep, else 5)",
    )
    pictures = parser.add_argument_group("a folder of pictures")
    pictures.add_argument(
        "--rate", type=common.positive_float, help="pictures per second; needless where their names are stamps in ns"
    )
    pictures.add_argument("--fov", type=common.positive_float, metavar="DEGREES", help="horizontal, for camera_info")
    common.add_json_option(parser)
    return parser


def replay(args: argparse.Namespace, ros_arguments: list[str]) -> int:
    """Play, and say what became of it."""
    from ros_anomaly.nodes.replay_lockstep import Patience
    from ros_anomaly.nodes.replay_outcome import NobodyListens
    from ros_anomaly.nodes.replay_process import ReplayPlan, run_replay

    if args.lockstep and args.speed != 1.0:
        raise common.CliError("--speed is for real time: expected it without --lockstep", common.EXIT_BAD_ARGUMENTS)
    startup_s = args.startup_timeout or _STARTUP_S[args.lockstep]
    patience = Patience(args.timeout, args.patience, startup_s, args.pause_ms)
    plan = ReplayPlan(args.lockstep, args.speed, args.status_topic, patience)
    _let_large_images_through()
    source = _source(args)
    try:
        _tell(source.problems)
        told = len(source.problems)
        common.say(_beginning(source, plan))
        progress = common.Progress("replaying", source.images, "images")
        outcome = run_replay(source, plan, ros_arguments, progress.update)
        progress.finish()
        _tell(source.problems[told:])
    except NobodyListens as error:
        raise common.CliError(str(error)) from error
    finally:
        source.close()
    figures = _figures(outcome, plan, source.problems)
    print(_sentence(outcome))
    if args.json:
        common.print_json(figures)
    if outcome.broken_off:
        raise common.CliError(outcome.broken_off)
    return 0 if outcome.sent and not (plan.lockstep and outcome.unanswered) else common.EXIT_FAILED


def _source(args: argparse.Namespace) -> ReplaySource:
    from ros_anomaly.bags.clock import DriveClock
    from ros_anomaly.bags.reader_folder import pictures_in
    from ros_anomaly.bags.reader_opening import is_bag_folder
    from ros_anomaly.nodes.replay_bag import BagSource
    from ros_anomaly.nodes.replay_folder import FolderSource

    path: Path = args.recording
    if path.is_dir() and not is_bag_folder(path) and pictures_in(path):
        if args.camera_info_topic or args.odometry_topic or args.topics:
            raise common.CliError(
                f"{path}: a folder of pictures has no topics but the image's, found names of others",
                common.EXIT_BAD_ARGUMENTS,
            )
        fov_rad = math.radians(args.fov) if args.fov else 0.0
        return FolderSource(path, args.rate, args.image_topic or "/camera/image", fov_rad)
    namespace = args.status_topic.rpartition("/")[0]
    answers_below = f"{namespace}/" if namespace else ""
    return BagSource(
        path,
        args.image_topic,
        args.topics,
        answers_below,
        DriveClock(args.clock),
        args.camera_info_topic,
        args.odometry_topic,
    )


def _beginning(source: ReplaySource, plan: ReplayPlan) -> str:
    how = "in lockstep" if plan.lockstep else f"in real time x {plan.speed:g}"
    return f"{source.images} images on {source.image_topic}, {len(source.topics)} topics, {how}; waiting for a listener"


def _tell(problems: list[str]) -> None:
    for problem in problems:
        common.say(f"ros-anomaly-replay: {problem}")


def _sentence(outcome: ReplayOutcome) -> str:
    levels = ", ".join(f"{count} {level}" for level, count in _levels(outcome).items())
    failed = f", {outcome.failed} of them could not be processed" if outcome.failed else ""
    return (
        f"sent {outcome.sent} images in {outcome.seconds:.1f} s, {outcome.answered} answered{failed}, "
        f"{outcome.unanswered} not{f': {levels}' if levels else ''}"
    )


def _levels(outcome: ReplayOutcome) -> dict[str, int]:
    return {level.value: count for level, count in sorted(outcome.levels.items(), key=lambda item: item[0].value)}


def _figures(outcome: ReplayOutcome, plan: ReplayPlan, problems: list[str]) -> dict[str, Any]:
    return {
        "lockstep": plan.lockstep,
        "images": outcome.sent,
        "messages": outcome.messages,
        "answered": outcome.answered,
        "unanswered": outcome.unanswered,
        "failed": outcome.failed,
        "levels": _levels(outcome),
        "broken_off": outcome.broken_off,
        "seconds": outcome.seconds,
        "latest_s": outcome.latest_s,
        "problems": problems,
    }


def _let_large_images_through() -> None:
    """The package's Fast DDS profile, unless another is set: by default 720p images do not get through."""
    for name, profile in large_image_environment().items():
        os.environ.setdefault(name, profile)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    own, ros_arguments = split_arguments(sys.argv[1:] if argv is None else argv)
    return common.run(build_parser(), lambda args: replay(args, ros_arguments), own)


if __name__ == "__main__":
    sys.exit(main())
