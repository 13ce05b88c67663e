"""The node that publishes a street: camera images, ground truth, motion and the simulated clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Empty, Header

from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.lockstep import Lockstep
from ros_anomaly_sim.bridge.street_frame import StreetFrame
from ros_anomaly_sim.bridge.vehicle_messages import odometry_message

# Reliable and deep enough that a listener which is late by a few frames loses none.
_RELIABLE = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)


class StreetNode(Node):
    """Publishes frames and hears the detector's answers. Spun only while it waits, from the thread that renders."""

    def __init__(self, horizontal_fov_rad: float, lockstep: Lockstep, status_topic: str) -> None:
        super().__init__("street")
        self._fov_rad = horizontal_fov_rad
        self._lockstep = lockstep
        self._images = self.create_publisher(Image, topics.IMAGE, _RELIABLE)
        self._camera_info = self.create_publisher(CameraInfo, topics.CAMERA_INFO, _RELIABLE)
        self._class_ids = self.create_publisher(Image, topics.CLASS_IDS, _RELIABLE)
        self._instance_ids = self.create_publisher(Image, topics.INSTANCE_IDS, _RELIABLE)
        self._odometry = self.create_publisher(Odometry, topics.ODOMETRY, _RELIABLE)
        self._sim_clock = self.create_publisher(Clock, topics.CLOCK, _RELIABLE)
        self.create_subscription(DiagnosticArray, status_topic, self._on_status, _RELIABLE)
        self.create_subscription(Empty, topics.GO, self._on_go, _RELIABLE)
        self.told_to_go = False
        self.last_answer: HazardReport | None = None
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)

    @property
    def listeners(self) -> int:
        """How many subscriptions the image topic has."""
        return int(self._images.get_subscription_count())

    def publish_clock(self, time_ns: int) -> None:
        """Set the simulated time."""
        self._sim_clock.publish(Clock(clock=ns_to_stamp(time_ns)))

    def publish(self, frame: StreetFrame) -> None:
        """Publish everything about one frame, all under its stamp; the image last, when its company is on its way."""
        stamp = ns_to_stamp(frame.stamp_ns)
        header = Header(stamp=stamp, frame_id=topics.CAMERA_FRAME)
        motion, view = frame.motion, frame.view
        size = (int(view.image.shape[0]), int(view.image.shape[1]))
        self.publish_clock(frame.stamp_ns)
        self._camera_info.publish(camera_info_message(Intrinsics.from_fov(size, self._fov_rad), header))
        self._odometry.publish(odometry_message(motion, stamp))
        self._class_ids.publish(image_message(view.class_ids, "mono8", header))
        self._instance_ids.publish(image_message(view.instance_ids, "16UC1", header))
        self._images.publish(image_message(view.image, "rgb8", header))
        self._lockstep.send(frame.stamp_ns, time.monotonic())

    def listen(self, duration_s: float) -> None:
        """Take in messages for so long, or until the first one."""
        self._executor.spin_once(timeout_sec=max(duration_s, 0.0))

    @contextmanager
    def answering(self, lockstep: Lockstep) -> Iterator[None]:
        """Count frames and answers on another lockstep inside a ``with`` block."""
        usual, self._lockstep = self._lockstep, lockstep
        try:
            yield
        finally:
            self._lockstep = usual

    def close(self) -> None:
        """Take the node off the graph."""
        self._executor.shutdown()
        self.destroy_node()

    def _on_go(self, _: Empty) -> None:
        self.told_to_go = True

    def _on_status(self, message: DiagnosticArray) -> None:
        report = hazard_report(message)
        # A frame the engine failed on is reported, too, but without a latency: such a frame was not processed,
        # and driving on at full speed while the engine is restarted would lose the whole stretch.
        state = report.state
        if state.image_stamp_ns is not None and state.latency_ms is not None and not report.is_heartbeat:
            self.last_answer = report
            self._lockstep.answer(state.image_stamp_ns)
