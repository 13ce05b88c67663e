"""What goes out with a processed frame: the mask; score, overlay, points, detections while someone listens."""

from __future__ import annotations

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import Header

from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.points import ground_points
from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState
from ros_anomaly.messages.detections import detections_message, vision_msgs_installed
from ros_anomaly.messages.images import image_message, jpeg_message
from ros_anomaly.messages.points import point_cloud_message
from ros_anomaly.nodes.overlay import draw_overlay
from ros_anomaly.nodes.settings import Settings

_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


class FrameOutputs:
    """Lifecycle publishers of ``~/mask``, ``~/score``, ``~/overlay/compressed``, ``~/hazard_points`` and, where
    ``vision_msgs`` is installed, ``~/detections``: silent unless active.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        overriding = QoSOverridingOptions.with_default_policies()

        def publisher(kind: type, topic: str):
            return node.create_lifecycle_publisher(kind, topic, _QOS, qos_overriding_options=overriding)

        self._mask = publisher(Image, "~/mask")
        self._score = publisher(Image, "~/score")
        self._overlay = publisher(CompressedImage, "~/overlay/compressed")
        self._points = publisher(PointCloud2, "~/hazard_points")
        self._publishers = [self._mask, self._score, self._overlay, self._points]
        self._detections = None
        if vision_msgs_installed():
            from vision_msgs.msg import Detection2DArray

            self._detections = publisher(Detection2DArray, "~/detections")
            self._publishers.append(self._detections)

    def publish(
        self,
        image: np.ndarray,
        assessment: Assessment,
        state: HazardState,
        header: Header,
        ground: GroundProjection | None,
        settings: Settings,
    ) -> None:
        """Publish what belongs to one frame, under the header of its image; points under its stamp in ``base_frame``.

        An empty cloud says that the ground is free: none goes out without ``ground``, for a frame not to be trusted,
        or where something was found that meets no ground in view. Detections wait for trust likewise.
        """
        self._mask.publish(image_message(assessment.mask, "mono8", header))
        if self._score.get_subscription_count():
            self._score.publish(image_message(assessment.score, "32FC1", header))
        if self._overlay.get_subscription_count():
            self._overlay.publish(jpeg_message(draw_overlay(image, assessment, state), header, settings.jpeg_quality))
        trusted = state.level is not HazardLevel.UNKNOWN
        if trusted and ground is not None and self._points.get_subscription_count():
            points = ground_points(assessment.mask, assessment.score, ground)
            if len(points) or not assessment.regions:
                on_ground = Header(stamp=header.stamp, frame_id=settings.base_frame)
                self._points.publish(point_cloud_message(points, on_ground))
        if trusted and self._detections is not None and self._detections.get_subscription_count():
            self._detections.publish(detections_message(assessment.regions, header))

    def destroy(self) -> None:
        """Take the topics down."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
