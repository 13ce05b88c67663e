"""Every backend of the machine held to torch in float32: the acceptance test of an installation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ros_anomaly.cli import benchmark_images, common, parity_cases

HELP = "what every backend of this machine gives, held to torch in float32"
DESCRIPTION = (
    "Run every backend that is found here, in every precision, over the same frames and compare scores, anomalous "
    "cells and classes with those of torch in float32. Each has a process of its own, so that a driver's fault is a "
    "line in the result; what is missing or refuses the device is listed with its message. Compiled engines are built "
    "first, or found in the cache. Fails where an engine differs by more than its bounds, where a backend of --require "
    "is not among those that agree, or where nothing ran."
)
_PRECISIONS = ("fp32", "fp16")
_SECONDS = 60


def add_arguments(parser: common.ArgumentParser) -> None:
    parser.add_argument("--engine", default="default", help="name of an engine or path of its manifest")
    parser.add_argument(
        "--half-engine",
        metavar="ENGINE",
        help="the same engine exported in fp16 elsewhere, where this machine cannot export (default: --engine's "
        "weights, exported here)",
    )
    parser.add_argument("--precisions", type=_precisions, default="fp32,fp16", metavar="NAME,…", help="by commas")
    parser.add_argument(
        "--backends", type=_backends, metavar="NAME,…", help="NAME[:DEVICE][:MODE], by commas (default: all)"
    )
    parser.add_argument(
        "--require", type=_backends, default="", metavar="NAME,…", help="backends that must agree in every precision"
    )
    parser.add_argument("--frames", type=common.positive_int, default=50, help="frames that are compared")
    parser.add_argument(
        "--limit-min", type=common.positive_float, default=5.0, help="minutes after which no more backends are tried"
    )
    benchmark_images.add_image_option(parser)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from ros_anomaly.benchmark.parity import hold_to_reference

    manifest = parity_cases.engine_manifest(args.engine)
    images = benchmark_images.contest_images(args.images, manifest.input_size, args.frames)
    engines = {"fp32": args.engine, "fp16": args.half_engine or args.engine}
    with TemporaryDirectory() as folder:
        path, reference = Path(folder) / "images.npy", Path(folder) / "reference.npz"
        benchmark_images.save_images(images, path)
        by = parity_cases.write_reference(args.engine, images.images, reference)
        threshold = manifest.threshold.value if manifest.threshold else None
        files = parity_cases.ParityFiles(str(path), str(reference), threshold)
        cases = parity_cases.parity_cases(engines, args.precisions, args.backends, files)
        outcomes = hold_to_reference(
            cases,
            len(images.images),
            _SECONDS * args.limit_min,
            lambda case: common.say(f"parity: {case.backend} {case.precision}"),
        )
    return {
        "engine": manifest.name,
        "reference": f"{by} fp32 on the CPU",
        "images": images.source,
        "frames": len(images.images),
        "threshold": threshold,
        "required": args.require,
        "backends": [outcome.plain() for outcome in outcomes],
    }


def failure(figures: Mapping[str, Any]) -> str:
    """Why the machine does not pass, in a line; empty where it does."""
    rows = figures["backends"]
    alike = {(row["backend"], row["precision"]) for row in rows if row["verdict"] == "alike"}
    problems = [
        f"{row['backend']} {row['precision']}: {row['message']}" for row in rows if row["verdict"] == "different"
    ]
    for precision in dict.fromkeys(row["precision"] for row in rows):
        problems += [
            f"expected {name} to agree in {precision}, found it does not"
            for name in figures["required"]
            if (name, precision) not in alike
        ]
    if not alike and not problems:
        problems.append("expected a backend that runs, found none")
    return "; ".join(problems)


def text(figures: Mapping[str, Any]) -> str:
    return "\n".join([_heading(figures), _table(figures).text(), *_untried(figures, "  ")])


def markdown(figures: Mapping[str, Any]) -> str:
    return "\n\n".join([_heading(figures), _table(figures).markdown(), "\n".join(_untried(figures, "- "))]).strip()


def _heading(figures: Mapping[str, Any]) -> str:
    return (
        f"engine {figures['engine']} against {figures['reference']}, {figures['frames']} frames of {figures['images']}"
    )


def _table(figures: Mapping[str, Any]) -> Any:
    from ros_anomaly.benchmark.table import Table, number

    headers = ("backend", "precision", "mean error", "largest", "decisions", "classes", "frames", "load s", "ms", "")
    rows = []
    for row in figures["backends"]:
        if not (parity := row["parity"]):
            continue
        values = [parity[key] for key in ("mean_error", "max_error", "decision_changes", "class_changes")]
        rows.append(
            (
                row["backend"],
                row["precision"],
                *map(number, values),
                str(parity["frames"]),
                number(row["load_s"]),
                number(row["median_ms"]),
                row["verdict"],
            )
        )
    return Table(headers, tuple(rows))


def _untried(figures: Mapping[str, Any], bullet: str) -> list[str]:
    return [
        f"{bullet}{row['backend']} {row['precision']}, {row['verdict']}: {row['message']}"
        for row in figures["backends"]
        if not row["parity"]
    ]


def _precisions(value: str) -> list[str]:
    names = value.split(",")
    if unknown := [name for name in names if name not in _PRECISIONS]:
        raise argparse.ArgumentTypeError(f"expected {', '.join(_PRECISIONS)} by commas, found {unknown[0]!r}")
    return names


def _backends(value: str) -> list[str]:
    from ros_anomaly.runtime.backends import BackendChoice

    try:
        return [str(BackendChoice.parse(part)) for part in value.split(",") if part]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
