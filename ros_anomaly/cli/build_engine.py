"""Build an engine for this machine: a compiled plan, or int8 by Q/DQ nodes."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import build_engine_output, common
from ros_anomaly.cli.calibration_images import recorded_images, street_images
from ros_anomaly.cli.half_precision import half_precision

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.runtime.building.source import Source

_EPILOG = """\
An engine is built once for a machine and kept in the cache ($ROS_ANOMALY_CACHE, $XDG_CACHE_HOME or ~/.cache), where the
detector finds it: ros-anomaly-detector --ros-args -p engine:=default -p backend:=tensorrt. It is never run on another
GPU or with another version of its library. Its threshold is inherited from the engine that it was built from until
ros-anomaly-calibrate is run on it.

  ros-anomaly-build-engine default --backend tensorrt --precision fp16
  ros-anomaly-build-engine default --backend openvino --precision int8 --images my_drive/
  ros-anomaly-build-engine default --backend tensorrt_rtx --targets 8.6 8.9 12.0 --out built/default.json --build-only
"""
_PER_CENT = 100
_HELD_OUT_EVERY = 8


def make_parser() -> argparse.ArgumentParser:
    from ros_anomaly.runtime.backends import BACKENDS
    from ros_anomaly.runtime.building.options import Precision, StalePolicy

    backends = tuple(name for name, backend in BACKENDS.items() if backend.role in ("engine", "onnx"))
    parser = common.ArgumentParser(
        prog="ros-anomaly-build-engine",
        formatter_class=_HelpFormatter,
        description="Build an exported engine for a backend and precision. Nothing is built where that was done before "
        "and still fits. int8 is calibrated on images such as the camera gives; fp16 is exported from the weights "
        "beside the engine, for which the training packages must be installed.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "engine",
        nargs="?",
        default="default",
        help="exported engine, or a built one to build anew as it was: name or manifest",
    )
    parser.add_argument("--backend", choices=backends, default="tensorrt", help="library that is to run it")
    parser.add_argument(
        "--precision", choices=tuple(p.value for p in Precision), help="default: that of the engine that is named"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="FILE.json", help="manifest to write (default: in the cache)")
    where.add_argument("--cache", type=Path, metavar="FOLDER", help="folder of built engines (default: see below)")
    parser.add_argument(
        "--stale", choices=tuple(p.value for p in StalePolicy), default="rebuild", help="what becomes of a stale engine"
    )
    parser.add_argument(
        "--force", action="store_true", help="build even where the built engine still fits, and over what is at --out"
    )
    parser.add_argument("--build-only", action="store_true", help="do not load and run what was built")
    common.add_json_option(parser)

    compiling = parser.add_argument_group("compiling")
    compiling.add_argument(
        "--targets",
        nargs="+",
        type=_capability,
        default=[],
        metavar="CC",
        help="compute capabilities to build for (tensorrt_rtx), such as 8.6 12.0 (default: the GPU of this machine)",
    )
    compiling.add_argument(
        "--workspace-mib",
        type=common.non_negative_int,
        default=0,
        help="scratch memory that a layer may use; 0: the library's own choice",
    )
    compiling.add_argument(
        "--optimization-level", type=int, choices=range(6), help="0: quick build, 5: quick engine (default: library's)"
    )
    compiling.add_argument("--timing-cache", type=Path, help="file of measured layer times (default: in the cache)")

    int8 = parser.add_argument_group("int8")
    source = int8.add_mutually_exclusive_group()
    source.add_argument("--images", type=Path, metavar="PATH", help="folder of pictures or bag to calibrate on")
    source.add_argument("--streets", action="store_true", help="calibrate on rendered streets of training towns")
    int8.add_argument("--topic", help="image topic of a bag that has several")
    int8.add_argument(
        "--count", type=common.positive_int, default=128, help="images, spread evenly; every 8th is kept to compare on"
    )
    return parser


class _HelpFormatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Defaults that say something, and an epilog as it is written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return (
            action.help if action.default in (None, False) or action.default == [] else super()._get_help_string(action)
        )


def _capability(text: str) -> str:
    from ros_anomaly.runtime.building.options import compute_capability_text

    try:
        return compute_capability_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@dataclass(frozen=True)
class _Images:
    """What int8 is calibrated on, and what is kept to compare on."""

    calibration: list[np.ndarray]
    held_out: list[np.ndarray]


def build(args: argparse.Namespace) -> None:
    from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
    from ros_anomaly.runtime.building.options import BuildOptions, Precision, StalePolicy
    from ros_anomaly.runtime.building.source import open_source
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    named = load_manifest(manifest_path(args.engine))
    source = open_source(manifest_path(args.engine), args.backend)
    precision = Precision(args.precision) if args.precision else named.precision
    _check(args, source, precision.value)
    options = BuildOptions(
        backend=args.backend,
        precision=precision,
        workspace_mib=args.workspace_mib,
        timing_cache=args.timing_cache,
        targets=tuple(args.targets),
        optimization_level=args.optimization_level,
    )
    if named.build is not None and named.build.backend == args.backend:
        options = replace(options.keeping(named.build.flags), targets=options.targets or named.build.targets)
    images = _images(args, source)
    request = BuildRequest(
        source,
        options,
        out=args.out,
        cache=args.cache,
        images=images.calibration,
        export=half_precision if "weights" in source.manifest.files else None,
        stale=StalePolicy(args.stale),
        force=args.force,
    )
    watch = _Watch(f"building {source.manifest.name} for {args.backend} in {precision.value}")
    started_s = time.monotonic()
    located = build_engine(request, watch.watch)
    seconds = time.monotonic() - started_s
    figures = build_engine_output.figures(located, watch.built, seconds)
    build_engine_output.tell(located, args.backend, watch.built, seconds)
    if not args.build_only:
        figures |= build_engine_output.try_out(located, source, args.backend, images.held_out)
    if args.json:
        common.print_json(figures)


def _check(args: argparse.Namespace, source: Source, precision: str) -> None:
    def refuse(message: str) -> None:
        raise common.CliError(message, common.EXIT_BAD_ARGUMENTS)

    if args.out is not None and args.out.suffix != ".json":
        refuse(f"--out: expected a manifest path ending in .json, found {args.out}")
    if args.out is not None and args.out.resolve() == source.path.resolve():
        refuse(f"--out: expected another manifest than the one that is built from, found {args.out}")
    has_images = args.images is not None or args.streets
    quantises = precision == "int8" and source.manifest.precision.value != "int8"
    if quantises and not has_images:
        refuse("--precision int8: expected --images or --streets to calibrate on, found neither")
    if has_images and not quantises:
        refuse(f"--images, --streets: expected with int8 of another network alone, found {precision}")
    if args.topic and args.images is None:
        refuse("--topic: expected with --images, found without")


def _images(args: argparse.Namespace, source: Source) -> _Images:
    size = source.manifest.input_size
    if args.images is not None:
        images = recorded_images(args.images, args.topic, size, args.count)
    elif args.streets:
        images = street_images(size, args.count)
    else:
        return _Images([], [])
    held_out = images[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]
    calibration = [image for i, image in enumerate(images) if (i + 1) % _HELD_OUT_EVERY]
    return _Images(calibration, held_out)


class _Watch:
    """Shows how a build goes on; knows whether there was one at all."""

    def __init__(self, label: str) -> None:
        from ros_anomaly.runtime.building.builder import Watch

        self.built = False
        self.watch = Watch(self._progress, self._waiting, common.say)
        self._progress_line = common.Progress(label, _PER_CENT, "%")
        self._done = 0
        self._waits_for = ""

    def _progress(self, fraction: float) -> None:
        self.built = True
        done = int(_PER_CENT * fraction)
        self._progress_line.update(done - self._done)
        self._done = done

    def _waiting(self, who: str) -> None:
        if who != self._waits_for:
            self._waits_for = who
            common.say(f"waiting for {who}, which builds the same engine")


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), build, argv)


if __name__ == "__main__":
    sys.exit(main())
