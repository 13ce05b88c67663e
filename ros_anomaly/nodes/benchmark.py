"""Times the detector node as its users meet it: an image message goes out, the hazard message comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from ros_anomaly.benchmark.machine import this_machine
from ros_anomaly.benchmark.street_images import street_like_images
from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.nodes.graph import on_graph
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.share import own_graph_environment

_START_TIMEOUT_S = 90.0
_ANSWER_TIMEOUT_S = 10.0
_FIRST_ANSWER_TIMEOUT_S = 1.0
_FIRST_ATTEMPTS = 20
_STOP_TIMEOUT_S = 10.0
_DIFFERENT_IMAGES = 16
STAGES = ("receive", "wait", "convert", "resize", "regions", "health", "publish")
"""Parts of a frame's time that are not the engine, in their order."""


@dataclass(frozen=True)
class BenchmarkPlan:
    """What to time. ``threads`` 0 leaves the number to the backend. EngineError or ValueError for a bad engine."""

    engine: str = "default"
    backend: str = "onnxruntime"
    threads: int = 0
    image_size: tuple[int, int] = (360, 640)
    frames: int = 200
    warmup: int = 20

    def __post_init__(self) -> None:
        EngineSpec(self.engine, self.backend, self.threads or None).check_files()

    @property
    def node_command(self) -> list[str]:
        """Command line of the node that is timed."""
        parameters = {
            "autostart": "true",
            "engine": self.engine,
            "backend": self.backend,
            "threads": str(self.threads),
        }
        settings = [part for name, value in parameters.items() for part in ("-p", f"{name}:={value}")]
        return [sys.executable, "-m", "ros_anomaly.cli.detector", "--ros-args", *settings]


def run_benchmark(plan: BenchmarkPlan, on_frame: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Time ``plan.frames`` frames, one at a time; ``on_frame`` is called after each.

    Returns:
        Figures in milliseconds, median and p99 each: ``total_ms`` from before an image is published to after its
        hazard status was received, ``engine_ms`` the engine as the node measures it (worker process included),
        ``not_engine_ms`` the difference frame by frame, and ``stages_ms`` where that goes: receive, wait, convert,
        resize, regions, health, publish (``FrameStages``; receive until the node has the message, publish from its
        decision until the answer was received).

    Raises:
        EngineError: the node ended.
        TimeoutError: it gave no answer.
    """
    with _own_graph(), _node_process(plan) as process, _Camera(process) as camera:
        images = street_like_images(plan.image_size, _DIFFERENT_IMAGES)
        camera.wait_for_detector()
        camera.round_trip(images[-1], _FIRST_ATTEMPTS)
        timed: list[_Answer] = []
        for i in range(plan.warmup + plan.frames):
            answer = camera.round_trip(images[i % len(images)])
            on_frame()
            if i >= plan.warmup:
                timed.append(answer)
    total = np.array([answer.total_ms for answer in timed])
    engine = np.array([answer.engine_ms for answer in timed])
    stages = [answer.stages_ms for answer in timed]
    return {
        "engine": plan.engine,
        "backend": plan.backend,
        "image_size": f"{plan.image_size[1]}x{plan.image_size[0]}",
        "frames": len(timed),
        "total_ms": _summary(total),
        "engine_ms": _summary(engine),
        "not_engine_ms": _summary(total - engine),
        "stages_ms": {name: _summary(np.array([one[name] for one in stages])) for name in stages[0]},
        "not_engine_share": float(np.nanmedian((total - engine) / total)),
        "dropped": timed[-1].report.dropped,
        "levels": dict(Counter(answer.report.state.level.value for answer in timed)),
        "machine": this_machine().line,
    }


def _summary(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.nanmedian(values)), "p99": float(np.nanpercentile(values, 99))}


@contextmanager
def _own_graph() -> Iterator[None]:
    os.environ.update(own_graph_environment())
    with on_graph([]):
        yield


@contextmanager
def _node_process(plan: BenchmarkPlan) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(plan.node_command, stdout=2)  # standard output belongs to the figures
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class _Answer:
    """The answer to an image, milliseconds from before its publication until then, and from its stamp until before."""

    total_ms: float
    stamp_to_start_ms: float
    report: HazardReport

    @property
    def engine_ms(self) -> float:
        return self.report.engine_ms if self.report.engine_ms is not None else np.nan

    @property
    def stages_ms(self) -> dict[str, float]:
        """Parts of the time that are not the engine; their sum is all of it. NaN where the image was not processed."""
        age_ms, inside = self.report.state.frame_age_ms, self.report.stages
        if age_ms is None or inside is None:
            return dict.fromkeys(STAGES, np.nan)
        # The age is taken when the node decides, so it holds the way of the message and the stages inside.
        decided_ms = age_ms - self.stamp_to_start_ms
        return {
            "receive": decided_ms - sum(asdict(inside).values()),
            "wait": inside.wait_ms,
            "convert": inside.convert_ms,
            "resize": inside.resize_ms,
            "regions": inside.regions_ms,
            "health": inside.health_ms,
            "publish": self.total_ms - decided_ms,
        }


@dataclass
class _Camera:
    """Publishes single images and waits for the answer to each, on the caller's thread."""

    process: subprocess.Popen[bytes]
    _answers: dict[int, HazardReport] = field(default_factory=dict)
    _heard: bool = False

    def __enter__(self) -> _Camera:
        self._node = Node("benchmark_camera")
        self._images = self._node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._infos = self._node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self._node.create_subscription(DiagnosticArray, "detector/hazard_status", self._on_status, 10)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()

    def wait_for_detector(self) -> None:
        """Until the node listens to images and its status is heard here."""

        def ready() -> bool:
            return self._heard and self._images.get_subscription_count() > 0

        self._spin_until(ready, _START_TIMEOUT_S, "the node to be ready")

    def round_trip(self, image: np.ndarray, attempts: int = 1) -> _Answer:
        """Publish an image and wait for its answer.

        More than one attempt is for the first image, which the middleware may lose while both sides are being joined.
        """
        for _ in range(attempts - 1):
            try:
                return self._round_trip(image, _FIRST_ANSWER_TIMEOUT_S)
            except TimeoutError:
                continue
        return self._round_trip(image, _ANSWER_TIMEOUT_S)

    def _round_trip(self, image: np.ndarray, limit_s: float) -> _Answer:
        stamp_ns = time.time_ns()
        header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="camera")
        message = image_message(image, "rgb8", header)
        size = (image.shape[0], image.shape[1])
        self._infos.publish(camera_info_message(Intrinsics.from_fov(size, np.pi / 2), header))
        self._answers.clear()
        started_ns = time.time_ns()
        started_s = time.perf_counter()
        self._images.publish(message)
        self._spin_until(lambda: stamp_ns in self._answers, limit_s, "the answer to an image")
        total_s = time.perf_counter() - started_s
        return _Answer(1e3 * total_s, (started_ns - stamp_ns) / 1e6, self._answers[stamp_ns])

    def _on_status(self, message: DiagnosticArray) -> None:
        self._heard = True
        report = hazard_report(message)
        # The answer to an image carries its stamp in the header; a heartbeat that repeats it carries its own.
        if report.state.image_stamp_ns == stamp_to_ns(message.header.stamp):
            self._answers.setdefault(report.state.image_stamp_ns, report)

    def _spin_until(self, done: Callable[[], bool], limit_s: float, what: str) -> None:
        deadline = time.monotonic() + limit_s
        while not done():
            if self.process.poll() is not None:
                raise EngineError(f"the detector node ended with status {self.process.returncode}; it says why above")
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {limit_s:g} s for {what}")
            self._executor.spin_once(timeout_sec=0.1)
