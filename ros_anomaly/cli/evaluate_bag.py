"""``ros-anomaly-evaluate-bag``: the detector over recorded drives, offline and as the vehicle would run it."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.cli.evaluate_bag_plan import Contestant, DriveJob

EXIT_INCOMPLETE = 3

_EPILOG = """\
what is written into the folder OUT (with several bags or --compare into folders of their own); files of these names
that an earlier run left there are removed first:
  result.json    all figures; the same for the same bag, engine and settings, byte for byte
  frames.csv     one line for every image: level, reason, nearest anomaly, highest score, pixels, label
  timings.json   how long it took, on which machine
  report.html    one page with figures, timeline and pictures
  result_bag/    mask, score, hazard and status under the stamps of the images, for RViz and Foxglove

exit status:
  0  everything was read and evaluated
  1  a bag could not be evaluated at all
  2  bad arguments
  3  evaluated, but something in a bag could not be read or used; a line says what, and result.json counts it

examples:
  %(prog)s drive_1 --out evaluated
  %(prog)s drive_1 --image-topic /front/image --label-topic /front/labels --label-format anomaly-mask
  %(prog)s drives/* --params detector.yaml --workers 4 --threads 1
  %(prog)s drive_1 --compare default candidate.json
"""


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-evaluate-bag",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Play recorded drives (rosbag2: folder, .mcap or .db3) through the detector and its hazard\n"
        "monitor, on the recording's own clock and as fast as the engine goes. No ROS graph is involved.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "bags", nargs="+", type=Path, metavar="BAG", help="bag (folder, .mcap, .db3) or folder of pictures"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("evaluated"), help="folder for the results (default: evaluated)"
    )
    parser.add_argument("--engine", help="engine: name or manifest (default: the parameter file's, or 'default')")
    parser.add_argument("--params", type=common.existing_file, metavar="FILE", help="the node's own ROS parameter file")
    parser.add_argument(
        "--node", default="/detector", help="full name of the node in parameter files (default: /detector)"
    )
    common.add_backend_option(parser, of_parameters=True)
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")
    topics = parser.add_argument_group("topics", "repeat options for several cameras, in the same order")
    topics.add_argument(
        "--image-topic", action="append", default=[], metavar="T", help="needed where there are several"
    )
    topics.add_argument(
        "--camera-info-topic",
        action="append",
        default=[],
        metavar="T",
        help="default: camera_info beside the image; none: go without",
    )
    topics.add_argument("--odometry-topic", default="", metavar="T", help="default: the only one; none: go without")
    topics.add_argument("--label-topic", action="append", default=[], metavar="T", help="ground truth images")
    topics.add_argument(
        "--label-format",
        choices=("class-ids", "anomaly-mask"),
        help="what labels mean, never guessed: class ids of the streets (13 anomaly, 255 void), or 0 and 255 (anomaly)"
        "; masks of data sets in ros-anomaly-evaluate have 1 for anomaly and 255 for void instead",
    )
    parser.add_argument(
        "--rate",
        type=common.positive_float,
        metavar="HZ",
        help="pictures a second in folders of pictures, not for bags (default: their names are stamps in nanoseconds)",
    )
    parser.add_argument(
        "--clock",
        choices=("auto", "recorded", "stamps"),
        default="auto",
        help="tell the drive by the time of recording or by the images' stamps (default: recorded, unless hours apart)",
    )
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="two engines or two parameter files (.yaml) over the same drive, and what changed frame by frame",
    )
    parser.add_argument(
        "--latency-ms",
        type=common.non_negative_float,
        metavar="X",
        help="latency at which streaming AP and FPR95 are told (default: as measured, and then in timings.json alone)",
    )
    parser.add_argument(
        "--workers", type=common.positive_int, default=1, help="evaluate so many bags at once (default: 1)"
    )
    parser.add_argument("--no-bag", action="store_true", help="write no result bag")
    parser.add_argument("--copy-images", action="store_true", help="copy the input images into the result bag")
    parser.add_argument("--no-report", action="store_true", help="write no report.html")
    common.add_json_option(parser)
    return parser


def evaluate_bag(args: argparse.Namespace) -> int:
    from ros_anomaly.cli.evaluate_bag_jobs import run_jobs, write_total

    jobs = _jobs(args)
    outcomes = run_jobs(jobs, args.workers)
    for outcome in outcomes:
        for problem in outcome.problems:
            common.say(f"{outcome.name}: {problem}")
    done = [outcome for outcome in outcomes if outcome.figures is not None]
    for outcome in done:
        print(outcome.summary)
    figures = done[0].figures if len(jobs) == 1 and done else None
    if len(jobs) > 1 and not args.compare:
        figures = write_total(args.out, outcomes)
    if args.json and done:
        common.print_json(figures or {outcome.name: outcome.figures for outcome in done})
    if len(done) < len(jobs):
        return common.EXIT_FAILED
    return EXIT_INCOMPLETE if any(outcome.incomplete for outcome in outcomes) else 0


def _jobs(args: argparse.Namespace) -> list[DriveJob]:
    """One job a bag; whatever can be refused is refused before the first is begun."""
    from ros_anomaly.cli.evaluate_bag_plan import DriveJob, TopicNames

    if bool(args.label_topic) != bool(args.label_format):
        given, missing = (
            ("--label-topic", "--label-format") if args.label_topic else ("--label-format", "--label-topic")
        )
        _refuse(f"{given}: expected {missing} with it, found none")
    if args.copy_images and args.no_bag:
        _refuse("--copy-images: expected a result bag to copy into, found --no-bag")
    if args.out.exists() and not args.out.is_dir():
        _refuse(f"--out: expected a folder, found a file at {args.out}")
    names = [_name(path) for path in args.bags]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        _refuse(f"bags: expected names that differ, found {repeated[0]} twice")
    topics = TopicNames(
        tuple(args.image_topic), tuple(args.camera_info_topic), args.odometry_topic, tuple(args.label_topic)
    )
    contestants = _contestants(args)
    return [
        DriveJob(
            bag=path,
            out=args.out if len(args.bags) == 1 else args.out / name,
            contestants=contestants,
            topics=topics,
            label_format=args.label_format,
            clock=args.clock,
            write_bag=not args.no_bag,
            copy_images=args.copy_images,
            write_report=not args.no_report,
            rate_hz=args.rate,
            latency_ms=args.latency_ms,
            command=args.command,
        )
        for path, name in zip(args.bags, names, strict=True)
    ]


def _contestants(args: argparse.Namespace) -> tuple[Contestant, ...]:
    if not args.compare:
        return (_contestant("", args.engine, args.params, args),)
    found = []
    for side, text in zip("ab", args.compare, strict=True):
        if Path(text).suffix in (".yaml", ".yml"):
            if not Path(text).is_file():
                _refuse(f"--compare: expected a parameter file, found none at {text}")
            found.append(_contestant(side, args.engine, Path(text), args))
        else:
            found.append(_contestant(side, text, args.params, args))
    return tuple(found)


def _contestant(side: str, engine: str | None, params: Path | None, args: argparse.Namespace) -> Contestant:
    from ros_anomaly.cli.evaluate_bag_plan import Contestant
    from ros_anomaly.nodes.parameter_file import read_parameters
    from ros_anomaly.nodes.settings import Settings

    values, unknown = read_parameters(params, args.node) if params else ({}, [])
    if unknown:
        common.say(f"{params}: the detector has no parameter {', '.join(unknown)}: ignored, as the node does")
    if engine is not None:
        values["engine"] = engine
    if args.backend is not None:
        values["backend"] = args.backend
    if args.threads is not None:
        values["threads"] = args.threads
    transport = str(values.get("image_transport", ""))
    return Contestant(side, Settings.from_values(values), transport)


def _refuse(message: str) -> NoReturn:
    raise common.CliError(message, common.EXIT_BAD_ARGUMENTS)


def _name(path: Path) -> str:
    resolved = path.resolve()
    return resolved.stem if resolved.suffix in (".mcap", ".db3") else resolved.name


def main(argv: list[str] | None = None) -> int:
    parser = build_parser()
    parser.set_defaults(command=shlex.join([parser.prog, *(sys.argv[1:] if argv is None else argv)]))
    return common.run(parser, evaluate_bag, argv)


if __name__ == "__main__":
    sys.exit(main())
