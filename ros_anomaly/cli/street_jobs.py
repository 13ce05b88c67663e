"""Rendering shards of street frames, in as many processes as asked for (one renderer a process)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.data.frames import Frame
    from ros_anomaly_sim.street.protocol import FrameSpec


@dataclass(frozen=True)
class ShardJob:
    """One shard of a frame store: frames ``first:last`` of a protocol, or random frames of one training town.

    Attributes:
        folder, shard: where it is written.
        size: (height, width).
        protocol: name of a street protocol, or "training".
        first, last, total: frames of the protocol when it is cut to ``total`` frames.
        town, frames, anomaly, seed: of a training shard; ``anomaly`` is "none" or "negatives".
        keep_instances: whether instance ids are stored.
    """

    folder: Path
    shard: str
    size: tuple[int, int]
    protocol: str
    first: int = 0
    last: int = 0
    total: int | None = None
    town: int = 0
    frames: int = 0
    anomaly: str = "none"
    seed: int = 0
    keep_instances: bool = False

    @property
    def count(self) -> int:
        return self.frames if self.protocol == "training" else self.last - self.first


def render_shards(jobs: Sequence[ShardJob], workers: int, label: str) -> None:
    """Render the shards that are missing; progress with ETA on standard error. The first failure ends the run."""
    from ros_anomaly.data.frame_store import FrameStoreWriter

    missing = [job for job in jobs if not FrameStoreWriter(job.folder, job.size).has_shard(job.shard)]
    if not missing:
        return
    from ros_anomaly_sim.street.objects.library import ModelLibrary

    ModelLibrary().prepare(workers=workers, progress=_model_progress)
    progress = common.Progress(label, sum(job.count for job in missing), "frames")
    with ProcessPoolExecutor(min(workers, len(missing)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_render_shard, job): job for job in missing}
        try:
            for future in as_completed(futures):
                progress.update(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    progress.finish()


def _model_progress(done: int, total: int, name: str) -> None:
    if done == total or done % 20 == 0:
        common.say(f"preparing object models: {done}/{total} ({name})")


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
    from ros_anomaly_sim.street.protocol import protocol_frames, training_frames

    if job.protocol == "training":
        specs = iter(training_frames(library(), [job.town], job.frames, job.seed, job.anomaly))
    else:
        specs = protocol_frames(job.protocol, library(), job.total).specs(job.first, job.last)
    for spec in specs:
        yield render_frame(spec, job.size, job.keep_instances)


def render_frame(spec: FrameSpec, size: tuple[int, int], keep_instances: bool = True) -> Frame:
    """Render one specified frame, with sensor noise where it asks for it and tiny anomalies made void."""
    from ros_anomaly.data.frames import Frame
    from ros_anomaly_sim.render.sensor import SensorModel
    from ros_anomaly_sim.street.protocol import void_small_anomalies

    rendered = renderer(size).render(spec.scene, spec.pose)
    image = rendered.image
    if spec.info.get("sensor_noise", False):
        # A seed of the frame's own, so that a frame looks the same whichever process renders it.
        rng = np.random.default_rng(np.frombuffer(spec.name.encode(), np.uint8))
        image = SensorModel.sample(rng).apply(image, rng)
    anomalies = [entry["instance_id"] for entry in spec.info.get("anomalies", [])]
    class_ids = void_small_anomalies(rendered.class_ids, rendered.instance_ids, anomalies)
    instances = rendered.instance_ids if keep_instances else None
    return Frame(spec.name, image, class_ids, instances, None, spec.info)
