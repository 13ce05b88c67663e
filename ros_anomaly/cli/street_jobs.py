"""Rendering shards of street frames, in as many processes as asked for (one renderer a process)."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.data.frames import Frame
    from ros_anomaly_sim.street.frames import FrameSpec


_DRIVE_S = 60.0


@dataclass(frozen=True)
class ShardJob:
    """One shard of a frame store: the frames of one town.

    Attributes:
        folder, shard: where it is written.
        size: (height, width).
        protocol: name of a street protocol, "training", or "drive": moments of a drive past nothing unusual.
        town, frames: how many frames of which town.
        anomaly, seed: of training frames; ``anomaly`` is "none" or "negatives".
        sensor: whether the camera's noise is applied where the frame asks for it. Training goes without:
            its augmentation draws another camera at every use.
        instances: whether instance ids are stored.
    """

    folder: Path
    shard: str
    size: tuple[int, int]
    protocol: str
    town: int
    frames: int
    anomaly: Literal["none", "negatives"] = "none"
    seed: int = 0
    sensor: bool = True
    instances: bool = False


@contextmanager
def missing_packages_in_one_line() -> Iterator[None]:
    """Turn "no EGL" and "no object models" into a CliError; both name the Debian packages that provide them."""
    from ros_anomaly_sim.render.context import MissingEglError
    from ros_anomaly_sim.street.objects.furniture import MissingModelsError

    try:
        yield
    except (MissingEglError, MissingModelsError) as error:
        raise common.CliError(str(error)) from error


@missing_packages_in_one_line()
def render_shards(jobs: Sequence[ShardJob], workers: int, label: str) -> None:
    """Render the shards that are missing; progress with ETA on standard error. The first failure ends the run.

    Raises:
        CliError: EGL or the object models are missing; it names their Debian packages.
    """
    from ros_anomaly.data.frame_store import FrameStoreWriter

    missing = [job for job in jobs if not FrameStoreWriter(job.folder, job.size).has_shard(job.shard)]
    if not missing:
        return
    from ros_anomaly_sim.street.objects.library import ModelLibrary

    ModelLibrary().prepare(workers=workers, progress=_model_progress)
    progress = common.Progress(label, sum(job.frames for job in missing), "frames")
    with worker_pool(min(workers, len(missing))) as pool:
        futures = {pool.submit(_render_shard, job): job for job in missing}
        for future in as_completed(futures):
            progress.update(future.result())
    progress.finish()


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for work that renders. They end with this one, and what waits is given up when the body fails."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _model_progress(done: int, total: int, name: str) -> None:
    if done == total or done % 20 == 0:
        common.say(f"preparing object models: {done}/{total} ({name})")


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work forever: it watches for that instead."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _render_shard(job: ShardJob) -> int:
    from ros_anomaly.data.frame_store import FrameStoreWriter

    return FrameStoreWriter(job.folder, job.size).write_shard(job.shard, _frames(job))


@functools.lru_cache(maxsize=1)
def library() -> Any:
    """This process's model library."""
    from ros_anomaly_sim.street.objects.library import ModelLibrary

    return ModelLibrary()


@functools.lru_cache(maxsize=1)
def renderer(size: tuple[int, int]) -> Any:
    """This process's renderer of the street camera at ``size``."""
    from ros_anomaly_sim.render.camera import Camera
    from ros_anomaly_sim.render.renderer import StreetRenderer

    return StreetRenderer(Camera(width=size[1], height=size[0]), library().load)


def _frames(job: ShardJob) -> Iterator[Frame]:
    from ros_anomaly_sim.street.frames import training_frames
    from ros_anomaly_sim.street.protocol import protocol_frame
    from ros_anomaly_sim.street.town import Town

    specs: Iterable[FrameSpec]
    if job.protocol == "drive":
        specs = _moments(job.town, job.frames)
    elif job.protocol == "training":
        specs = training_frames(library(), [job.town], job.frames, job.seed, job.anomaly)
    else:
        town = Town.generate(job.town, library())
        specs = (protocol_frame(job.protocol, town, frame, library()) for frame in range(job.frames))
    for spec in specs:
        yield render_frame(spec, job.size, job.sensor, job.instances)


def _moments(town: int, count: int) -> Iterator[FrameSpec]:
    """What the vehicle itself sees along a drive; its light follows from the town."""
    from ros_anomaly_sim.street.drive import Drive
    from ros_anomaly_sim.street.frames import FrameSpec
    from ros_anomaly_sim.street.weather import PRESETS

    weather = PRESETS[town % len(PRESETS)]
    drive = Drive(town, library(), _DRIVE_S, anomalies=False, weather=weather)
    for number in range(count):
        state = drive.state(_DRIVE_S * number / count)
        info = {"town": town, "frame": number, "weather": weather, "sensor_noise": False, "anomalies": []}
        yield FrameSpec(f"drive_{town:04d}_{number:03d}", state.scene, state.camera, info)


def render_frame(spec: FrameSpec, size: tuple[int, int], sensor: bool = True, instances: bool = True) -> Frame:
    """Render one specified frame; anomalies too small to be judged become void."""
    from ros_anomaly.data.frames import Frame
    from ros_anomaly_sim.street.protocol import void_small_anomalies

    rendered = renderer(size).render(spec.scene, spec.pose)
    image = rendered.image
    if sensor and spec.info["sensor_noise"]:
        from ros_anomaly_sim.render.sensor import SensorModel

        # A seed of the frame's own, so that it looks the same whichever process renders it.
        rng = np.random.default_rng(list(spec.name.encode()))
        image = SensorModel.sample(rng).apply(image, rng)
    anomalies = [entry["instance_id"] for entry in spec.info["anomalies"]]
    class_ids = void_small_anomalies(rendered.class_ids, rendered.instance_ids, anomalies)
    return Frame(spec.name, image, class_ids, rendered.instance_ids if instances else None, None, spec.info)
