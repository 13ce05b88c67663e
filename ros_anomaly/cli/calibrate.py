"""``ros-anomaly-calibrate``: choose the threshold of an engine by false alarms on anomaly-free drives."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import calibrate_output, common
from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.cli.calibrate_search import (
    Policy,
    judged_usual_score,
    outcome_of,
    search,
    usual_score_of,
    watched_minutes,
)
from ros_anomaly.cli.clear_drives import record_drives, street_drives, street_ground
from ros_anomaly.cli.street_frames import STREET_SIZE, simulator_fingerprint, street_source
from ros_anomaly.cli.user_drives import DriveOptions, user_drives

if TYPE_CHECKING:
    from ros_anomaly.cli.clear_drives import ClearDrive
    from ros_anomaly.evaluation.recall import ObjectRecall
    from ros_anomaly.evaluation.score_track import ScoreTrack
    from ros_anomaly.runtime.engines import FusedEngine

_STREET_MINUTES = 10.0
_STREET_RATE_HZ = 10.0

_EPILOG = """\
The rule counts events, not pixels: each rise to HAZARD, and again after every 5 s that it lasts. With less time than
the rule speaks of, its count is scaled and rounded down: 4 minutes at "1 in 10" may have none. What so little time can
prove is printed and written beside the threshold: none in m minutes says that the rate is below 3/m a minute, at 95 %.
Drives must be free of anomalies; whatever is found in them counts as false.
"""


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-calibrate",
        description="Find the lowest threshold at which, as at every higher one, false hazards on anomaly-free drives "
        "stay within the rule; measure how many anomalous objects are found at it, and write it into the "
        "engine's manifest. Drives lead through validation towns, or are your own: bags or folders of pictures. Their "
        "score maps are kept, so that a second run is quick.",
        epilog=_EPILOG,
    )
    parser.add_argument("--engine", default="default", help="fused engine: name or manifest")
    common.add_backend_option(parser)
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")
    parser.add_argument("--workers", type=common.positive_int, default=2, help="drives recorded at the same time")

    street = parser.add_argument_group("streets", "rendered drives, where no --drive is given")
    street.add_argument("--minutes", type=common.positive_float, help=f"simulated time (default: {_STREET_MINUTES:g})")
    own = parser.add_argument_group("your own drives", "anomaly-free recordings")
    own.add_argument(
        "--drive",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="bags (folder, .mcap, .db3), folders of images",
    )
    own.add_argument("--topic", action="append", metavar="T", help="image topic where a bag has several; repeatable")
    own.add_argument("--camera-info-topic", metavar="T", help="default: beside the image; none: go without")
    own.add_argument("--odometry-topic", metavar="T", help="default: the only one; none: go without")
    own.add_argument("--clock", choices=("auto", "recorded", "stamps"), default="auto", help="as in evaluate-bag")
    own.add_argument(
        "--params", type=common.existing_file, metavar="FILE", help="the node's ROS parameter file: camera, corridor …"
    )
    own.add_argument("--node", default="/detector", help="full name of the node in the parameter file")

    parser.add_argument(
        "--rate-hz",
        type=common.positive_float,
        help=f"images a second, of rendered drives (default: {_STREET_RATE_HZ:g}) or folders of images (default: names "
        "are stamps in nanoseconds)",
    )
    parser.add_argument(
        "--max-false-hazards", type=common.non_negative_float, default=1.0, metavar="N", help="the rule: at most N …"
    )
    parser.add_argument("--per-minutes", type=common.positive_float, default=10.0, help="… in so many minutes")
    parser.add_argument("--frames", type=common.positive_int, help="street validation frames for the object recall")
    parser.add_argument("--no-recall", action="store_true", help="measure no object recall; nothing is rendered for it")
    parser.add_argument("--dry-run", action="store_true", help="leave the manifest as it is")
    common.add_json_option(parser)
    return parser


def calibrate(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.score_track import ScoreTrack
    from ros_anomaly.runtime.engines import EngineSpec, load_engine
    from ros_anomaly.runtime.manifest import load_manifest
    from ros_anomaly.scores.registry import blank_score
    from ros_anomaly.training.calibration import CalibrationRule

    _check(args)
    rule = CalibrationRule(args.max_false_hazards, args.per_minutes)
    policy = _policy(args)
    # What was built for this machine has a manifest, and so a threshold, of its own.
    manifest_path = EngineSpec(args.engine, args.backend).locate().path
    engine = load_engine(manifest_path, args.backend, args.threads)
    try:
        drives = _drives(args, engine, policy)
        record_drives(drives, args.engine, args.backend, args.threads, args.workers)
        tracks = [ScoreTrack.load(drive.path) for drive in drives]
        _check_different(drives, tracks)
        usual = usual_score_of(tracks, policy)
        minutes = [watched_minutes(drive, track, policy, usual) for drive, track in zip(drives, tracks, strict=True)]
        result = search(tracks, sum(minutes), policy, rule, usual)
        blank = blank_score(engine.manifest.score or "", engine.manifest.class_set.count)
        judged = judged_usual_score(usual, result.threshold, blank, policy)
        recall = None if args.no_recall else _recall(engine, result.threshold, args.frames, policy)
    finally:
        engine.close()
    outcome = calibrate_output.Outcome(
        rule=rule,
        result=result,
        drives=tuple(
            outcome_of(drive, track, own, result.threshold, policy, judged)
            for drive, track, own in zip(drives, tracks, minutes, strict=True)
        ),
        of_streets=not args.drive,
        backend=args.backend,
        usual_score=judged,
        recall=recall,
        recall_frames=args.frames,
        settings=policy.hazard.calibrated(),
        command=_command(args),
    )
    if not args.dry_run:
        before = load_manifest(manifest_path).threshold
        if before is not None and (other := before.unlike(args.backend)):
            common.say(f"the threshold that the manifest had is replaced by one for {other}")
        path = calibrate_output.write_threshold(manifest_path, outcome)
        common.say(f"wrote the threshold into {path}")
    print(calibrate_output.text(outcome))
    if args.json:
        common.print_json(calibrate_output.figures(outcome))


def _check(args: argparse.Namespace) -> None:
    def refuse(message: str) -> None:
        raise common.CliError(message, common.EXIT_BAD_ARGUMENTS)

    if args.drive and args.minutes is not None:
        refuse("--minutes: expected without --drive (recordings are as long as they are), found both")
    for option in ("topic", "camera_info_topic", "odometry_topic"):
        if getattr(args, option) and not args.drive:
            refuse(f"--{option.replace('_', '-')}: expected with --drive, found without")
    if args.frames is not None and args.no_recall:
        refuse("--frames: expected without --no-recall, found both")


def _check_different(drives: Sequence[ClearDrive], tracks: Sequence[ScoreTrack]) -> None:
    """The same minutes told twice would prove half of what they seem to."""
    names: dict[str, str] = {}
    for drive, track in zip(drives, tracks, strict=True):
        if other := names.get(track.fingerprint):
            raise common.CliError(f"expected every drive once, found the same images in {other} and {drive.name}")
        names[track.fingerprint] = drive.name


def _policy(args: argparse.Namespace) -> Policy:
    from ros_anomaly.hazard.config import HazardConfig

    if args.params is None:
        return Policy(HazardConfig(), 0.0, False)
    from ros_anomaly.nodes.parameter_file import read_parameters
    from ros_anomaly.nodes.settings import Settings

    values, unknown = read_parameters(args.params, args.node)
    if unknown:
        common.say(f"{args.params}: the detector has no parameter {', '.join(unknown)}: ignored, as the node does")
    settings = Settings.from_values(values)
    return Policy(settings.hazard, settings.horizontal_fov_rad, settings.lockstep)


def _drives(args: argparse.Namespace, engine: FusedEngine, policy: Policy) -> Sequence[ClearDrive]:
    """All drives, with their tracks in a cache folder of the very network that runs."""
    from ros_anomaly.hazard.config import CameraMount
    from ros_anomaly.runtime.backends import BackendChoice

    choice = BackendChoice.parse(args.backend)
    network = engine.manifest.files[choice.backend.role].sha256[:12]
    folder = cache_folder("score_tracks", f"{network}-{str(choice).replace(':', '-')}")
    folder.mkdir(parents=True, exist_ok=True)
    if not args.drive:
        if policy.hazard.camera != CameraMount():
            raise common.CliError("--params: expected the streets' own camera pose without --drive, found another")
        minutes, rate_hz = args.minutes or _STREET_MINUTES, args.rate_hz or _STREET_RATE_HZ
        return street_drives(folder, simulator_fingerprint(), minutes, rate_hz)
    options = DriveOptions(
        topics=tuple(args.topic or ()),
        camera_info_topic=args.camera_info_topic or "",
        odometry_topic=args.odometry_topic or "",
        rate_hz=args.rate_hz,
        clock=args.clock,
        horizontal_fov_rad=policy.horizontal_fov_rad,
    )
    return user_drives(args.drive, options, folder)


def _recall(engine: FusedEngine, threshold: float, frames: int | None, policy: Policy) -> ObjectRecall:
    """Of the streets' validation objects, whichever drives the threshold comes from."""
    from ros_anomaly.evaluation.recall import NearRule, object_recall

    source = street_source("validation", frames)
    tracked = common.track(source, "object recall")
    near = NearRule(street_ground(STREET_SIZE))
    return object_recall(engine, tracked, threshold, policy.hazard.region, near_rule=near)


def _command(args: argparse.Namespace) -> str:
    """What decided the outcome, with the defaults of streets written out; files by their names alone."""
    from ros_anomaly.runtime.backends import DEFAULT_BACKEND

    words = ["ros-anomaly-calibrate"]
    words += [] if args.engine == "default" else ["--engine", Path(args.engine).name]
    words += [] if args.backend == DEFAULT_BACKEND else ["--backend", args.backend]
    if args.drive:
        words += ["--drive", *(path.resolve().name for path in args.drive)]
        words += [word for topic in args.topic or () for word in ("--topic", topic)]
        for option in ("camera_info_topic", "odometry_topic"):
            words += [f"--{option.replace('_', '-')}", getattr(args, option)] if getattr(args, option) else []
        words += [] if args.clock == "auto" else ["--clock", args.clock]
        words += [] if args.rate_hz is None else ["--rate-hz", f"{args.rate_hz:g}"]
    else:
        words += [
            "--minutes",
            f"{args.minutes or _STREET_MINUTES:g}",
            "--rate-hz",
            f"{args.rate_hz or _STREET_RATE_HZ:g}",
        ]
    words += ["--params", args.params.name] if args.params else []
    if (args.max_false_hazards, args.per_minutes) != (1.0, 10.0):
        words += ["--max-false-hazards", f"{args.max_false_hazards:g}", "--per-minutes", f"{args.per_minutes:g}"]
    words += ["--frames", str(args.frames)] if args.frames else []
    words += ["--no-recall"] if args.no_recall else []
    return shlex.join(words)


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), calibrate, argv)


if __name__ == "__main__":
    sys.exit(main())
