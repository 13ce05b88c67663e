"""Anomaly-free drives for calibration, rendered ones and any others, and their score tracks in the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import library, missing_packages_in_one_line, renderer, worker_pool

if TYPE_CHECKING:
    from ros_anomaly.evaluation.score_track import DriveImage
    from ros_anomaly.hazard.ground import GroundProjection

DRIVE_DURATION_S = 60.0
_NS_PER_S = 1_000_000_000


class ClearDrive(Protocol):
    """An anomaly-free drive of one camera; crosses to worker processes."""

    @property
    def name(self) -> str:
        """As results call it."""
        ...

    @property
    def path(self) -> Path:
        """Where its score track lies once it is recorded."""
        ...

    @property
    def frames(self) -> int:
        """How many images there should be."""
        ...

    def images(self, size: tuple[int, int]) -> Iterable[DriveImage]:
        """Its images; ``size`` is (H, W) of an engine that would like to have them so."""
        ...


@dataclass(frozen=True)
class StreetDrive:
    """The ``index``-th drive through validation towns, to be recorded at ``path``."""

    path: Path
    index: int
    duration_s: float
    rate_hz: float

    @property
    def name(self) -> str:
        """As results call it."""
        return f"validation street {self.index}"

    @property
    def frames(self) -> int:
        return round(self.duration_s * self.rate_hz)

    def images(self, size: tuple[int, int]) -> Iterator[DriveImage]:
        """CliError where EGL or the object models are missing; it names their Debian packages."""
        return clear_drive(self.index, size, self.duration_s, self.rate_hz)


def street_drives(folder: Path, fingerprint: str, minutes: float, rate_hz: float) -> list[StreetDrive]:
    """As many drives of a minute as the time asks for, the last one shorter; tracks below ``folder``."""
    drives: list[StreetDrive] = []
    remaining_s = minutes * 60.0
    while remaining_s > 1e-6:
        duration_s = min(DRIVE_DURATION_S, remaining_s)
        name = f"street-{fingerprint}-{len(drives):03d}_{duration_s:g}s_{rate_hz:g}hz.npz"
        drives.append(StreetDrive(folder / name, len(drives), duration_s, rate_hz))
        remaining_s -= duration_s
    return drives


def record_drives(drives: Sequence[ClearDrive], engine: str, backend: str, threads: int | None, workers: int) -> None:
    """Drive, and keep an engine's score maps; several drives at a time, each in a process with an engine of its own.

    Drives whose track is there already are left alone.

    Raises:
        CliError: EGL or the object models are missing; it names their Debian packages.
    """
    from concurrent.futures import as_completed

    missing = [drive for drive in drives if not drive.path.exists()]
    if not missing:
        return
    if any(isinstance(drive, StreetDrive) for drive in missing):
        with missing_packages_in_one_line():
            library().prepare(workers=workers)
    progress = common.Progress("recording anomaly-free drives", sum(drive.frames for drive in missing))
    workers = min(workers, len(missing))
    # Drives side by side take a core each; the engine's own threads would only get in their way.
    threads = threads or (1 if workers > 1 else None)
    with worker_pool(workers) as pool:
        futures = [pool.submit(_record, drive, engine, backend, threads) for drive in missing]
        for future in as_completed(futures):
            progress.update(future.result())
    progress.finish()


def _record(drive: ClearDrive, engine: str, backend: str, threads: int | None) -> int:
    from ros_anomaly.evaluation.score_track import record
    from ros_anomaly.runtime.engines import load_engine

    loaded = load_engine(engine, backend, threads)
    try:
        return len(record(loaded, drive.images(loaded.input_size), drive.path))
    finally:
        loaded.close()


def street_ground(size: tuple[int, int]) -> GroundProjection:
    """Projection of the street camera for (H, W) = ``size`` images."""
    from ros_anomaly.hazard.ground import GroundProjection
    from ros_anomaly_sim.render.camera import Camera

    return GroundProjection.from_fov(size, Camera().horizontal_fov_rad)


def clear_drive(index: int, size: tuple[int, int], duration_s: float, rate_hz: float) -> Iterator[DriveImage]:
    """Images (H, W) = ``size`` of the ``index``-th anomaly-free drive: a validation town and a weather of its own.

    Stamps start at one second of simulated time, so that the first is not taken for an unset one.
    """
    from ros_anomaly.evaluation.score_track import DriveImage
    from ros_anomaly_sim.render.sensor import SensorModel
    from ros_anomaly_sim.street.drive import Drive
    from ros_anomaly_sim.street.splits import TOWN_SEEDS, Split
    from ros_anomaly_sim.street.weather import PRESETS

    towns = TOWN_SEEDS[Split.VALIDATION]
    town = towns[index % len(towns)]
    weather = PRESETS[index % len(PRESETS)]
    with missing_packages_in_one_line():
        drive = Drive(town, library(), duration_s=duration_s, anomalies=False, weather=weather)
        draw = renderer(size)
    rng = np.random.default_rng(town)
    sensor = SensorModel.sample(rng)
    ground = street_ground(size)
    for frame in range(round(duration_s * rate_hz)):
        time_s = frame / rate_hz
        state = drive.state(time_s)
        image = sensor.apply(draw.render(state.scene, state.camera).image, rng)
        stamp_ns = _NS_PER_S + round(time_s * _NS_PER_S)
        yield DriveImage(
            image,
            stamp_ns,
            stamp_ns,
            (state.speed_mps, state.yaw_rate_radps),
            (ground.fx, ground.fy, ground.cx, ground.cy),
        )
