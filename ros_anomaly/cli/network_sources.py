"""The network that an export starts from: weights of ours, or a public checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.data.labels import KNOWN_CLASSES, ClassSet

if TYPE_CHECKING:
    from ros_anomaly.network.model import AnomalyNetwork


@dataclass(frozen=True)
class NetworkSource:
    """A network, its K inlier classes, and what its weights and engines say of it."""

    network: AnomalyNetwork
    classes: ClassSet
    info: Mapping[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a checkpoint may need to be told."""
    from ros_anomaly.network.backbone_shapes import RESNETS, SWINS

    known = " or ".join(classes.name for classes in KNOWN_CLASSES)
    parser.add_argument(
        "--classes",
        type=class_set,
        metavar="NAME|FILE",
        help=f"inlier classes of the network in the order of their ids: {known}, or a YAML file with a list of names "
        "or of {name: road, colour: [128, 64, 128]} (default: what weights or config.json say)",
    )
    parser.add_argument("--variant", choices=(*RESNETS, *SWINS), help="backbone that the checkpoint must have")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="BEGINNING",
        help="leave out tensors of the checkpoint whose names begin so, such as an extra head; may be repeated",
    )
    parser.add_argument(
        "--save-weights", type=Path, metavar="FILE", help="write the checkpoint as weights of ours, for fine-tuning"
    )


def class_set(text: str) -> ClassSet:
    """argparse type: a known set of classes by name, or a YAML file of a user's own."""
    for classes in KNOWN_CLASSES:
        if text == classes.name:
            return classes
    path = Path(text)
    if not path.is_file():
        known = ", ".join(classes.name for classes in KNOWN_CLASSES)
        raise argparse.ArgumentTypeError(f"expected {known} or an existing YAML file, found {text!r}")
    try:
        return _read_classes(path)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _read_classes(path: Path) -> ClassSet:
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected YAML, found {error}") from error
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path}: expected a list of classes, found {type(entries).__name__}")
    if all(isinstance(entry, str) for entry in entries):
        return ClassSet.of_names(entries)
    names, colours = [], []
    for entry in entries:
        if not isinstance(entry, Mapping) or set(entry) != {"name", "colour"}:
            raise ValueError(f"{path}: expected names, or a name and a colour in every entry; found {entry!r}")
        names.append(str(entry["name"]))
        colours.append(_colour(entry["colour"], path))
    return ClassSet("own", tuple(names), tuple(colours))


def _colour(value: object, path: Path) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3 or not all(type(c) is int and 0 <= c <= 255 for c in value):
        raise ValueError(f"{path}: expected a colour of three numbers from 0 to 255, found {value!r}")
    return value[0], value[1], value[2]


def open_network(args: argparse.Namespace) -> NetworkSource:
    """What ``--weights`` or ``--checkpoint`` names, with the outlier class where what is asked for needs it.

    Raises:
        FileNotFoundError, WeightsError, CheckpointImportError: nothing there, or nothing that is a network.
        CliError: nobody says what the classes are, or another number of them than the network has.
    """
    return _ours(args) if args.weights else _imported(args)


def _ours(args: argparse.Namespace) -> NetworkSource:
    from ros_anomaly.network.class_info import classes_from_info, classes_to_info
    from ros_anomaly.network.weights import load_weights

    network, info = load_weights(args.weights)
    count = network.config.inlier_classes
    classes = args.classes or classes_from_info(info, count)
    if classes is None:
        raise common.CliError(f"{args.weights}: expected --classes for its {count} classes, found no names in it")
    if classes.count != count:
        raise common.CliError(f"--classes: expected {count} classes, as {args.weights} has; found {classes.count}")
    return NetworkSource(network, classes, {**info, "classes": classes_to_info(classes)})


def _imported(args: argparse.Namespace) -> NetworkSource:
    from ros_anomaly.network.checkpoints.load import import_checkpoint
    from ros_anomaly.network.class_info import classes_to_info
    from ros_anomaly.network.extend import extend_with_outlier
    from ros_anomaly.scores.names import OUTLIER_SCORE_NAMES

    inlier_classes = args.classes.count if args.classes else None
    imported = import_checkpoint(args.checkpoint, inlier_classes, args.variant, args.ignore)
    network = imported.network
    common.say(f"{args.checkpoint}: {imported.summary}")
    classes = args.classes or ClassSet.of_names(imported.names or ())
    if not network.config.outlier_class and (
        args.save_weights or args.kind == "raw" or args.score in OUTLIER_SCORE_NAMES
    ):
        extend_with_outlier(network)
        common.say(
            "a closed-set checkpoint: the outlier class is new and starts at zero. Until it is fine-tuned "
            "(--save-weights, then ros-anomaly-train --stage outlier --start), scores such as rba, eam or max_logit "
            "say more"
        )
    info = {
        "checkpoint": args.checkpoint.name,
        "imported": imported.summary,
        "classes": classes_to_info(classes),
    }
    return NetworkSource(network, classes, info)
