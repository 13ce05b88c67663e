"""``ros-anomaly-model-card``: the card of an engine, from what training, evaluation and calibration wrote."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.evaluation.model_card.card import NetworkFacts
    from ros_anomaly.runtime.manifest import Manifest


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-model-card",
        description="Write the model card of an engine beside its manifest: how it was made, on which data, what it "
        "achieves, each figure with the command that prints it. Nothing of it is written by hand but the section on "
        "limits, which is kept from the card that is there.",
    )
    parser.add_argument("--engine", default="default", help="engine: name or manifest")
    parser.add_argument(
        "--run", nargs="+", type=common.existing_folder, default=[], metavar="OUT", help="folders of training, in order"
    )
    parser.add_argument(
        "--recipe", nargs="+", type=common.existing_file, default=[], metavar="FILE", help="recipe of each of the runs"
    )
    parser.add_argument(
        "--evaluation",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="folders that ros-anomaly-evaluate --out left, or files that its --json printed",
    )
    parser.add_argument(
        "--calibration", type=common.existing_file, metavar="FILE", help="what ros-anomaly-calibrate --json printed"
    )
    parser.add_argument(
        "--benchmark", type=common.existing_file, metavar="FILE", help="what ros-anomaly-benchmark node --json printed"
    )
    parser.add_argument(
        "--limits", type=common.existing_file, metavar="FILE", help="Markdown that takes the place of the old limits"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="card to write (default: the manifest's name, .md)")
    return parser


def write_card(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.model_card.card import ModelCard, render
    from ros_anomaly.evaluation.model_card.figures import read_benchmark, read_calibration, read_evaluation
    from ros_anomaly.evaluation.model_card.training import training_facts
    from ros_anomaly.runtime.files import write_atomically
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    if bool(args.run) != bool(args.recipe):
        raise common.CliError("--run: expected with --recipe, found one without the other", common.EXIT_BAD_ARGUMENTS)
    path = manifest_path(args.engine)
    manifest = load_manifest(path)
    out = args.out or path.with_suffix(".md")
    calibration = read_calibration(args.calibration) if args.calibration else None
    _check_threshold(manifest, None if calibration is None else calibration.figures["threshold"])
    card = ModelCard(
        manifest=manifest,
        network=_network(manifest, path.parent),
        training=training_facts(args.run, args.recipe) if args.run else None,
        evaluations=tuple(read_evaluation(one, manifest.name) for one in args.evaluation),
        calibration=calibration,
        benchmark=read_benchmark(args.benchmark) if args.benchmark else None,
        limits=_limits(args.limits, out),
    )
    write_atomically(out, render(card).encode())
    common.say(f"wrote {out}")


def _check_threshold(manifest: Manifest, calibrated: float | None) -> None:
    """A card must not speak of another threshold than the one in use."""
    own = None if manifest.threshold is None else manifest.threshold.value
    if own != calibrated:
        said = "a calibration" if own is not None else "none"
        raise common.CliError(
            f"--calibration: expected {said} with the manifest's threshold {own}, found {calibrated}; calibrate first"
        )


def _network(manifest: Manifest, folder: Path) -> NetworkFacts | None:
    from dataclasses import asdict

    from ros_anomaly.evaluation.model_card.card import NetworkFacts

    if "weights" not in manifest.files:
        return None
    from ros_anomaly.network.weights import read_weights

    weights = read_weights(manifest.file("weights", folder))
    return NetworkFacts(asdict(weights.config), sum(tensor.numel() for tensor in weights.tensors.values()))


def _limits(given: Path | None, card: Path) -> str:
    from ros_anomaly.evaluation.model_card.card import LIMITS, limits_of

    if given is not None:
        text = given.read_text(encoding="utf-8")
        return limits_of(text) or text.removeprefix(LIMITS).strip()
    kept = limits_of(card.read_text(encoding="utf-8")) if card.is_file() else None
    if kept is None:
        raise common.CliError(f"{card}: expected a section '{LIMITS}' to keep, or --limits FILE; found neither")
    return kept


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), write_card, argv)


if __name__ == "__main__":
    sys.exit(main())
