"""Figures of an engine beside those of its scores, as JSON has them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ros_anomaly.evaluation.labelled.run import EngineReport
from ros_anomaly.evaluation.recall import ObjectRecall


def recall_summary(report: EngineReport) -> dict[str, Any]:
    """Objects found at the calibrated threshold, by score; ``near`` are those that must be found."""
    return {name: _recall(own) | {"threshold": report.thresholds[name]} for name, own in report.recall.items()}


def unfamiliar_summary(report: EngineReport) -> dict[str, Any]:
    """Frames of which the node says UNKNOWN for their scene, by score."""
    return {name: {"frames": count, "of": report.frames} for name, count in report.unfamiliar.items()}


def gains_summary(report: EngineReport) -> dict[str, Any]:
    """AP of UNO less that of each other score, and its interval."""
    return {
        name: {other: {"ap": gain.ap, "ci": [gain.low, gain.high]} for other, gain in own.items()}
        for name, own in report.gains.items()
    }


def _recall(own: ObjectRecall) -> dict[str, Any]:
    found = sum(found for found, _ in own.by_distance.values())
    plain: dict[str, Any] = {"recall": own.recall, "found": found, "objects": own.objects}
    if own.near is not None:
        plain["near"] = {"recall": own.near.share, **asdict(own.near)}
    bands = {band: {"found": found, "objects": objects} for band, (found, objects) in own.by_distance.items()}
    return plain | {"by_distance": bands}
