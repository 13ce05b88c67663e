"""Binds the simulator's anomaly-free drives to calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import library, missing_packages_in_one_line, renderer, worker_pool

if TYPE_CHECKING:
    from ros_anomaly.evaluation.replay import DriveImage

DRIVE_DURATION_S = 60.0
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class ClearDrive:
    """The ``index``-th drive of (H, W) = ``size``, to be recorded at ``path``."""

    path: Path
    index: int
    size: tuple[int, int]
    duration_s: float
    rate_hz: float


@missing_packages_in_one_line()
def record_drives(jobs: Sequence[ClearDrive], engine: str, backend: str, threads: int | None, workers: int) -> None:
    """Drive, and keep an engine's score maps; several drives at a time, each in a process with an engine of its own.

    Raises:
        CliError: EGL or the object models are missing; it names their Debian packages.
    """
    from concurrent.futures import as_completed

    if not jobs:
        return
    library().prepare(workers=workers)
    progress = common.Progress("recording anomaly-free drives", sum(round(j.duration_s * j.rate_hz) for j in jobs))
    workers = min(workers, len(jobs))
    # Drives side by side take a core each; the engine's own threads would only get in their way.
    threads = threads or (1 if workers > 1 else None)
    with worker_pool(workers) as pool:
        futures = {pool.submit(_record, job, engine, backend, threads): job for job in jobs}
        for future in as_completed(futures):
            progress.update(future.result())
    progress.finish()


def _record(job: ClearDrive, engine: str, backend: str, threads: int | None) -> int:
    from ros_anomaly.evaluation.replay import record
    from ros_anomaly.runtime.engines import load_engine

    loaded = load_engine(engine, backend, threads)
    try:
        track = record(loaded, clear_drive(job.index, job.size, job.duration_s, job.rate_hz))
    finally:
        loaded.close()
    track.save(job.path)
    return len(track.scores)


def clear_drive(index: int, size: tuple[int, int], duration_s: float, rate_hz: float) -> Iterator[DriveImage]:
    """Images (H, W) = ``size`` of the ``index``-th anomaly-free drive: a validation town and a weather of its own.

    Stamps start at one second of simulated time, so that the first is not taken for an unset one.
    """
    from ros_anomaly.evaluation.replay import DriveImage
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
    for frame in range(round(duration_s * rate_hz)):
        time_s = frame / rate_hz
        state = drive.state(time_s)
        image = sensor.apply(draw.render(state.scene, state.camera).image, rng)
        stamp_ns = _NS_PER_S + round(time_s * _NS_PER_S)
        yield DriveImage(image, stamp_ns, state.speed_mps, state.yaw_rate_radps)
