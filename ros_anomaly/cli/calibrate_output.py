"""What a calibration tells: as text, as JSON, and in the engine's manifest; the same for the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.evaluation.recall import ObjectRecall
    from ros_anomaly.training.calibration import CalibrationResult, CalibrationRule


@dataclass(frozen=True)
class DriveOutcome:
    """One drive: how many images, which (a fingerprint), minutes that count, when false hazards rose in it, and how
    many of the images have a scene that the node calls unfamiliar.
    """

    name: str
    frames: int
    fingerprint: str
    minutes: float
    false_hazards_s: tuple[float, ...]
    unfamiliar: int


@dataclass(frozen=True)
class Outcome:
    """A calibration.

    Attributes:
        of_streets: rendered drives; else a user's own.
        usual_score: what the ground of clear images hardly ever exceeds; None where that tells no scene from another.
        recall: of the streets' validation objects; None if it was not asked for.
        recall_frames: on so many frames; None for all of the protocol.
        settings: parameters of the hazard policy that the threshold rests on.
        command: that gives the same again; without folders.
    """

    rule: CalibrationRule
    result: CalibrationResult
    drives: tuple[DriveOutcome, ...]
    of_streets: bool
    backend: str
    usual_score: float | None
    recall: ObjectRecall | None
    recall_frames: int | None
    settings: Mapping[str, float | int | bool]
    command: str

    @property
    def recall_data(self) -> str | None:
        """What the recall was measured on."""
        if self.recall is None:
            return None
        frames = "all" if self.recall_frames is None else str(self.recall_frames)
        return f"{frames} frames of the streets' validation protocol"

    @property
    def data(self) -> str:
        """What the threshold and its figures rest on, in words."""
        if self.of_streets:
            drives = f"{len(self.drives)} rendered anomaly-free drives through validation towns"
        else:
            named = "; ".join(f"{own.name} ({own.frames} images, {own.fingerprint})" for own in self.drives)
            drives = f"the user's own anomaly-free drives {named}"
        told = [f"{drives}, {self.result.minutes:.2f} minutes on {self.backend}"]
        if self.recall is not None:
            told.append(
                f"object recall on {self.recall_data}" + ("" if self.of_streets else ", not on the user's roads")
            )
        return "; ".join(told)


def text(outcome: Outcome) -> str:
    """For people: the threshold, what it costs, what that proves, and what it finds."""
    result, rule = outcome.result, outcome.rule
    lines = [
        f"threshold {result.threshold:.4f}: {result.false_hazards} false hazards in {result.minutes:.1f} minutes, "
        f"{rule.allowed(result.minutes)} allowed",
        f"  with 95 % confidence the true rate is below {result.rate_bound_per_10_min:.3g} in 10 minutes",
    ]
    lines += [
        f"  {own.name}: false hazard at {', '.join(f'{time_s:.1f} s' for time_s in own.false_hazards_s)}"
        for own in outcome.drives
        if own.false_hazards_s
    ]
    if result.minutes < rule.per_minutes:
        lines.append(
            f"  the rule speaks of {rule.per_minutes:g} minutes: with {result.minutes:.1f} it allows "
            f"{rule.allowed(result.minutes)}, and more driving would prove more"
        )
    if outcome.usual_score is not None:
        unfamiliar, frames = (sum(getattr(own, name) for own in outcome.drives) for name in ("unfamiliar", "frames"))
        lines.append(
            f"  the ground of clear images scores at most {outcome.usual_score:.4f} in 99 of 100; unfamiliar, and so "
            f"UNKNOWN, are {unfamiliar} of {frames}"
        )
    if outcome.recall is not None:
        lines += _recall_lines(outcome.recall, outcome.recall_data or "")
    return "\n".join(lines)


def _recall_lines(recall: ObjectRecall, data: str) -> list[str]:
    share = "–" if recall.recall is None else f"{recall.recall:.3f}"
    lines = [f"{share} of {recall.objects} objects found in {data}"]
    lines += [f"  {band:<10} {found} of {seen}" for band, (found, seen) in recall.by_distance.items()]
    if recall.near is not None:
        lines.append(
            f"  in the corridor within 30 m, at least 60 pixels visible: {recall.near.found} of {recall.near.objects}"
        )
    return lines


def figures(outcome: Outcome) -> dict[str, Any]:
    """What ``--json`` prints."""
    result, recall = outcome.result, outcome.recall
    found: dict[str, Any] = {
        "command": outcome.command,
        "threshold": result.threshold,
        "rule": str(outcome.rule),
        "data": outcome.data,
        "false_hazards": result.false_hazards,
        "allowed": outcome.rule.allowed(result.minutes),
        "minutes": result.minutes,
        "false_hazards_per_10_min": 10.0 * result.false_hazards / result.minutes,
        "false_hazards_per_10_min_below": result.rate_bound_per_10_min,
        "drives": [
            {
                "name": own.name,
                "frames": own.frames,
                "fingerprint": own.fingerprint,
                "minutes": own.minutes,
                "false_hazards_s": list(own.false_hazards_s),
                "unfamiliar": own.unfamiliar,
            }
            for own in outcome.drives
        ],
        "usual_score": outcome.usual_score,
        "settings": dict(outcome.settings),
        "recall_data": outcome.recall_data,
    }
    if recall is not None:
        found |= {
            "object_recall": recall.recall,
            "objects": recall.objects,
            "object_recall_by_distance": recall.by_distance,
        }
        if recall.near is not None:
            found["object_recall_near"] = {"found": recall.near.found, "objects": recall.near.objects}
    return found | {"tried": [list(pair) for pair in result.tried]}


def write_threshold(path: Path, outcome: Outcome) -> Path:
    """Write the threshold of the engine's own score into the manifest at ``path``, which is returned.

    Raises:
        CliError: not a fused engine.
    """
    from ros_anomaly.runtime.manifest import load_manifest
    from ros_anomaly.runtime.threshold import Threshold

    manifest = load_manifest(path)
    if manifest.score is None:
        raise common.CliError(f"{path}: expected a fused engine with a score, found none")
    threshold = Threshold(
        value=outcome.result.threshold,
        rule=str(outcome.rule),
        data=outcome.data,
        figures=_manifest_figures(outcome),
        settings=dict(outcome.settings),
        backend=outcome.backend,
        usual_score=outcome.usual_score,
    )
    replace(manifest, thresholds={**manifest.thresholds, manifest.score: threshold}).save(path)
    return path


def _manifest_figures(outcome: Outcome) -> dict[str, float]:
    result, recall = outcome.result, outcome.recall
    found = {
        "false_hazards": float(result.false_hazards),
        "minutes": result.minutes,
        "false_hazards_per_10_min_below": result.rate_bound_per_10_min,
    }
    if recall is not None and recall.recall is not None:
        found |= {"object_recall": recall.recall, "objects": float(recall.objects)}
        found |= {f"object_recall {band}": hits / seen for band, (hits, seen) in recall.by_distance.items()}
        if recall.near is not None and recall.near.share is not None:
            found |= {"object_recall_near": recall.near.share, "objects_near": float(recall.near.objects)}
    return found
