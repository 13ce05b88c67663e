"""``ros-anomaly-measure``: figures of stored score maps by the convention of a benchmark."""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ros_anomaly.cli import common

CONVENTION_NAMES = ("smiyc-anomaly", "smiyc-obstacle", "fishyscapes")


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-measure",
        description="Measure score maps against labels. FILE is a numpy .npz with the arrays `scores` (floating, "
        "frames x height x width, higher is more anomalous) and `labels` (0 normal, 1 anomalous, 255 void). Pixels are "
        "pooled over frames. The smiyc conventions add component figures at the threshold of the best pixel F1.",
    )
    parser.add_argument("file", type=common.existing_file, metavar="FILE", help="the .npz file")
    parser.add_argument("--convention", choices=CONVENTION_NAMES, default="smiyc-anomaly", help="whose definitions")
    common.add_json_option(parser)
    return parser


def measure(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.conventions import CONVENTIONS
    from ros_anomaly.evaluation.conventions import measure as measure_frames

    scores, labels = _load(args.file)

    def frames() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return common.track(list(zip(scores, labels, strict=True)), "measuring")

    result = measure_frames(frames, CONVENTIONS[args.convention])
    components = result.components
    figures: dict[str, Any] = {
        "ap": result.ranking.ap,
        "auroc": result.ranking.auroc,
        "fpr95": result.ranking.fpr95,
        "best_f1": result.best_f1,
        "threshold": result.threshold,
        "siou": components.siou if components else None,
        "ppv": components.ppv if components else None,
        "f1_star": components.f1_star if components else None,
        "frames": result.frames,
        "pixels": result.pixels,
    }
    if args.json:
        common.print_json(figures)
        return
    print(f"{args.file} by {args.convention}:")
    for name, value in figures.items():
        shown = "undefined" if value is None else f"{value:.5f}" if isinstance(value, float) else str(value)
        print(f"  {name:<10} {shown}")


def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path) as stored:
            missing = {"scores", "labels"} - set(getattr(stored, "files", ()))
            if missing:
                raise common.CliError(f"{path}: expected the arrays 'scores' and 'labels', found no {min(missing)!r}")
            scores, labels = stored["scores"], stored["labels"]
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise common.CliError(f"{path}: expected a numpy .npz file, found {error}") from error
    if scores.ndim != 3 or labels.shape != scores.shape or not np.issubdtype(scores.dtype, np.floating):
        raise common.CliError(
            f"{path}: expected floating scores [n, H, W] and labels of the same shape, "
            f"found {scores.dtype} {scores.shape} and {labels.dtype} {labels.shape}"
        )
    return scores, labels


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
