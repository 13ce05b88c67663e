"""Images that go out with a processed frame: mask, and score and overlay while someone listens."""

from __future__ import annotations

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros_anomaly.hazard.types import Assessment, HazardState
from ros_anomaly.messages.images import image_message, jpeg_message
from ros_anomaly.nodes.overlay import draw_overlay

_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


class FrameOutputs:
    """Lifecycle publishers of ``~/mask``, ``~/score`` and ``~/overlay/compressed``: silent unless active."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        overriding = QoSOverridingOptions.with_default_policies()

        def publisher(kind: type, topic: str):
            return node.create_lifecycle_publisher(kind, topic, _QOS, qos_overriding_options=overriding)

        self._mask = publisher(Image, "~/mask")
        self._score = publisher(Image, "~/score")
        self._overlay = publisher(CompressedImage, "~/overlay/compressed")

    def publish(
        self, image: np.ndarray, assessment: Assessment, state: HazardState, header: Header, jpeg_quality: int
    ) -> None:
        """Publish what belongs to one frame, under the header of its image."""
        self._mask.publish(image_message(assessment.mask, "mono8", header))
        if self._score.get_subscription_count():
            self._score.publish(image_message(assessment.score, "32FC1", header))
        if self._overlay.get_subscription_count():
            self._overlay.publish(jpeg_message(draw_overlay(image, assessment, state), header, jpeg_quality))

    def destroy(self) -> None:
        """Take the topics down."""
        for publisher in (self._mask, self._score, self._overlay):
            self._node.destroy_lifecycle_publisher(publisher)
