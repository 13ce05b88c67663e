"""The node that hears the whole run: street, ground truth, detector, diagnostics."""

from __future__ import annotations

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.images import (
    class_ids_from_image,
    instance_ids_from_image,
    plane_from_image,
    rgb_from_image,
)
from ros_anomaly.messages.stamps import stamp_to_ns
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.vehicle_messages import ego_from_odometry
from ros_anomaly_sim.demo.assembly import FrameAssembler, RecordedFrame

_BURST = 16
_RELIABLE = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)


class Listener(Node):
    """Subscribes to every topic of a run and hands whole frames to ``on_frame``, every status to ``on_report``."""

    def __init__(
        self,
        detector: str,
        on_frame: Callable[[RecordedFrame], None],
        on_report: Callable[[HazardReport], None],
    ) -> None:
        super().__init__("demo_recorder")
        self._on_frame, self._on_report = on_frame, on_report
        self._assembler = FrameAssembler()
        self.diagnostics_heard = 0
        self._subscribe_image(topics.IMAGE, "image", rgb_from_image)
        self._subscribe_image(topics.CLASS_IDS, "class_ids", class_ids_from_image)
        self._subscribe_image(topics.INSTANCE_IDS, "instance_ids", instance_ids_from_image)
        self._subscribe_image(f"/{detector}/mask", "mask", plane_from_image)
        self._subscribe_image(f"/{detector}/score", "score", plane_from_image)
        self.create_subscription(Odometry, topics.ODOMETRY, self._on_odometry, _RELIABLE)
        self.create_subscription(DiagnosticArray, f"/{detector}/hazard_status", self._on_status, _RELIABLE)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, _RELIABLE)
        self._go = self.create_publisher(Empty, topics.GO, _RELIABLE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)

    @property
    def late_parts(self) -> int:
        """Parts that came after their frame had been given up."""
        return self._assembler.late

    def listen(self, duration_s: float) -> None:
        """Wait so long for a message, then take in what else is there, up to a few frames' worth."""
        self._executor.spin_once(timeout_sec=duration_s)
        for _ in range(_BURST):
            self._executor.spin_once(timeout_sec=0.0)

    def say_go(self) -> None:
        """Tell the street that everything is heard."""
        self._go.publish(Empty())

    def finish(self) -> None:
        """Hand out the frames that are still open."""
        for frame in self._assembler.rest():
            self._on_frame(frame)

    def close(self) -> None:
        """Take the node off the graph."""
        self._executor.shutdown()
        self.destroy_node()

    def _subscribe_image(self, topic: str, part: str, convert: Callable[..., object]) -> None:
        def take(message: Image) -> None:
            self._add(stamp_to_ns(message.header.stamp), part, convert(message))

        self.create_subscription(Image, topic, take, _RELIABLE)

    def _on_odometry(self, message: Odometry) -> None:
        self._add(stamp_to_ns(message.header.stamp), "ego", ego_from_odometry(message))

    def _on_status(self, message: DiagnosticArray) -> None:
        report = hazard_report(message)
        if report.state.image_stamp_ns is not None and not report.is_heartbeat:
            self._add(report.state.image_stamp_ns, "report", report)
        self._on_report(report)

    def _on_diagnostics(self, _: DiagnosticArray) -> None:
        self.diagnostics_heard += 1

    def _add(self, stamp_ns: int, part: str, value: object) -> None:
        for frame in self._assembler.add(stamp_ns, part, value):
            self._on_frame(frame)
