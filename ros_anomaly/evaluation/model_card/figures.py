"""Figures for a card, from what the executables wrote: each with the command that prints it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STREETS = {"street-test-1": "test", "validation": "validation"}


@dataclass(frozen=True)
class EvaluationFigures:
    """One evaluation of the engine.

    Attributes:
        title: what it was evaluated on.
        command: that prints it.
        frames: how many.
        miou, iou: of the known classes, ``iou`` by name and empty where it was not written.
        scores: figures by score name, as ``ros-anomaly-evaluate --json`` prints them.
        object_recall: by score name, likewise; may be empty.
        corruptions: by label, likewise; may be empty.
        machine: empty where it was not written.
    """

    title: str
    command: str
    frames: int
    miou: float | None
    iou: Mapping[str, float | None]
    scores: Mapping[str, Mapping[str, Any]]
    object_recall: Mapping[str, Mapping[str, Any]]
    corruptions: Mapping[str, Mapping[str, Any]]
    machine: str = ""


@dataclass(frozen=True)
class CalibrationFigures:
    """What ``ros-anomaly-calibrate --json`` printed, and the command."""

    command: str
    figures: Mapping[str, Any]


def read_evaluation(path: Path, label: str) -> EvaluationFigures:
    """An evaluation from the folder that ``--out`` left, or from the file that ``--json`` printed.

    Args:
        label: the engine's, where several were evaluated side by side.

    Raises:
        ValueError: neither, or no figures of this engine in it.
    """
    if path.is_dir():
        return _from_folder(path, label)
    plain = _json(path)
    try:
        own = plain["engines"][label] if "engines" in plain else plain
        if "protocol" in plain:
            title, split = plain["protocol"], _STREETS[plain["protocol"]]
            command = f"ros-anomaly-evaluate --street {split} --frames {plain['frames']}"
        else:
            title = f"{plain['dataset']} {plain['split']}".strip()
            command = shlex.join(["ros-anomaly-evaluate", "--dataset", plain["dataset"], "--split", plain["split"]])
        return _figures(str(title), command, int(plain["frames"]), own, {})
    except KeyError as error:
        raise ValueError(f"{path}: expected what ros-anomaly-evaluate --json prints, found no {error}") from error


def read_calibration(path: Path) -> CalibrationFigures:
    """A calibration from the file that ``--json`` printed. ValueError for anything else."""
    plain = _json(path)
    wanted = ("command", "threshold", "rule", "data", "false_hazards", "minutes", "false_hazards_per_10_min_below")
    if missing := [name for name in wanted if name not in plain]:
        raise ValueError(f"{path}: expected what ros-anomaly-calibrate --json prints, found no {missing[0]!r}")
    return CalibrationFigures(str(plain["command"]), plain)


def read_benchmark(path: Path) -> Mapping[str, Any]:
    """What ``ros-anomaly-benchmark node --json`` printed. ValueError for anything else."""
    plain = _json(path)
    wanted = ("machine", "backend", "frames", "image_size", "total_ms", "engine_ms")
    if missing := [name for name in wanted if name not in plain]:
        raise ValueError(f"{path}: expected what ros-anomaly-benchmark node --json prints, found no {missing[0]!r}")
    return plain


def _from_folder(folder: Path, label: str) -> EvaluationFigures:
    result, times = _json(folder / "result.json"), _json(folder / "timings.json")
    try:
        engines = result["engines"]
        label = next(iter(engines)) if len(engines) == 1 else label
        machine = times["machine"]
        return _figures(
            f"{result['source']} {result['split'] or ''}".strip(),
            times["commands"][label],
            int(result["frames"]),
            engines[label],
            engines[label].get("iou") or {},
            f"{machine['processor']}, {machine['cores']} cores",
        )
    except KeyError as error:
        raise ValueError(f"{folder}: expected what ros-anomaly-evaluate --out leaves, found no {error}") from error


def _figures(
    title: str,
    command: str,
    frames: int,
    own: Mapping[str, Any],
    iou: Mapping[str, float | None],
    machine: str = "",
) -> EvaluationFigures:
    return EvaluationFigures(
        title=title,
        command=command,
        frames=frames,
        miou=own["miou"],
        iou=iou,
        scores=own["scores"],
        object_recall=own.get("object_recall") or {},
        corruptions=own.get("corruptions") or {},
        machine=machine,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected a JSON file, found {error}") from None
    if not isinstance(plain, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(plain).__name__}")
    return plain
