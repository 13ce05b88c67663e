"""Times the detector node as its users meet it: an image message goes out, the hazard message comes back."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.share import large_image_environment

_START_TIMEOUT_S = 90.0
_ANSWER_TIMEOUT_S = 10.0
_FIRST_ANSWER_TIMEOUT_S = 1.0
_FIRST_ATTEMPTS = 20
_STOP_TIMEOUT_S = 10.0
_DIFFERENT_IMAGES = 16


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
        ``not_engine_ms`` the difference frame by frame.

    Raises:
        EngineError: the node ended.
        TimeoutError: it gave no answer.
    """
    with _own_graph(), _node_process(plan) as process, _Camera(process) as camera:
        images = street_like_images(plan.image_size, _DIFFERENT_IMAGES)
        camera.wait_for_detector()
        camera.round_trip(images[-1], _FIRST_ATTEMPTS)
        timed: list[tuple[float, HazardReport]] = []
        for i in range(plan.warmup + plan.frames):
            answer = camera.round_trip(images[i % len(images)])
            on_frame()
            if i >= plan.warmup:
                timed.append(answer)
    total = np.array([seconds for seconds, _ in timed]) * 1e3
    engine = np.array([report.engine_ms if report.engine_ms is not None else np.nan for _, report in timed])
    return {
        "engine": plan.engine,
        "backend": plan.backend,
        "image_size": f"{plan.image_size[1]}x{plan.image_size[0]}",
        "frames": len(timed),
        "total_ms": _summary(total),
        "engine_ms": _summary(engine),
        "not_engine_ms": _summary(total - engine),
        "not_engine_share": float(np.nanmedian((total - engine) / total)),
        "dropped": timed[-1][1].dropped,
        "levels": dict(Counter(report.state.level.value for _, report in timed)),
        "machine": machine_name(),
    }


def street_like_images(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """uint8 [H, W, 3] RGB pictures of sky, road and lane markings with sensor noise; no two alike."""
    height, width = size
    scene = np.empty((height, width, 3), np.uint8)
    scene[: height // 2] = (140, 170, 210)
    scene[height // 2 :] = (95, 95, 98)
    for foot in (width // 4, 3 * width // 4):
        cv2.line(scene, (width // 2, height // 2), (foot, height - 1), (225, 225, 225), max(height // 90, 1))
    rng = np.random.default_rng(0)
    noise = (rng.normal(0.0, 4.0, (height, width, 3)) for _ in range(count))
    return [np.clip(scene + sample, 0, 255).astype(np.uint8) for sample in noise]


def machine_name() -> str:
    """Processor and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {cores} cores"


def _summary(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.nanmedian(values)), "p99": float(np.nanpercentile(values, 99))}


@contextmanager
def _own_graph() -> Iterator[None]:
    """Environment of this process and its children: a domain that hardly anybody else uses, and large images."""
    os.environ.update(
        ROS_DOMAIN_ID=str(1 + os.getpid() % 100),
        ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST",
        **large_image_environment(),
    )
    rclpy.init()
    try:
        yield
    finally:
        rclpy.try_shutdown()


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

    def round_trip(self, image: np.ndarray, attempts: int = 1) -> tuple[float, HazardReport]:
        """Seconds from before the image is published to after its answer was received, and the answer.

        More than one attempt is for the first image, which the middleware may lose while both sides are being joined.
        """
        for _ in range(attempts - 1):
            try:
                return self._round_trip(image, _FIRST_ANSWER_TIMEOUT_S)
            except TimeoutError:
                continue
        return self._round_trip(image, _ANSWER_TIMEOUT_S)

    def _round_trip(self, image: np.ndarray, limit_s: float) -> tuple[float, HazardReport]:
        stamp_ns = time.time_ns()
        header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="camera")
        message = image_message(image, "rgb8", header)
        size = (image.shape[0], image.shape[1])
        self._infos.publish(camera_info_message(Intrinsics.from_fov(size, np.pi / 2), header))
        self._answers.clear()
        started_s = time.perf_counter()
        self._images.publish(message)
        self._spin_until(lambda: stamp_ns in self._answers, limit_s, "the answer to an image")
        return time.perf_counter() - started_s, self._answers[stamp_ns]

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
