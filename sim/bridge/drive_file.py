"""What the bridge notes about its drive and its images for whoever records them: two small JSON files."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ros_anomaly_sim.street.drive import DriveAnomaly

DRIVE_FILE = "drive.json"
SUMMARY_FILE = "summary.json"


@dataclass(frozen=True)
class StreetObject:
    """An anomaly of a drive: where it stands in the odometry's frame (metres), ``in_corridor`` if it reaches within
    1.6 m of the middle of the ego's lane.
    """

    instance_id: int
    model: str
    position: tuple[float, float]
    in_corridor: bool

    @classmethod
    def of(cls, anomaly: DriveAnomaly) -> StreetObject:
        """An anomaly of a planned drive through a street."""
        x, y = anomaly.position[:2]
        return cls(int(anomaly.instance_id), anomaly.model, (float(x), float(y)), bool(anomaly.in_corridor))

    @property
    def label(self) -> str:
        """The model's name as a person would write it."""
        return self.model.replace("_", " ")


@dataclass(frozen=True)
class DriveFile:
    """``drive.json``: what is driven through. ``first_stamp_ns`` is the stamp of the first image that counts."""

    scenario: str
    map: str
    duration_s: float
    rate_hz: float
    first_stamp_ns: int
    objects: tuple[StreetObject, ...]

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all: somebody waits for it to appear."""
        _write(folder / DRIVE_FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> DriveFile:
        """Read the file; ValueError, KeyError or TypeError if it is not one."""
        values: dict[str, Any] = json.loads((folder / DRIVE_FILE).read_text(encoding="utf-8"))
        objects = tuple(
            StreetObject(**{**item, "position": (item["position"][0], item["position"][1])})
            for item in values.pop("objects")
        )
        return cls(**values, objects=objects)


@dataclass(frozen=True)
class DriveSummary:
    """``summary.json``: how many images were sent, and the stamps of those not answered in time."""

    sent: int
    unanswered_ns: tuple[int, ...]

    def save(self, folder: Path) -> None:
        """Write the file, whole or not at all."""
        _write(folder / SUMMARY_FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> DriveSummary:
        """Read the file; ValueError, KeyError or TypeError if it is not one."""
        values: dict[str, Any] = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
        return cls(int(values["sent"]), tuple(values["unanswered_ns"]))


def _write(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
    os.replace(partial, path)
