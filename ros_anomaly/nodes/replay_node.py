"""The replay's place on the graph: publishes recorded messages and the clock, hears the detector's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rosgraph_msgs.msg import Clock

from ros_anomaly.messages.hazard import HazardReport, hazard_report
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.nodes.message_types import message_class

# Reliable and deep enough that a listener which is late by a few frames loses none.
_RELIABLE = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)


@dataclass(frozen=True)
class Answer:
    """One hazard status as it was heard, with the stamp of its header."""

    stamp_ns: int
    report: HazardReport


class ReplayNode(Node):
    """Node ``replay``, spun only while it listens, from the thread that publishes.

    Args:
        topics: name and type of what will be published.
        image_topic: the one that a detector should listen to.
        status_topic: where the detector answers.
    """

    def __init__(self, topics: Mapping[str, str], image_topic: str, status_topic: str) -> None:
        super().__init__("replay")
        overriding = QoSOverridingOptions.with_default_policies()
        self._outlets = {
            name: self.create_publisher(message_class(kind), name, _RELIABLE, qos_overriding_options=overriding)
            for name, kind in topics.items()
        }
        self._images = self._outlets[image_topic]
        # The last to be made: who hears the clock has heard of all the others.
        self._bag_clock = self.create_publisher(Clock, "/clock", _RELIABLE)
        self._heard: list[Answer] = []
        self.create_subscription(DiagnosticArray, status_topic, self._on_status, 50)
        self._listening = SingleThreadedExecutor()
        self._listening.add_node(self)

    @property
    def image_topic(self) -> str:
        """Where the images go, after remapping."""
        return str(self._images.topic_name)

    @property
    def listeners(self) -> int:
        """How many subscriptions the images have."""
        return int(self._images.get_subscription_count())

    def publish_clock(self, time_ns: int) -> None:
        """Set the time of the graph."""
        self._bag_clock.publish(Clock(clock=ns_to_stamp(time_ns)))

    def publish(self, topic: str, raw: bytes) -> None:
        """Publish a serialised message."""
        self._outlets[topic].publish(raw)

    def listen(self, duration_s: float) -> list[Answer]:
        """Take in messages for so long, or until the first one; what the detector said since the last call."""
        self._listening.spin_once(timeout_sec=max(duration_s, 0.0))
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        """Take the node off the graph."""
        self._listening.shutdown()
        self.destroy_node()

    def _on_status(self, message: DiagnosticArray) -> None:
        self._heard.append(Answer(stamp_to_ns(message.header.stamp), hazard_report(message)))
