"""The files that ``evaluate_bag`` writes, and the lines that it prints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.evaluation.drives.compare import DriveComparison
    from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
    from ros_anomaly.evaluation.drives.pictures import DrivePictures
    from ros_anomaly.evaluation.sequences.drive import DriveSequence


_FILES = ("result.json", "frames.csv", "timings.json", "report.html", "compare.json", "changes.csv")
RESULT_BAG = "result_bag"


def remove_earlier(out: Path, bag: Path) -> None:
    """Remove what an earlier run wrote here, so that nothing of it stands beside new files or for a run that failed.

    Raises:
        ValueError: ``bag``, which is to be read, is among it.
        OSError: it cannot be removed.
    """
    result_bag = out / RESULT_BAG
    if result_bag.resolve() in (bag.resolve(), *bag.resolve().parents):
        raise ValueError(f"--out: expected another folder than that of the bag itself, found {out}")
    for name in _FILES:
        (out / name).unlink(missing_ok=True)
    if (result_bag / "metadata.yaml").is_file() and not result_bag.is_symlink():  # what is no bag, BagWriter refuses
        shutil.rmtree(result_bag)


def write_drive(
    out: Path,
    drive: EvaluatedDrive,
    result: Mapping[str, Any],
    seconds: float,
    command: str,
    pictures: DrivePictures | None,
    sequence: DriveSequence | None = None,
) -> None:
    """Write result.json, frames.csv, timings.json and, with ``pictures``, report.html."""
    from ros_anomaly.evaluation.drives.result import timings
    from ros_anomaly.evaluation.report.machine import machine_facts, machine_line

    write_json(out / "result.json", result)
    _write_text(out / "frames.csv", frames_table(drive))
    cameras = range(len(drive.cameras))
    measured = {
        **timings(drive, seconds),
        "streaming": [sequence.measured(number) for number in cameras] if sequence else None,
        "machine": machine_facts(),
        "command": command,
    }
    write_json(out / "timings.json", measured)
    if pictures is not None:
        from ros_anomaly.evaluation.drives.page import drive_page
        from ros_anomaly.evaluation.report import page

        engine = result["engine"]
        facts = {
            "command": command,
            "engine": f"{engine['name']} ({engine['backend']}, {engine['fingerprint'][:12]})",
            "machine": machine_line(),
        }
        reports = [sequence.of_the_drive(number) for number in cameras] if sequence else [None for _ in cameras]
        page.write(drive_page(drive, result, pictures, facts, reports), out / "report.html")


def write_comparison(
    out: Path, name: str, comparison: DriveComparison, figures: Mapping[str, Any], command: str, with_report: bool
) -> None:
    """Write compare.json, changes.csv and, if asked for, report.html."""
    from ros_anomaly.evaluation.drives.compare import changes_csv
    from ros_anomaly.evaluation.report.machine import machine_line

    write_json(out / "compare.json", figures)
    _write_text(out / "changes.csv", changes_csv(comparison.changes))
    if with_report:
        from ros_anomaly.evaluation.drives.compare_page import compare_page
        from ros_anomaly.evaluation.report import page

        facts = {"command": command, "machine": machine_line()}
        page.write(compare_page(name, figures, comparison.changes, facts), out / "report.html")


def frames_table(drive: EvaluatedDrive) -> str:
    """``frames.csv``: the rows of every camera, with its image topic in front."""
    from ros_anomaly.evaluation.drives.rows import as_csv

    tables = [
        as_csv(tally.rows, {"image_topic": topics.image})
        for topics, tally in zip(drive.cameras, drive.tallies, strict=True)
    ]
    return tables[0] + "".join(table.split("\n", 1)[1] for table in tables[1:])


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Write plain values as JSON, whole or not at all."""
    _write_text(path, json.dumps(common.to_plain(figures), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    from ros_anomaly.runtime.files import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


def drive_summary(result: Mapping[str, Any]) -> str:
    """A line for each camera."""
    return "\n".join(_camera_summary(result["drive"], camera) for camera in result["cameras"])


def comparison_summary(name: str, figures: Mapping[str, Any]) -> str:
    """What changed, in a line."""
    return (
        f"{name}: {figures['frames_changed']} of {figures['frames']} images changed, "
        f"{figures['levels_changed']} levels, {figures['flags_changed']} flags"
    )


def _camera_summary(drive: str, camera: Mapping[str, Any]) -> str:
    images, hazards, labels = camera["images"], camera["hazards"], camera["labels"]
    unknown_s = camera["levels"]["unknown"]["seconds"]
    text = (
        f"{drive} {camera['topics']['image']}: {images['processed']} of {images['read']} images processed, "
        f"hazards: {hazards['events']}, unknown: {unknown_s:.1f} s"
    )
    if labels is not None and labels["ap"] is not None:
        text += f", AP {labels['ap']:.4f}, recall {labels['recall']:.4f}"
    return text
