"""Binds the simulator's streets to training and evaluation as frame sources."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.cli.street_jobs import ShardJob, render_shards

if TYPE_CHECKING:
    from ros_anomaly.data.frames import FrameSource
    from ros_anomaly.training.recipe import DataConfig

STREET_SIZE = (360, 640)
PROTOCOLS = {"test": "street-test-1", "validation": "validation"}
"""What ``--street`` takes, and the protocol it names."""

_FRAMES_PER_SHARD = 30
_FRAMES_PER_TRAINING_TOWN = 40


def street_source(split: str, frames: int | None = None, workers: int = 2) -> FrameSource:
    """Frames of a street protocol at 640x360 with instance ids, rendered once and kept in the cache.

    The cache is keyed by the simulator's own sources, so that a changed street is never mistaken for the old one.

    Args:
        split: "test" or "validation".
        frames: fewer than the protocol's 600, spread over its towns; None for all.

    Raises:
        CliError: unknown split. MissingModelsError, MissingEglError: what Debian packages are missing.
    """
    from ros_anomaly.data.frame_store import FrameStore, FrameStoreWriter
    from ros_anomaly_sim.street.protocol import protocol_length

    if split not in PROTOCOLS:
        raise common.CliError(f"street split: expected one of {', '.join(PROTOCOLS)}, found {split!r}")
    protocol = PROTOCOLS[split]
    total = protocol_length(protocol, frames)
    folder = cache_folder("streets", f"{protocol}-{total}-{simulator_fingerprint()}")
    FrameStoreWriter(folder, STREET_SIZE)
    jobs = [
        ShardJob(
            folder,
            f"frames_{first:04d}",
            STREET_SIZE,
            protocol,
            first,
            min(first + _FRAMES_PER_SHARD, total),
            total,
            keep_instances=True,
        )
        for first in range(0, total, _FRAMES_PER_SHARD)
    ]
    render_shards(jobs, workers, f"rendering {protocol}")
    return FrameStore(folder)


def ensure(data: DataConfig, folder: Path, workers: int = 2) -> None:
    """Render what training needs below ``folder``: train_clean, train_negatives, validation, cutouts.

    Complete shards are kept, so an interrupted run goes on where it stopped.

    Raises:
        CliError: the folder was rendered for another configuration.
    """
    from ros_anomaly_sim.street.protocol import protocol_length

    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, data)
    jobs = _training_jobs(data, folder, "train_clean", "none", data.clean_frames, first_town=0)
    towns_used = len(jobs)
    jobs += _training_jobs(data, folder, "train_negatives", "negatives", data.negative_frames, first_town=towns_used)
    total = protocol_length("validation", data.validation_frames)
    jobs += [
        ShardJob(
            folder / "validation",
            f"frames_{first:04d}",
            data.size,
            "validation",
            first,
            min(first + _FRAMES_PER_SHARD, total),
            total,
        )
        for first in range(0, total, _FRAMES_PER_SHARD)
    ]
    if data.cutouts and not (folder / "cutouts" / "cutouts.json").exists():
        from ros_anomaly.cli.street_cutouts import render_cutouts

        render_cutouts(folder / "cutouts", data.cutouts, data.seed)
    render_shards(jobs, workers, "rendering training streets")


def _training_jobs(
    data: DataConfig, folder: Path, store: str, anomaly: str, frames: int, first_town: int
) -> list[ShardJob]:
    jobs = []
    for index, start in enumerate(range(0, frames, _FRAMES_PER_TRAINING_TOWN)):
        town = first_town + index
        jobs.append(
            ShardJob(
                folder / store,
                f"town_{town:04d}",
                data.size,
                "training",
                town=town,
                frames=min(_FRAMES_PER_TRAINING_TOWN, frames - start),
                anomaly=anomaly,
                seed=data.seed,
            )
        )
    return jobs


def _claim(folder: Path, data: DataConfig) -> None:
    """Remember what the folder is rendered for; refuse to mix two configurations in it."""
    from ros_anomaly.data.frame_store import write_json_atomic

    wanted = {"size": list(data.size), "seed": data.seed, "simulator": simulator_fingerprint()}
    path = folder / "streets.json"
    if path.exists():
        found = json.loads(path.read_text())
        if {**found, "simulator": ""} != {**wanted, "simulator": ""}:
            raise common.CliError(f"{folder}: expected frames of {wanted}, found frames of {found}; choose another folder")
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


