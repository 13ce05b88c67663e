"""What ``evaluate`` is asked to look at: street protocols and datasets, opened by their names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.street_frames import (
    PROTOCOLS,
    STREET_SIZE,
    simulator_fingerprint,
    street_source,
    training_source,
)
from ros_anomaly.cli.street_kinds import FramesWithKinds

if TYPE_CHECKING:
    from ros_anomaly.data.datasets.source import LabelledSource
    from ros_anomaly.evaluation.labelled.source import EvaluationSource
    from ros_anomaly.evaluation.recall import NearRule


def open_street(split: str, frames: int | None, seen_kinds: Sequence[str] | None = None) -> EvaluationSource:
    """Frames of a street protocol; ``frames`` spreads fewer evenly over its towns.

    ``seen_kinds`` are kinds of objects that training had as negatives; see ``FramesWithKinds``.
    """
    from ros_anomaly.data.frames import LabelKind
    from ros_anomaly.evaluation.labelled.source import EvaluationSource

    store = street_source(split, frames)
    protocol = PROTOCOLS[split]
    fingerprint = f"{protocol}-{len(store)}-{simulator_fingerprint()}"
    if seen_kinds is not None:
        fingerprint += f"-{','.join(sorted(seen_kinds))}"
    return EvaluationSource(protocol, FramesWithKinds(store, seen_kinds), fingerprint, LabelKind.CLASS_IDS)


def street_near_rule() -> NearRule:
    """Which objects of a street must be found, for its own camera."""
    from ros_anomaly.evaluation.recall import NearRule
    from ros_anomaly.hazard.ground import GroundProjection
    from ros_anomaly_sim.render.camera import Camera

    return NearRule(GroundProjection.from_fov(STREET_SIZE, Camera().horizontal_fov_rad))


def open_training_streets() -> EvaluationSource:
    """Frames of training towns, without anomalies."""
    from ros_anomaly.data.frames import LabelKind
    from ros_anomaly.evaluation.labelled.source import EvaluationSource

    store = training_source()
    fingerprint = f"training-{len(store)}-{simulator_fingerprint()}"
    return EvaluationSource("training", store, fingerprint, LabelKind.CLASS_IDS)


def open_dataset(args: argparse.Namespace) -> EvaluationSource:
    """Frames of ``--dataset`` in ``--folder``; what is missing in it is said, a line each, or refused."""
    from ros_anomaly.data.datasets.registry import open_dataset as open_labelled
    from ros_anomaly.data.frames import LabelKind

    label_kind = LabelKind(args.label_format) if args.label_format else None
    labelled = open_labelled(
        args.dataset,
        args.folder,
        args.split,
        label_kind=label_kind,
        images=args.images,
        allow_missing=args.allow_missing,
    )
    for line in labelled.missing:
        common.say(f"left out: {line}")
    return _as_source(labelled, args.frames)


def check_fit_apart(fit: EvaluationSource, evaluated: EvaluationSource) -> None:
    """CliError where both are of one folder and split, so that statistics would be taken on evaluated frames."""
    if fit.place and fit.place == evaluated.place:
        raise common.CliError(
            f"--fit: expected other frames than those evaluated (another split, NAME/SPLIT:FOLDER, or training), "
            f"found {fit.title} in {fit.place.removesuffix(fit.split).rstrip()} for both",
            common.EXIT_BAD_ARGUMENTS,
        )


def open_fit_source(text: str) -> EvaluationSource:
    """Frames to take statistics from: ``training`` or ``validation`` (streets), or ``NAME[/SPLIT]:FOLDER`` (a dataset).

    Raises:
        CliError: anything else.
    """
    from ros_anomaly.data.datasets.registry import DATASETS
    from ros_anomaly.data.datasets.registry import open_dataset as open_labelled

    if text == "validation":
        return open_street("validation", None)
    if text == "training":
        return open_training_streets()
    name, colon, folder = text.partition(":")
    name, _, split = name.partition("/")
    if not colon or name not in DATASETS:
        raise common.CliError(
            f"--fit: expected training, validation or NAME[/SPLIT]:FOLDER with a NAME of {', '.join(DATASETS)}; "
            f"found {text!r}",
            common.EXIT_BAD_ARGUMENTS,
        )
    return _as_source(open_labelled(name, Path(folder).expanduser(), split or None), None)


def _as_source(labelled: LabelledSource, frames: int | None) -> EvaluationSource:
    from ros_anomaly.evaluation.labelled.source import EvaluationSource, EvenlyChosen

    chosen = labelled if frames is None else EvenlyChosen(labelled, frames)
    fingerprint = f"{labelled.fingerprint}-{len(chosen)}"
    place = f"{labelled.root.resolve()} {labelled.split}"
    return EvaluationSource(labelled.name, chosen, fingerprint, labelled.label_kind, labelled.split, place)
