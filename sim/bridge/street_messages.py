"""One moment of a drive as ROS messages: what the street node publishes and what a recorded drive holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.images import image_message, jpeg_message
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.street_frame import Motion, StreetFrame
from ros_anomaly_sim.bridge.vehicle_messages import odometry_message


def frame_messages(
    frame: StreetFrame, horizontal_fov_rad: float, jpeg_quality: int | None = None, depth_m: np.ndarray | None = None
) -> Iterator[tuple[str, Any]]:
    """(topic, message) of everything about one frame, all under its stamp: the clock first, the image last.

    Args:
        jpeg_quality: 1 to 100 for a JPEG on ``…/image/compressed``; None for the raw image.
        depth_m: float32 [H, W] along the optical axis, to go with it as 32FC1; infinite where there is only sky.
    """
    stamp = ns_to_stamp(frame.stamp_ns)
    header = Header(stamp=stamp, frame_id=topics.CAMERA_FRAME)
    view = frame.view
    size = (int(view.image.shape[0]), int(view.image.shape[1]))
    yield from motion_messages(frame.stamp_ns, frame.motion)
    yield topics.CAMERA_INFO, camera_info_message(Intrinsics.from_fov(size, horizontal_fov_rad), header)
    if view.class_ids is not None:
        yield topics.CLASS_IDS, image_message(view.class_ids, "mono8", header)
    if view.instance_ids is not None:
        yield topics.INSTANCE_IDS, image_message(view.instance_ids, "16UC1", header)
    if depth_m is not None:
        yield topics.DEPTH, image_message(depth_m, "32FC1", header)
    if jpeg_quality is None:
        yield topics.IMAGE, image_message(view.image, "rgb8", header)
    else:
        yield topics.COMPRESSED_IMAGE, jpeg_message(view.image, header, jpeg_quality)


def motion_messages(stamp_ns: int, motion: Motion) -> Iterator[tuple[str, Any]]:
    """(topic, message) of a moment without an image: clock and odometry."""
    stamp = ns_to_stamp(stamp_ns)
    yield topics.CLOCK, Clock(clock=stamp)
    yield topics.ODOMETRY, odometry_message(motion, stamp)
