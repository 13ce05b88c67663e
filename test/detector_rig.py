"""A real detector node in its own process, and a participant beside it that publishes images and keeps all answers."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool, Header

from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.diagnostics import values_of
from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.share import large_image_environment

ROOT = Path(__file__).resolve().parents[1]
SIZE = (72, 128)
FOV_RAD = np.pi / 2
T = TypeVar("T")

# A loaded machine is slow, a broken one is stuck: the limits are there for the second.
PATIENCE_S = 30.0


@contextmanager
def own_domain() -> Iterator[int]:
    """A ROS domain that no other test session on this machine uses, held by a lock."""
    for domain in range(1, 101):
        path = Path(tempfile.gettempdir()) / f"ros_anomaly_test_domain_{domain}.lock"
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    raise RuntimeError("every ROS domain from 1 to 100 is in use by tests")


def graph_environment(domain: int) -> dict[str, str]:
    """Environment variables of every participant of a test graph."""
    return {
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        **large_image_environment(),
    }


def node_command(engine: Path | str, *remaps: str, **parameters: Any) -> list[str]:
    """Command line of a detector node; ``__`` in a parameter's name stands for its dot."""
    values = {"engine": str(engine), "autostart": True, **parameters}
    command = [sys.executable, "-m", "ros_anomaly.cli.detector", "--ros-args"]
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        command += ["-p", f"{name.replace('__', '.')}:={text}"]
    for remap in remaps:
        command += ["-r", remap]
    return command


def picture(anomaly: bool = False, size: tuple[int, int] = SIZE, seed: int | None = None) -> np.ndarray:
    """uint8 [H, W, 3] grey noise, no two alike; with ``anomaly`` a magenta box on the road ahead."""
    height, width = size
    image = np.random.default_rng(seed).integers(90, 160, (height, width, 1), dtype=np.uint8).repeat(3, 2)
    if anomaly:
        image[height * 5 // 8 : height * 7 // 8, width * 3 // 8 : width * 5 // 8] = (255, 0, 255)
    return image


class Recorder:
    """Everything that arrived on one topic, in order."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.arrived_s: list[float] = []

    def __call__(self, message: Any) -> None:
        self.arrived_s.append(time.monotonic())
        self.messages.append(message)


class Rig:
    """One participant of the graph: publishes what a camera would, records what the detector says."""

    def __init__(self, namespace: str = "") -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("test_rig", context=self.context, namespace=namespace)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._images = self.node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._compressed = self.node.create_publisher(CompressedImage, "image/compressed", qos_profile_sensor_data)
        self._infos = self.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self.hazard = self.record(Bool, "detector/hazard")
        self.status = self.record(DiagnosticArray, "detector/hazard_status")
        self.mask = self.record(Image, "detector/mask")
        self.diagnostics = self.record(DiagnosticArray, "/diagnostics")
        self.process: subprocess.Popen[str] | None = None
        self._log: Any = None
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def record(self, kind: type, topic: str) -> Recorder:
        recorder = Recorder()
        self.node.create_subscription(kind, topic, recorder, 50)
        return recorder

    def launch(self, engine: Path | str, *remaps: str, **parameters: Any) -> None:
        """Start a detector node; what it prints is kept for ``output``."""
        self.launch_command(node_command(engine, *remaps, **parameters))

    def launch_command(self, command: list[str]) -> None:
        """As ``launch``, with a command line of one's own."""
        self._log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=self._log, text=True)

    @property
    def output(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def wait_for(self, condition: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
        """What ``condition`` gives as soon as that is true; fails with the node's output."""
        deadline = time.monotonic() + patience_s
        while True:
            value = condition()
            if value:
                return value
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(
                    f"the node ended with {self.process.returncode} while waiting for {what}:\n{self.output}"
                )
            if time.monotonic() > deadline:
                last = self.reports()[-1:] or "nothing"
                raise AssertionError(f"waited {patience_s:g} s for {what}; last status {last}\n{self.output}")
            time.sleep(0.01)

    def wait_for_a_while(self, condition: Callable[[], T | None], patience_s: float) -> T | None:
        """As ``wait_for``, but None where it does not come."""
        deadline = time.monotonic() + patience_s
        while not (value := condition()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return value

    def send(self, image: np.ndarray | Image | CompressedImage, stamp_ns: int | None = None, info: bool = True) -> int:
        """Publish one image (an array, or a message as it is) with its camera_info; return its stamp."""
        stamp = time.time_ns() if stamp_ns is None else stamp_ns
        header = Header(frame_id="camera", stamp=ns_to_stamp(stamp))
        message = image_message(image, "rgb8", header) if isinstance(image, np.ndarray) else image
        message.header = header
        if info and isinstance(message, Image) and message.height and message.width:
            size = (message.height, message.width)
            self._infos.publish(camera_info_message(Intrinsics.from_fov(size, FOV_RAD), header))
        (self._compressed if isinstance(message, CompressedImage) else self._images).publish(message)
        return stamp

    def send_until(
        self,
        condition: Callable[[], T | None],
        what: str,
        make: Callable[[], Any] = picture,
        period_s: float = 0.05,
        patience_s: float = PATIENCE_S,
    ) -> T:
        """Publish a fresh image every ``period_s`` until ``condition`` gives something."""
        due = 0.0

        def step() -> T | None:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + period_s
                self.send(make())
            return condition()

        return self.wait_for(step, what, patience_s)

    def reports(self, since: int = 0) -> list[HazardReport]:
        """Every hazard status that arrived, from number ``since`` on."""
        return [hazard_report(message) for message in self.status.messages[since:]]

    @property
    def last(self) -> HazardReport | None:
        reports = self.reports(max(len(self.status.messages) - 1, 0))
        return reports[-1] if reports else None

    def answer(self, stamp_ns: int) -> HazardReport | None:
        """The status that answers the image of this stamp."""
        for message in self.status.messages:
            report = hazard_report(message)
            if report.state.image_stamp_ns == stamp_ns and stamp_to_ns(message.header.stamp) == stamp_ns:
                return report
        return None

    def level_is(self, *levels: str, reason: str = "") -> Callable[[], HazardReport | None]:
        """Condition: a status that arrives from now on has one of these levels, and ``reason`` in its reason."""
        seen = len(self.status.messages)

        def condition() -> HazardReport | None:
            for report in self.reports(seen):
                if report.state.level.value in levels and reason in report.state.reason:
                    return report
            return None

        return condition

    def diagnostic(self, name: str) -> dict[str, str]:
        """Values of the newest diagnostic status ``detector: <name>``, with its ``message``."""
        for message in reversed(self.diagnostics.messages):
            for status in message.status:
                if status.name == f"detector: {name}":
                    return {**values_of(status), "message": status.message}
        return {}

    def worker_pid(self) -> int:
        """Process id of the engine worker, from the diagnostics."""
        return int(self.wait_for(lambda: self.diagnostic("engine").get("pid") or None, "a worker's pid"))

    def transport_files(self) -> set[Path]:
        """Shared memory that the node's middleware made: what it maps and this process does not (own segments only)."""
        assert self.process is not None
        return _shared_memory(self.process.pid) - _shared_memory(os.getpid())

    def subscribed(self) -> bool:
        """Whether the node listens to our images."""
        return self._images.get_subscription_count() > 0 or self._compressed.get_subscription_count() > 0

    def call(self, kind: type, service: str, request: Any, patience_s: float = PATIENCE_S) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(kind, service)
        try:
            self.wait_for(client.service_is_ready, f"service {service}", patience_s)
            future = client.call_async(request)
            self.wait_for(future.done, f"an answer of {service}", patience_s)
            return future.result()
        finally:
            self.node.destroy_client(client)

    def stop(self, number: int = signal.SIGINT) -> int:
        """End the node with a signal; return its exit status, after a look that none of its children is left."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        _, left = psutil.wait_procs(children, timeout=5)
        assert not left, f"processes left behind: {left}"
        self.process = None
        return status

    def close(self) -> None:
        """End everything, whatever state it is in."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass


def _shared_memory(pid: int) -> set[Path]:
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split()[5]) for line in lines if re.search(r"/dev/shm/fast(rtps|dds)_", line)}


def start_environment() -> Iterator[int]:
    """Body of a session fixture: put this process into a domain of its own and take it out again."""
    with own_domain() as domain:
        before = {name: os.environ.get(name) for name in graph_environment(domain)}
        os.environ.update(graph_environment(domain))
        yield domain
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
