"""What a node needs to publish a street: camera images, ground truth, motion and the simulated clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Empty

from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.street_frame import Motion, StreetFrame
from ros_anomaly_sim.bridge.street_messages import frame_messages, motion_messages

# Reliable and deep enough that a listener which is late by a few frames loses none.
_RELIABLE = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)

_PUBLISHED: dict[str, type] = {
    topics.IMAGE: Image,
    topics.CAMERA_INFO: CameraInfo,
    topics.CLASS_IDS: Image,
    topics.INSTANCE_IDS: Image,
    topics.ODOMETRY: Odometry,
    topics.CLOCK: Clock,
}


class StreetPort:
    """A node's way of publishing frames and hearing the detector's answers.

    Spun only while it waits, from the thread that has the frames. Without a lockstep frames and answers are not paired.
    """

    def __init__(
        self,
        node: Node,
        horizontal_fov_rad: float,
        lockstep: Lockstep | None,
        status_topic: str,
        with_depth: bool = False,
    ) -> None:
        self._node = node
        self._fov_rad = horizontal_fov_rad
        self._lockstep = lockstep
        published = {**_PUBLISHED, **({topics.DEPTH: Image} if with_depth else {})}
        self._outlets = {topic: node.create_publisher(kind, topic, _RELIABLE) for topic, kind in published.items()}
        node.create_subscription(DiagnosticArray, status_topic, self._on_status, _RELIABLE)
        node.create_subscription(Empty, topics.GO, self._on_go, _RELIABLE)
        self.told_to_go = False
        self.last_answer: HazardReport | None = None
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)

    @property
    def listeners(self) -> int:
        """How many subscriptions the image topic has."""
        return int(self._outlets[topics.IMAGE].get_subscription_count())

    def publish(self, frame: StreetFrame, depth_m: np.ndarray | None = None) -> None:
        """Publish everything about one frame, all under its stamp; the image last, when its company is on its way."""
        self._send(frame_messages(frame, self._fov_rad, depth_m=depth_m))
        if self._lockstep is not None:
            self._lockstep.send(frame.stamp_ns, time.monotonic())

    def publish_motion(self, stamp_ns: int, motion: Motion) -> None:
        """Publish clock and odometry of a moment that no camera saw."""
        self._send(motion_messages(stamp_ns, motion))

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
        self._node.destroy_node()

    def _send(self, messages: Iterable[tuple[str, Any]]) -> None:
        for topic, message in messages:
            self._outlets[topic].publish(message)

    def _on_go(self, _: Empty) -> None:
        self.told_to_go = True

    def _on_status(self, message: DiagnosticArray) -> None:
        report = hazard_report(message)
        # A frame the engine failed on is reported, too, but without a latency: such a frame was not processed,
        # and driving on at full speed while the engine is restarted would lose the whole stretch.
        state = report.state
        if state.image_stamp_ns is not None and state.latency_ms is not None and not report.is_heartbeat:
            self.last_answer = report
            if self._lockstep is not None:
                self._lockstep.answer(state.image_stamp_ns)
