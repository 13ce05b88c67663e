"""``ros-anomaly-measure``: figures of stored score maps by the convention of a benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ros_anomaly.cli import common
from ros_anomaly.cli.progress import Progress
from ros_anomaly.cli.score_file import ScoreFile

CONVENTION_NAMES = ("smiyc-anomaly", "smiyc-obstacle", "fishyscapes", "caos")


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-measure",
        description="Measure score maps against labels. FILE is a numpy .npz with the arrays `scores` (floating, "
        "frames x height x width, higher is more anomalous) and `labels` (0 normal, 1 anomalous, 255 void). It is read "
        "frame by frame. Pixels are pooled over frames; caos instead averages the figures of the images that have "
        "anomalous pixels, and takes void for normal. The smiyc conventions add component figures at the threshold of "
        "the best pixel F1, for which the file is read twice.",
    )
    parser.add_argument("file", type=common.existing_file, metavar="FILE", help="the .npz file")
    parser.add_argument("--convention", choices=CONVENTION_NAMES, default="smiyc-anomaly", help="whose definitions")
    common.add_json_option(parser)
    return parser


def measure(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.conventions import CONVENTIONS
    from ros_anomaly.evaluation.conventions import measure as measure_frames

    convention = CONVENTIONS[args.convention]
    file = ScoreFile(args.file)
    progress = Progress("measuring", len(file) * (2 if convention.needs_second_pass else 1))

    def frames() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for frame in file.frames():
            yield frame
            progress.update()

    result = measure_frames(frames, convention)
    progress.finish()
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


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
