"""``ros-anomaly-record-streets``: a street drive as a bag with ground truth, and as a StreetHazards tree."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.recorded_drive import DriveOptions, RecordedDrive

if TYPE_CHECKING:
    from ros_anomaly.bags.writer import BagWriter
    from ros_anomaly.data.street_tree import StreetTreeWriter


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable."""
    from ros_anomaly_sim.street.weather import PRESETS

    parser = common.ArgumentParser(
        prog="ros-anomaly-record-streets",
        description="Render a drive through a street and keep it: as a bag with camera, camera_info, odometry, clock "
        "and ground truth (class ids, instance ids), as a tree of PNGs in the layout of StreetHazards, or both. The "
        "same options give the same drive. Seeds of towns: 0-999 train, 1000-1099 validation, 2000-2099 test.",
    )
    out = parser.add_argument_group("what is written (at least one)")
    out.add_argument("--bag", type=Path, metavar="FOLDER", help="bag to be made; it appears when it is whole")
    out.add_argument(
        "--tree", type=Path, metavar="FOLDER", help="tree that the drive is added to, under its split and its own name"
    )
    out.add_argument("--storage", choices=["mcap", "sqlite3"], default="mcap", help="file format of the bag")
    out.add_argument("--jpeg", type=_quality, metavar="QUALITY", help="JPEG images in the bag, 1-100, instead of raw")
    out.add_argument("--depth", action="store_true", help="depth in the bag, too (32FC1, metres)")
    out.add_argument("--overwrite", action="store_true", help="replace a bag or a drive that is there")
    drive = parser.add_argument_group("what is driven")
    drive.add_argument("--town", type=common.non_negative_int, default=2001, help="seed of the town")
    drive.add_argument("--frames", type=common.positive_int, default=600, help="how many frames")
    drive.add_argument("--rate", type=common.positive_float, default=10.0, help="frames per simulated second")
    drive.add_argument("--size", type=common.image_size, default="640x360", help="WIDTHxHEIGHT of the images")
    drive.add_argument("--weather", default="noon", choices=PRESETS, help="light and air")
    drive.add_argument("--no-anomalies", action="store_true", help="a drive past nothing unusual")
    drive.add_argument("--seed", type=common.non_negative_int, default=0, help="seed of the camera's noise")
    common.add_json_option(parser)
    return parser


def record(args: argparse.Namespace) -> None:
    """Render once, write what was asked for."""
    if not (args.bag or args.tree):
        raise common.CliError("expected --bag, --tree or both, found neither", common.EXIT_BAD_ARGUMENTS)
    if args.bag is None and (args.depth or args.jpeg):
        raise common.CliError("--depth and --jpeg are for a bag: expected --bag", common.EXIT_BAD_ARGUMENTS)
    options = DriveOptions(args.town, args.frames, args.rate, args.size, args.weather, not args.no_anomalies, args.seed)
    drive = RecordedDrive(options)
    with ExitStack() as stack:
        bag = stack.enter_context(_bag(args)) if args.bag else None
        tree = stack.enter_context(_tree(args, drive)) if args.tree else None
        _write(drive, bag, tree, args)
    figures = _figures(drive, args)
    print(", ".join(f"{name} {value}" for name, value in figures.items() if value is not None))
    if args.json:
        common.print_json(figures)


def _bag(args: argparse.Namespace) -> BagWriter:
    from ros_anomaly.bags.writer import BagStorage, BagWriter

    return BagWriter(args.bag, BagStorage(args.storage), args.overwrite)


def _tree(args: argparse.Namespace, drive: RecordedDrive) -> StreetTreeWriter:
    from ros_anomaly.data.street_tree import StreetTreeWriter

    return StreetTreeWriter(args.tree, drive.split, drive.options.name, args.overwrite)


def _write(
    drive: RecordedDrive, bag: BagWriter | None, tree: StreetTreeWriter | None, args: argparse.Namespace
) -> None:
    from ros_anomaly_sim.bridge.street_messages import frame_messages

    frames = common.track(drive.frames(), f"recording {drive.options.name}", drive.options.frames)
    for index, (frame, depth_m) in enumerate(frames):
        if bag is not None:
            depth = depth_m if args.depth else None
            for topic, message in frame_messages(frame, drive.horizontal_fov_rad, args.jpeg, depth):
                bag.write(topic, message, frame.stamp_ns)
        if tree is not None:
            class_ids = frame.view.class_ids
            assert class_ids is not None, "a rendered view has its classes"
            tree.add(f"{index:06d}", frame.view.image, class_ids)
    if bag is not None:
        bag.note("drive", drive.description())


def _figures(drive: RecordedDrive, args: argparse.Namespace) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in args.bag.iterdir()) if args.bag else None
    return {
        "town": drive.options.town,
        "split": drive.split,
        "weather": drive.options.weather,
        "frames": len(drive),
        "anomalies": drive.anomalies,
        "bag": args.bag,
        "bag_bytes": size,
        "tree": args.tree,
    }


def _quality(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 100, found {text!r}")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    return common.run(build_parser(), record, argv)


if __name__ == "__main__":
    sys.exit(main())
