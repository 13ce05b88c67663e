"""``ros-anomaly-calibrate``: choose the threshold of an engine by false alarms on anomaly-free drives."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.cli.clear_drives import DRIVE_DURATION_S, ClearDrive, record_drives
from ros_anomaly.cli.street_frames import simulator_fingerprint, street_source

if TYPE_CHECKING:
    from ros_anomaly.evaluation.replay import ScoreTrack
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.hazard.ground import GroundProjection
    from ros_anomaly.runtime.engines import FusedEngine
    from ros_anomaly.training.calibration import CalibrationResult, CalibrationRule


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-calibrate",
        description="Drive through validation towns without anomalies, find the lowest threshold at which false "
        "hazards stay within the rule, measure how many anomalous objects are found at it, and write it into the "
        "engine's manifest. Score maps of the drives are kept, so that a second run is quick.",
    )
    parser.add_argument("--engine", default="default", help="fused engine: name or manifest")
    parser.add_argument("--backend", default="onnxruntime", help="runtime that the engine runs on")
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")
    parser.add_argument("--minutes", type=common.positive_float, default=10.0, help="simulated time of the drives")
    parser.add_argument("--rate-hz", type=common.positive_float, default=10.0, help="images a second")
    parser.add_argument("--workers", type=common.positive_int, default=2, help="drives recorded at the same time")
    parser.add_argument("--max-false-hazards", type=float, default=1.0, help="allowed …")
    parser.add_argument("--per-minutes", type=common.positive_float, default=10.0, help="… in so many minutes")
    parser.add_argument("--frames", type=common.positive_int, help="validation frames for the object recall")
    parser.add_argument("--dry-run", action="store_true", help="leave the manifest as it is")
    common.add_json_option(parser)
    return parser


def calibrate(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.recall import object_recall
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.hazard.ground import GroundProjection
    from ros_anomaly.runtime.engines import load_engine
    from ros_anomaly.training.calibration import CalibrationRule
    from ros_anomaly_sim.render.camera import Camera

    rule = CalibrationRule(args.max_false_hazards, args.per_minutes)
    config = HazardConfig()
    engine = load_engine(args.engine, args.backend, args.threads)
    try:
        ground = GroundProjection.from_fov(engine.input_size, Camera().horizontal_fov_rad, config.camera)
        tracks = _tracks(engine, args)
        result = _search(tracks, config, ground, rule)
        frames = street_source("validation", args.frames)
        recall = object_recall(engine, common.track(frames, "object recall"), result.threshold, config.region)
    finally:
        engine.close()

    figures = {
        "threshold": result.threshold,
        "false_hazards": result.false_hazards,
        "minutes": result.minutes,
        "false_hazards_per_10_min": 10.0 * result.false_hazards / result.minutes,
        "object_recall": recall.recall,
        "objects": recall.objects,
        "object_recall_by_distance": recall.by_distance,
        "tried": [list(pair) for pair in result.tried],
    }
    if not args.dry_run:
        data = (
            f"{len(tracks)} anomaly-free drives through validation towns on {args.backend}; "
            f"object recall on {len(frames)} frames of the validation protocol"
        )
        _write(args.engine, result, rule, recall.recall, data)
    print(
        f"threshold {result.threshold:.4f}: {result.false_hazards} false hazards in {result.minutes:.1f} minutes, "
        f"{'–' if recall.recall is None else f'{recall.recall:.3f}'} of {recall.objects} validation objects found"
    )
    for band, (found, seen) in recall.by_distance.items():
        print(f"  {band:<10} {found} of {seen}")
    if args.json:
        common.print_json(figures)


def _tracks(engine: FusedEngine, args: argparse.Namespace) -> list[ScoreTrack]:
    """Score maps of as many drives as the time asks for, from the cache where they are there already."""
    from ros_anomaly.evaluation.replay import ScoreTrack

    role = "onnx" if args.backend == "onnxruntime" else "torch_program"
    key = f"{engine.manifest.files[role].sha256[:12]}-{args.backend}-{simulator_fingerprint()}"
    folder = cache_folder("calibration", key)
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[ClearDrive] = []
    remaining_s = args.minutes * 60.0
    while remaining_s > 1e-6:
        duration_s = min(DRIVE_DURATION_S, remaining_s)
        path = folder / f"drive_{len(jobs):03d}_{duration_s:g}s_{args.rate_hz:g}hz.npz"
        jobs.append(ClearDrive(path, len(jobs), engine.input_size, duration_s, args.rate_hz))
        remaining_s -= duration_s
    missing = [job for job in jobs if not job.path.exists()]
    record_drives(missing, args.engine, args.backend, args.threads, args.workers)
    return [ScoreTrack.load(job.path) for job in jobs]


def _search(
    tracks: Sequence[ScoreTrack], config: HazardConfig, ground: GroundProjection, rule: CalibrationRule
) -> CalibrationResult:
    import numpy as np

    from ros_anomaly.evaluation.replay import count_hazards, replay
    from ros_anomaly.training.calibration import choose_threshold

    progress = common.Progress("searching thresholds", unit="thresholds")

    def false_hazards(threshold: float) -> int:
        count = sum(count_hazards(replay(t, threshold, config, ground), t.stamps_ns) for t in tracks)
        progress.update(note=f"{count} false hazards at {threshold:.4f}")
        return count

    highest = float(max(track.scores.max() for track in tracks))
    lowest = float(np.median([np.median(track.scores) for track in tracks]))
    minutes = sum(track.duration_s for track in tracks) / 60.0
    result = choose_threshold(false_hazards, minutes, lowest, highest, rule)
    progress.finish()
    return result


def _write(engine: str, result: CalibrationResult, rule: CalibrationRule, recall: float | None, data: str) -> None:
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import Threshold, load_manifest

    path: Path = manifest_path(engine)
    manifest = load_manifest(path)
    if manifest.score is None:
        raise common.CliError(f"{path}: expected a fused engine with a score, found none")
    figures: dict[str, Any] = {
        "false_hazards": float(result.false_hazards),
        "minutes": result.minutes,
    }
    if recall is not None:
        figures["object_recall"] = recall
    threshold = Threshold(
        value=result.threshold,
        rule=str(rule),
        data=data,
        figures=figures,
    )
    replace(manifest, thresholds={**manifest.thresholds, manifest.score: threshold}).save(path)
    common.say(f"wrote the threshold of {manifest.score!r} into {path}")


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), calibrate, argv)


if __name__ == "__main__":
    sys.exit(main())
