"""The small recorded drive: what the default engine and the hazard code say of it, and how far that may drift.

``python test/regression_drive.py`` evaluates the drive and stores what came out as what is expected from now on; to be
run after a change that is meant to change it, such as a new default engine. ``--render`` draws the drive anew first.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ros_anomaly.cli import record_streets
from ros_anomaly.cli.evaluate_bag_drive import run_job
from ros_anomaly.cli.evaluate_bag_plan import Contestant, DriveJob, TopicNames
from ros_anomaly.nodes.settings import Settings
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import load_manifest

FOLDER = Path(__file__).parent / "regression"
DRIVE = FOLDER / "drive"
EXPECTED = FOLDER / "expected.json"
RENDERED_BY = ["--town", "1010", "--frames", "36", "--rate", "5", "--jpeg", "85", "--weather", "noon", "--seed", "0"]
LABELS = "/carla/ego_vehicle/ground_truth/class_ids"
ENGINE = "default"


@dataclass(frozen=True)
class Bounds:
    """How far a result may lie from the expected one.

    Wide enough for another processor's arithmetic and another version of ONNX Runtime, both of which move a score by
    less than a thousandth, and a frame that lies that close to the threshold; narrow enough for what a mistake does.
    """

    ap: float = 0.01
    auroc: float = 0.005
    miou: float = 0.01
    mean_max_score: float = 0.01  # mean over frames of how far the highest score moved
    mask_px_share: float = 0.03  # anomalous pixels that came or went, of all there were
    frames_of_another_level: int = 2
    nearest_m: float = 1.0


@dataclass(frozen=True)
class FrameResult:
    """What was said of one frame."""

    level: str
    max_score: float
    mask_px: int
    nearest_m: float | None


@dataclass(frozen=True)
class DriveResult:
    """What was said of the drive. ``engine_sha256`` tells whether the engine is another, and decides nothing."""

    engine_sha256: str
    figures: dict[str, float]
    frames: list[FrameResult]

    @classmethod
    def load(cls, path: Path) -> DriveResult:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(values["engine_sha256"], values["figures"], [FrameResult(**frame) for frame in values["frames"]])

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def evaluate(bag: Path, out: Path) -> DriveResult:
    """The drive through the code of ``evaluate_bag``."""
    job = DriveJob(
        bag=bag,
        out=out,
        contestants=(Contestant("", Settings.from_values({"engine": ENGINE})),),
        topics=TopicNames(labels=(LABELS,)),
        label_format="class-ids",
        write_bag=False,
        write_report=False,
    )
    outcome = run_job(job)
    if outcome.figures is None or outcome.problems:
        raise ValueError(f"{bag}: expected a drive without problems, found {outcome.problems}")
    labels = outcome.figures["cameras"][0]["labels"]
    with (out / "frames.csv").open(encoding="utf-8", newline="") as file:
        frames = [
            FrameResult(
                row["level"],
                float(row["max_score"]),
                int(row["mask_px"]),
                float(row["nearest_m"]) if row["nearest_m"] else None,
            )
            for row in csv.DictReader(file)
        ]
    figures = {name: float(labels[name]) for name in ("ap", "auroc", "miou")}
    return DriveResult(load_manifest(manifest_path(ENGINE)).files["onnx"].sha256, figures, frames)


def drift(found: DriveResult, expected: DriveResult, bounds: Bounds) -> list[str]:
    """What lies out of bounds, one line each; empty where nothing does."""
    if len(found.frames) != len(expected.frames):
        return [f"frames: expected {len(expected.frames)}, found {len(found.frames)}"]
    lines = []

    def hold(name: str, off: float, bound: float, was: object, now: object) -> None:
        if not off <= bound:
            lines.append(f"{name}: expected {was} within {bound:g}, found {now}, off by {off:.4g}")

    for name, figure in expected.figures.items():
        hold(name, abs(found.figures[name] - figure), getattr(bounds, name), figure, found.figures[name])
    pairs = list(zip(found.frames, expected.frames, strict=True))
    moved = float(np.mean([abs(now.max_score - was.max_score) for now, was in pairs]))
    hold("mean distance of the highest scores", moved, bounds.mean_max_score, 0, moved)
    pixels = sum(was.mask_px for _, was in pairs)
    changed = sum(abs(now.mask_px - was.mask_px) for now, was in pairs) / max(pixels, 1)
    hold("share of mask pixels that came or went", changed, bounds.mask_px_share, 0, changed)
    others = [index for index, (now, was) in enumerate(pairs) if now.level != was.level]
    hold("frames of another level", len(others), bounds.frames_of_another_level, "none", others)
    for index, (now, was) in enumerate(pairs):
        if now.nearest_m is not None and was.nearest_m is not None:
            off = abs(now.nearest_m - was.nearest_m)
            hold(f"frame {index}, nearest_m", off, bounds.nearest_m, was.nearest_m, now.nearest_m)
    return lines


def main() -> int:
    """Store what comes out now as what is expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--render", action="store_true", help="draw the drive anew")
    args = parser.parse_args()
    if args.render:
        status = record_streets.main(["--bag", str(DRIVE), "--overwrite", *RENDERED_BY])
        if status:
            return status
    with tempfile.TemporaryDirectory() as out:
        found = evaluate(DRIVE, Path(out))
    if EXPECTED.exists():
        for line in drift(found, DriveResult.load(EXPECTED), Bounds()) or ["within bounds of what was expected before"]:
            print(line)
    found.save(EXPECTED)
    print(f"stored {EXPECTED}: {found.figures}, levels {[frame.level for frame in found.frames]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
