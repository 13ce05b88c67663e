"""Engines of all backends side by side, and what people run without one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import benchmark_images, benchmark_plan, common
from ros_anomaly.cli.benchmark_engine import PRECISIONS, EngineEntry, engine_spec, refused
from ros_anomaly.cli.benchmark_variants import weights_file

if TYPE_CHECKING:
    from ros_anomaly.benchmark.contender import ContenderSpec

HELP = "engines x backends x sizes x precisions side by side, against what people run without one"
DESCRIPTION = (
    "Every contender has a process of its own, loaded and warm; they take turns, so that all meet the same machine. "
    "Times are of one image after the other, in host memory, to maps in host memory. The baseline is the same network "
    "in torch, operator by operator. Beside it stand torch.compile, the full-size einsum of research code, and the "
    "image processor of transformers before and after the network. What cannot be run here is listed with its reason. "
    "Engines of other sizes and precisions are exported from the engine's weights into the cache."
)
DEFAULT_BACKENDS = {
    "cpu": ("onnxruntime", "openvino", "openvino:bf16", "torch", "torch:compile"),
    "cuda": (
        "tensorrt",
        "tensorrt_rtx",
        "torch_tensorrt",
        "torch:cuda_graph",
        "torch:cuda",
        "onnxruntime:cuda",
    ),
}
_NETWORK = "ros_anomaly.benchmark.network_contender:make_network"
_IMAGES = 16


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--engine", default="default", help="name of an engine or path of its manifest, with weights")
    parser.add_argument("--device", choices=tuple(DEFAULT_BACKENDS), default="cpu", help="what the contenders run on")
    parser.add_argument(
        "--backends",
        metavar="NAME,…",
        help="NAME[:DEVICE][:MODE] of each, by commas; 'none' for the networks in torch alone (default: for cpu "
        f"{','.join(DEFAULT_BACKENDS['cpu'])}; for cuda {','.join(DEFAULT_BACKENDS['cuda'])})",
    )
    parser.add_argument(
        "--sizes", type=_sizes, metavar="WxH,…", help="sizes of the image, by commas (default: the engine's)"
    )
    parser.add_argument(
        "--precisions",
        type=_precisions,
        default="fp32",
        metavar="NAME,…",
        help=f"of the engines, of {', '.join(PRECISIONS)}, by commas; the baseline has the first of them, int8 aside",
    )
    parser.add_argument("--engines-only", action="store_true", help="without what people run today; but the baseline")
    benchmark_images.add_image_option(parser)
    benchmark_plan.add_plan_options(parser)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.benchmark.contest import run_contest, turns_of
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    manifest = load_manifest(manifest_path(args.engine))
    sizes = args.sizes or [manifest.input_size]
    plan = benchmark_plan.plan_of(args)
    with TemporaryDirectory() as folder:
        specs = []
        for size in sizes:
            images = benchmark_images.contest_images(args.images, size, _IMAGES)
            path = benchmark_images.save_images(images, Path(folder) / f"{size[1]}x{size[0]}.npy")
            specs += list(_contenders(args, size, str(path), manifest))
        progress = common.Progress("contest", turns_of(specs, plan), unit="turns")
        outcomes = run_contest(specs, plan, lambda name: progress.update(note=name))
        progress.finish()
    return {
        "engine": manifest.name,
        "device": args.device,
        "images": images.source,
        "threads": benchmark_plan.threads_of(args),
        "plan": asdict(plan),
        "contenders": [outcome.plain() for outcome in outcomes],
    }


def text(figures: Mapping[str, Any]) -> str:
    from ros_anomaly.benchmark.contest_table import contest_text

    return contest_text(_heading(figures), figures["contenders"])


def markdown(figures: Mapping[str, Any]) -> str:
    from ros_anomaly.benchmark.contest_table import contest_markdown

    return contest_markdown(_heading(figures), figures["contenders"])


def plot(figures: Mapping[str, Any], path: Path) -> None:
    from ros_anomaly.benchmark.plot import plot_contest

    plot_contest(_heading(figures), figures["contenders"], path)


def _heading(figures: Mapping[str, Any]) -> str:
    return f"engine {figures['engine']} on {figures['device']}, CPU threads {figures['threads']}, {figures['images']}"


def _sizes(text: str) -> list[tuple[int, int]]:
    return [common.image_size(part) for part in text.split(",")]


def _precisions(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PRECISIONS]:
        raise argparse.ArgumentTypeError(f"expected {', '.join(PRECISIONS)} by commas, found {unknown[0]!r}")
    return names


def _contenders(args: argparse.Namespace, size: tuple[int, int], images: str, manifest: Any) -> Iterator[ContenderSpec]:
    group = f"{size[1]}x{size[0]}"
    yield from _networks(args, group, images, manifest)
    names = DEFAULT_BACKENDS[args.device] if args.backends is None else args.backends.split(",")
    for name in names if args.backends != "none" else ():
        for precision in args.precisions:
            entry = EngineEntry(args.engine, name, precision, size, group)
            yield engine_spec(entry, images, benchmark_plan.threads_of(args))


def _networks(args: argparse.Namespace, group: str, images: str, manifest: Any) -> Iterator[ContenderSpec]:
    """The network in torch: the baseline, and what people run today."""
    from ros_anomaly.benchmark.contender import ContenderSpec

    precisions = [precision for precision in args.precisions if precision != "int8"] or ["fp32"]
    if args.device == "cpu":
        precisions = ["fp32"]  # torch has no quick half precision there
    try:
        weights = str(weights_file(args.engine))
    except common.CliError as error:
        yield refused("torch eager", group, {}, str(error))
        return
    options = {
        "weights": weights,
        "images": images,
        "score": manifest.score,
        "aggregation": manifest.aggregation.value,
        "device": args.device,
        "threads": benchmark_plan.threads_of(args),
    }
    for number, precision in enumerate(precisions):
        for label, own in _kinds(precision, args.engines_only).items():
            yield ContenderSpec(
                f"{label} {precision}",
                _NETWORK,
                {**options, "precision": precision, **own},
                group,
                baseline=number == 0 and not own,
                facts={"kind": "network", "precision": precision},
            )


def _kinds(precision: str, baseline_only: bool) -> dict[str, dict[str, str]]:
    """Options of the network in torch by what it is called; those of the baseline are none."""
    if baseline_only:
        return {"torch eager": {}}
    cast = {"precision": "autocast"} if precision == "fp16" else {}
    return {
        "torch eager": {},
        **({"torch autocast": cast} if cast else {}),
        "torch compile": {"mode": "compile"},
        "full-size einsum": {"ending": "full_size_einsum", **cast},
        "transformers": {"ending": "transformers", **cast},
    }
