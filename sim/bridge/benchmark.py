"""Times server and bridge as a detector's user meets them: the embedded server renders, the bridge publishes.

Nobody listens, and nobody is waited for: every tick makes an image of each kind, and the next tick follows at once.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node

from ros_anomaly.limits import check_within
from ros_anomaly.nodes.graph import on_graph
from ros_anomaly.share import own_graph_environment
from ros_anomaly_sim.bridge.bridge_node import NAME, BridgePort
from ros_anomaly_sim.bridge.bridge_settings import DEFAULT_MAP, BridgeSettings
from ros_anomaly_sim.bridge.server_process import ServerProcess, server_command
from ros_anomaly_sim.bridge.stage import Stage, StageOptions
from ros_anomaly_sim.bridge.world_hold import connect

_DELTA_S = 0.05
_SPEED_KMH = 30.0
_CONNECT_S = 60.0
_IMAGE_TIMEOUT_S = 60.0

ServerCommand = Callable[[str], list[str]]


@dataclass(frozen=True)
class BridgeBenchmark:
    """What to time: ``ticks`` after ``warmup`` on a map, with images of ``size`` (height, width)."""

    ticks: int = 200
    warmup: int = 20
    size: tuple[int, int] = (360, 640)
    cameras: tuple[str, ...] = ("rgb", "semantic", "instance")
    map: str = DEFAULT_MAP
    camera_model: str = "ordinary"

    def __post_init__(self) -> None:
        check_within("ticks", self.ticks, 2, 1000)
        check_within("warmup", self.warmup, 0, 1000)

    def settings(self) -> BridgeSettings:
        """The bridge's: a straight drive that is long enough. ValueError for a bad size, camera or map."""
        route_m = min(1000.0, 40.0 + (self.ticks + self.warmup) * _DELTA_S * _SPEED_KMH / 3.6)
        return BridgeSettings.from_values(
            {
                "map": self.map,
                "route_m": route_m,
                "speed_kmh": _SPEED_KMH,
                "delta_s": _DELTA_S,
                "sensor_tick_s": _DELTA_S,
                "image_height": self.size[0],
                "image_width": self.size[1],
                "cameras": ",".join(self.cameras),
                "lockstep": False,
                "speed": 0.0,
            }
        )


def run_benchmark(
    plan: BridgeBenchmark, on_tick: Callable[[], None] = lambda: None, command: ServerCommand | None = None
) -> dict[str, Any]:
    """Drive ``plan.ticks`` ticks; ``on_tick`` is called after each, those of the warm-up included.

    Args:
        command: makes the server's command line from the map's name (None: the embedded server as installed); it is
            given ``--timing FILE`` besides.

    Returns:
        ``ticks_per_s``, and in milliseconds, median and p99 each: ``tick_ms`` from one tick to the next, ``step_ms``
        from asking the server for it to holding its images, ``publish_ms`` of messages made and handed over;
        ``server`` with ``render_ms``, ``other_ms`` (all of a tick that is not rendering: motion, world state, sensor
        noise, encoding, sending) and ``overhead_share``, the other's part of the sum of both over all ticks;
        ``missed_images`` and what was timed on what.

    Raises:
        ServerDied, RuntimeError: the server did not start, or is gone.
        ValueError: the plan makes no drive.
    """
    settings = plan.settings()
    make = command or (lambda town: server_command(town, plan.camera_model))
    with tempfile.TemporaryDirectory() as folder, _graph() as node:
        timing = Path(folder) / "timing.json"
        port = BridgePort(node, settings, None)
        try:
            with ServerProcess([*make(plan.map), "--timing", str(timing)]) as server:
                client = connect("127.0.0.1", server.port, _CONNECT_S)
                options = StageOptions(settings.cameras, _DELTA_S, image_timeout_s=_IMAGE_TIMEOUT_S)
                with Stage(client, settings.scenario, options) as stage:
                    rows = _drive(stage, port, plan, on_tick)
                    missed = stage.missed_images
        finally:
            port.close()
        served = json.loads(timing.read_text(encoding="utf-8"))
    steps, publishing, whole = (1e3 * column for column in np.array(rows[plan.warmup :]).T)
    return {
        "map": plan.map,
        "image_size": f"{plan.size[1]}x{plan.size[0]}",
        "cameras": list(plan.cameras),
        "camera_model": plan.camera_model,
        "ticks": len(whole),
        "ticks_per_s": float(len(whole) / (whole.sum() / 1e3)),
        "tick_ms": _summary(whole),
        "step_ms": _summary(steps),
        "publish_ms": _summary(publishing),
        "server": _server_figures(served["with_images"][-len(whole) :]),
        "missed_images": missed,
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
    }


def _drive(
    stage: Stage, port: BridgePort, plan: BridgeBenchmark, on_tick: Callable[[], None]
) -> list[tuple[float, float, float]]:
    """Seconds of every tick: for its images, for publishing them, and altogether."""
    port.publish_moment(stage.warm_up())
    rows = []
    begun = time.perf_counter()
    for _ in range(plan.warmup + plan.ticks):
        moment = stage.step(stage.scene.driver.control(_SPEED_KMH / 3.6))
        stepped = time.perf_counter()
        port.publish_moment(moment)
        port.listen(0.0)
        ended = time.perf_counter()
        rows.append((stepped - begun, ended - stepped, ended - begun))
        begun = ended
        on_tick()
    return rows


def _server_figures(ticks: Sequence[dict[str, float]]) -> dict[str, Any]:
    total = np.array([tick["total_s"] for tick in ticks])
    render = np.array([tick["render_s"] for tick in ticks])
    return {
        "render_ms": _summary(1e3 * render),
        "other_ms": _summary(1e3 * (total - render)),
        "overhead_share": float((total - render).sum() / total.sum()),
    }


def _summary(milliseconds: np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(milliseconds)), "p99": float(np.percentile(milliseconds, 99))}


@contextmanager
def _graph() -> Iterator[Node]:
    os.environ.update(own_graph_environment())
    with on_graph([]):
        yield Node(NAME)


def _processor() -> str:
    names = [
        line.split(":", 1)[1].strip()
        for line in (Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else ())
        if "model name" in line
    ]
    return names[0] if names else platform.machine()
