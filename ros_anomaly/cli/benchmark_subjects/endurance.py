"""One engine for thousands of frames."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ros_anomaly.cli import benchmark_images, benchmark_plan, common

HELP = "one engine for thousands of frames: whether times stay together and memory stays where it was"
DESCRIPTION = (
    "Run one engine alone, image in host memory to maps in host memory. The spread of times is taken from the first "
    "--timed frames after the warm-up, memory is read all along. Of several backends the first that runs here is "
    "taken; those before it are listed with their reason."
)
_IMAGES = 16


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--engine", default="default", help="name of an engine or path of its manifest")
    parser.add_argument(
        "--backends", default="onnxruntime", metavar="NAME,…", help="NAME[:DEVICE][:MODE], by commas: first come, first"
    )
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32", help="of the engine")
    parser.add_argument("--size", type=common.image_size, help="size of the image (default: the engine's)")
    parser.add_argument("--frames", type=common.positive_int, default=10_000, help="frames of all")
    parser.add_argument("--timed", type=common.positive_int, default=2_000, help="the first of them, for the times")
    parser.add_argument("--limit-s", type=common.positive_float, default=3600.0, help="seconds for all frames")
    parser.add_argument("--load-s", type=common.positive_float, default=300.0, help="seconds to get ready")
    parser.add_argument("--threads", type=common.non_negative_int, default=0, help="CPU threads; 0: one a core")
    benchmark_images.add_image_option(parser)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.benchmark.contender_process import ContenderFailed
    from ros_anomaly.benchmark.endurance import EndurancePlan, run_endurance
    from ros_anomaly.cli.benchmark_engine import EngineEntry, engine_spec
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    manifest = load_manifest(manifest_path(args.engine))
    size = args.size or manifest.input_size
    plan = EndurancePlan(args.frames, min(args.timed, args.frames), limit_s=args.limit_s, load_s=args.load_s)
    refused: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        images = benchmark_images.contest_images(args.images, size, _IMAGES)
        path = str(benchmark_images.save_images(images, Path(folder) / "images.npy"))
        for backend in args.backends.split(","):
            entry = EngineEntry(args.engine, backend, args.precision, size, f"{size[1]}x{size[0]}")
            progress = common.Progress(f"{backend} {args.precision}", args.frames)
            try:
                figures = run_endurance(
                    engine_spec(entry, path, benchmark_plan.threads_of(args)), plan, progress.update
                )
            except ContenderFailed as failure:
                refused[backend] = str(failure)
                common.say(f"{backend}: {failure}")
                continue
            progress.finish()
            return {
                "engine": manifest.name,
                "images": images.source,
                "size": entry.group,
                "refused": refused,
                **figures,
            }
    reasons = "; ".join(f"{backend}: {reason}" for backend, reason in refused.items())
    raise common.CliError(f"--backends: expected one that runs here, found none ({reasons})")


def text(figures: Mapping[str, Any]) -> str:
    return f"{_heading(figures)}\n{_table(figures).text()}{_refused(figures)}"


def markdown(figures: Mapping[str, Any]) -> str:
    return f"{_heading(figures)}\n\n{_table(figures).markdown()}{_refused(figures)}"


def _heading(figures: Mapping[str, Any]) -> str:
    done = figures["frames"] if figures["frames"] == figures["wanted_frames"] else (
        f"{figures['frames']} of {figures['wanted_frames']}"
    )  # fmt: skip
    return f"engine {figures['engine']} at {figures['size']}, {figures['name']}, {done} frames, {figures['images']}"


def _table(figures: Mapping[str, Any]) -> Any:
    from ros_anomaly.benchmark.table import Table, number

    times = figures["times"]
    rows = [
        (f"median of {times['frames']} frames, ms", number(times["median_ms"])),
        ("p99, ms", number(times["p99_ms"])),
        ("p99 / median", number(figures["p99_over_median"])),
    ]
    for key, label in (("resident", "resident memory"), ("gpu", "GPU memory")):
        if (growth := figures[key]) is not None:
            rows.append((f"{label}, first and last, MB", f"{growth['first_mb']:.1f} – {growth['last_mb']:.1f}"))
            rows.append((f"{label}, MB per 1000 frames", f"{growth['mb_per_1000_frames']:.3f}"))
    return Table(("", "figure"), tuple(rows))


def _refused(figures: Mapping[str, Any]) -> str:
    return "".join(f"\n\nnot run: {backend}: {reason}" for backend, reason in figures["refused"].items())
