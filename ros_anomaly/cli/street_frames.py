"""Binds the simulator's streets to training and evaluation as frame sources."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.cli.street_jobs import ShardJob, render_shards

if TYPE_CHECKING:
    from ros_anomaly.data.frame_store import FrameStore
    from ros_anomaly.training.recipe import DataConfig

STREET_SIZE = (360, 640)
PROTOCOLS = {"test": "street-test-1", "validation": "validation"}
"""What ``--street`` takes, and the protocol it names."""

_FRAMES_PER_TRAINING_TOWN = 40
_FIRST_NEGATIVES_TOWN = 500
_FRAMES_PER_DRIVE = 20
_FIRST_DRIVE_TOWN = 700


def street_source(split: str, frames: int | None = None, workers: int = 2) -> FrameStore:
    """Frames of a street protocol at 640x360 with instance ids, rendered once and kept in the cache.

    The cache is keyed by the simulator's own sources, so that a changed street is never mistaken for the old one.

    Args:
        split: "test" or "validation".
        frames: fewer than the protocol's own number, spread evenly over its towns; None for all.

    Raises:
        CliError: unknown split; or EGL or the object models are missing: it names their Debian packages.
    """
    from ros_anomaly.data.frame_store import FrameStore

    if split not in PROTOCOLS:
        raise common.CliError(f"street split: expected one of {', '.join(PROTOCOLS)}, found {split!r}")
    protocol = PROTOCOLS[split]
    # By their number, so that asking for all of them by number does not render them again.
    number = sum(job.frames for job in _protocol_jobs(Path(), protocol, frames, STREET_SIZE, sensor=True))
    folder = cache_folder("streets", f"{protocol}-{number}-{simulator_fingerprint()}")
    jobs = _protocol_jobs(folder, protocol, frames, STREET_SIZE, sensor=True)
    render_shards(jobs, workers, f"rendering {protocol}")
    return FrameStore(folder)


def training_source(frames: int = 400, workers: int = 2) -> FrameStore:
    """Frames of training towns without anomalies, by the camera of the protocols; rendered once, kept in the cache.

    Raises:
        CliError: EGL or the object models are missing.
    """
    from ros_anomaly.data.frame_store import FrameStore

    folder = cache_folder("streets", f"training-{frames}-{simulator_fingerprint()}")
    towns = range(-(-frames // _FRAMES_PER_TRAINING_TOWN))
    counts = [min(_FRAMES_PER_TRAINING_TOWN, frames - town * _FRAMES_PER_TRAINING_TOWN) for town in towns]
    jobs = [
        ShardJob(folder, f"town_{town:04d}", STREET_SIZE, "training", town, count)
        for town, count in zip(towns, counts, strict=True)
    ]
    render_shards(jobs, workers, "rendering training streets")
    return FrameStore(folder)


def ensure(data: DataConfig, folder: Path, workers: int = 2) -> None:
    """Render what training needs below ``folder``: train_clean, train_negatives, validation, cutouts.

    Complete shards are kept, so an interrupted run goes on where it stopped.

    Raises:
        CliError: the folder was rendered for another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, data)
    clean = _training_jobs(data, folder / "train_clean", "none", data.clean_frames, first_town=0)
    # Towns of their own, so that the two stores together show more of them.
    negatives = _training_jobs(
        data, folder / "train_negatives", "negatives", data.negative_frames, _FIRST_NEGATIVES_TOWN
    )
    validation = _protocol_jobs(folder / "validation", "validation", data.validation_frames, data.size, sensor=True)
    drives = _drive_jobs(data, folder / "train_clean")
    render_shards([*clean, *drives, *negatives, *validation], workers, "rendering training streets")
    if data.cutouts and not (folder / "cutouts" / "cutouts.json").exists():
        from ros_anomaly.cli.street_cutouts import render_cutouts

        render_cutouts(folder / "cutouts", data.cutouts, data.seed)


def object_kinds() -> dict[str, str]:
    """Training object → its kind, by which ``data.negative_kinds`` of a recipe chooses."""
    from ros_anomaly_sim.street.objects.negatives import NEGATIVES

    return {spec.name: spec.form for spec in NEGATIVES}


def _protocol_jobs(
    folder: Path, protocol: str, frames: int | None, size: tuple[int, int], sensor: bool
) -> list[ShardJob]:
    from ros_anomaly_sim.street.objects.library import ModelLibrary
    from ros_anomaly_sim.street.protocol import protocol_frames

    per_town = protocol_frames(protocol, ModelLibrary(), frames).per_town()
    return [
        ShardJob(folder, f"town_{town:04d}", size, protocol, town, count, sensor=sensor, instances=True)
        for town, count in per_town
        if count
    ]


def _training_jobs(
    data: DataConfig, folder: Path, anomaly: Literal["none", "negatives"], frames: int, first_town: int
) -> list[ShardJob]:
    from ros_anomaly_sim.street.splits import TOWN_SEEDS, Split

    counts = [min(_FRAMES_PER_TRAINING_TOWN, frames - start) for start in range(0, frames, _FRAMES_PER_TRAINING_TOWN)]
    limit = TOWN_SEEDS[Split.TRAIN].stop if first_town >= _FIRST_NEGATIVES_TOWN else _FIRST_NEGATIVES_TOWN
    if first_town + len(counts) > limit:  # the next towns hold the other kind of frames, or belong to another split
        most = (limit - first_town) * _FRAMES_PER_TRAINING_TOWN
        raise common.CliError(f"training frames, anomaly {anomaly!r}: expected at most {most}, found {frames}")
    return [
        ShardJob(folder, f"town_{town:04d}", data.size, "training", town, count, anomaly, data.seed, sensor=False)
        for town, count in enumerate(counts, first_town)
    ]


def _drive_jobs(data: DataConfig, folder: Path) -> list[ShardJob]:
    """Clean frames from the middle of the ego lane: its painted arrows are rarely ahead of the other viewpoints."""
    from ros_anomaly_sim.street.splits import TOWN_SEEDS, Split

    most = (TOWN_SEEDS[Split.TRAIN].stop - _FIRST_DRIVE_TOWN) * _FRAMES_PER_DRIVE
    if data.drive_frames > most:
        raise common.CliError(f"drive_frames: expected at most {most}, found {data.drive_frames}")
    starts = range(0, data.drive_frames, _FRAMES_PER_DRIVE)
    return [
        ShardJob(
            folder,
            f"drive_{town:04d}",
            data.size,
            "drive",
            town,
            min(_FRAMES_PER_DRIVE, data.drive_frames - start),
            sensor=False,
        )
        for town, start in enumerate(starts, _FIRST_DRIVE_TOWN)
    ]


def _claim(folder: Path, data: DataConfig) -> None:
    """Remember what the folder is rendered for; refuse to mix two configurations in it."""
    from ros_anomaly.data.frame_store import write_json_atomic

    wanted = {"size": list(data.size), "seed": data.seed, "simulator": simulator_fingerprint()}
    path = folder / "streets.json"
    if path.exists():
        found = json.loads(path.read_text())
        if {**found, "simulator": ""} != {**wanted, "simulator": ""}:
            raise common.CliError(
                f"{folder}: expected frames of {wanted}, found frames of {found}; choose another folder"
            )
        if found["simulator"] != wanted["simulator"]:
            common.say(f"{folder}: rendered by another version of the streets; complete shards are kept")
        return
    write_json_atomic(path, wanted)


def simulator_fingerprint() -> str:
    """Hash of the sources that decide what a street looks like: 12 hexadecimal digits."""
    import ros_anomaly_sim

    root = Path(ros_anomaly_sim.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("street/**/*"), *root.glob("render/**/*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
