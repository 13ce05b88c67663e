"""From mask logits to pixels: ways to get there side by side."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import benchmark_images, benchmark_plan, common
from ros_anomaly.cli.benchmark_logits import real_logits, save_expected

if TYPE_CHECKING:
    from ros_anomaly.benchmark.contender import ContenderSpec

HELP = "from mask logits to a score and a class a pixel: time, memory and error of each way"
DESCRIPTION = (
    "Ways to sum N masks to maps of the image's size, on a network's own output. The baseline is what research code "
    "does: upsample all logits, σ, einsum. Working memory is what a way takes beside its input; its error is the "
    "largest of the score against the reference, and the share of pixels whose class differs. On a GPU the time on the "
    "device stands beside what its memory traffic takes at the speed of a large copy."
)
_FACTORY = "ros_anomaly.benchmark.aggregation_contender:make_aggregation"
_COLUMNS = {
    "largest_error": "largest error",
    "class_changes": "class changes",
    "device_ms": "device ms",
    "floor_ms": "floor ms",
    "times_floor": "of floor",
    "working_gpu_mb": "working GPU MB",
}


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--engine", default="default", help="name of an engine or path of its manifest, with weights")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what sums")
    parser.add_argument("--masks", type=common.positive_int, default=100, help="number of masks")
    parser.add_argument("--mask-size", type=common.image_size, default="320x180", help="size of the mask logits")
    parser.add_argument("--size", type=common.image_size, default="1280x720", help="size of the maps")
    parser.add_argument(
        "--epsilons",
        type=_epsilons,
        default="0.000001,0.0001,0.001",
        metavar="E,…",
        help="bounds of the error that the quick ways may make by leaving masks out of tiles, by commas",
    )
    benchmark_images.add_image_option(parser)
    benchmark_plan.add_plan_options(parser)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.benchmark.contest import run_contest, turns_of
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    plan = benchmark_plan.plan_of(args)
    logits, images = real_logits(args.engine, args.images, args.masks, args.mask_size, args.size)
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.npz" for name in ("logits", "expected")}
        logits.save(paths["logits"])
        save_expected(logits, paths["expected"])
        specs = _contenders(args, {name: str(path) for name, path in paths.items()})
        progress = common.Progress("contest", turns_of(specs, plan), unit="turns")
        outcomes = run_contest(specs, plan, lambda name: progress.update(note=name))
        progress.finish()
    return {
        "engine": load_manifest(manifest_path(args.engine)).name,
        "device": args.device,
        "images": images,
        "score": logits.score,
        "threads": benchmark_plan.threads_of(args),
        "plan": asdict(plan),
        "contenders": [outcome.plain() for outcome in outcomes],
    }


def text(figures: Mapping[str, Any]) -> str:
    from ros_anomaly.benchmark.contest_table import contest_text

    return contest_text(_heading(figures), figures["contenders"], _COLUMNS)


def markdown(figures: Mapping[str, Any]) -> str:
    from ros_anomaly.benchmark.contest_table import contest_markdown

    return contest_markdown(_heading(figures), figures["contenders"], _COLUMNS)


def plot(figures: Mapping[str, Any], path: Path) -> None:
    from ros_anomaly.benchmark.plot import plot_contest

    plot_contest(_heading(figures), figures["contenders"], path)


def _heading(figures: Mapping[str, Any]) -> str:
    return (
        f"masks to pixels on {figures['device']}, CPU threads {figures['threads']}, score {figures['score']}, from "
        f"what engine {figures['engine']} makes of {figures['images']}"
    )


def _contenders(args: argparse.Namespace, paths: dict[str, str]) -> list[ContenderSpec]:
    from ros_anomaly.benchmark.contender import ContenderSpec

    group = f"{args.masks} masks {_text(args.mask_size)} to {_text(args.size)}"
    common_options = {**paths, "device": args.device, "threads": benchmark_plan.threads_of(args)}

    def spec(name: str, variant: str, **options: Any) -> ContenderSpec:
        is_baseline = variant == "einsum" and not options
        return ContenderSpec(name, _FACTORY, {**common_options, "variant": variant, **options}, group, is_baseline)

    quick = {"tile by tile": "tiled"}
    if args.device == "cuda":
        quick["Triton"] = "triton"
    return [
        spec("upsample, σ, einsum", "einsum"),
        spec("upsample, σ, einsum, compiled", "einsum", compiled=True),
        spec("upsample, σ, one product", "matrix_product"),
        *(
            spec(f"{name}, ε = {epsilon:g}", variant, epsilon=epsilon)
            for name, variant in quick.items()
            for epsilon in args.epsilons
        ),
        spec("at the masks' size, then upsample", "masks"),
    ]


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"


def _epsilons(text: str) -> list[float]:
    return [common.non_negative_float(part) for part in text.split(",")]
