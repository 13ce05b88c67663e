"""How fast this machine renders."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.scene import CameraPose, Scene


@dataclass(frozen=True)
class RenderTimes:
    """Wall and CPU time (all threads) of frames after the warm-up, read-back included, and what drew them."""

    gl_renderer: str
    software: bool
    frames: int
    median_ms: float
    percentile_95_ms: float
    cpu_median_ms: float

    @property
    def frames_per_s(self) -> float:
        """Frames a second at the median."""
        return 1000.0 / self.median_ms


def time_frames(
    renderer: StreetRenderer, views: Iterable[tuple[Scene, CameraPose]], warm_up_frames: int = 3
) -> RenderTimes:
    """Render the views in order and time them; the first ones load models and count as warm-up.

    Raises ValueError where no view is left after the warm-up.
    """
    wall_ms, cpu_ms = [], []
    for scene, pose in views:
        wall, cpu = time.perf_counter(), time.process_time()
        renderer.render(scene, pose)
        wall_ms.append(1000 * (time.perf_counter() - wall))
        cpu_ms.append(1000 * (time.process_time() - cpu))
    timed = wall_ms[warm_up_frames:]
    if not timed:
        raise ValueError(f"views: expected more than {warm_up_frames} (the warm-up), found {len(wall_ms)}")
    return RenderTimes(
        renderer.gl_renderer,
        renderer.software,
        len(timed),
        float(np.median(timed)),
        float(np.percentile(timed, 95)),
        float(np.median(cpu_ms[warm_up_frames:])),
    )
