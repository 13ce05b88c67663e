"""A folder of pictures as a source of a replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros_anomaly.bags.reader_events import ImageEvent
from ros_anomaly.bags.reader_folder import FolderDrive
from ros_anomaly.bags.writer_messages import cdr_bytes
from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly.nodes.replay_source import ReplayMessage


class FolderSource:
    """Pictures of a folder as raw images, with camera_info where the field of view is known.

    A picture that cannot be read is sent as an image of no size: the detector is to say of it what it says of a camera
    that delivers one.

    Args:
        folder: pictures of one camera, in the order of their names.
        rate_hz: how many to a second; None where they are named by their stamps.
        image_topic: where they are published; camera_info beside it.
        horizontal_fov_rad: 0 where it is not known.

    Raises:
        ValueError: the folder has no pictures, or no telling when they were taken, or a value is out of range.
    """

    def __init__(self, folder: Path, rate_hz: float | None, image_topic: str, horizontal_fov_rad: float = 0.0) -> None:
        self._drive = FolderDrive(folder, rate_hz)
        if not 0 <= horizontal_fov_rad < np.pi:
            raise ValueError(f"horizontal_fov_rad: expected 0 to below pi, found {horizontal_fov_rad}")
        self._fov_rad = horizontal_fov_rad
        self._image_topic = image_topic
        self._info_topic = f"{image_topic.rpartition('/')[0]}/camera_info"
        self.topics = {image_topic: "sensor_msgs/msg/Image"}
        if horizontal_fov_rad:
            self.topics[self._info_topic] = "sensor_msgs/msg/CameraInfo"
        self.problems: list[str] = []

    @property
    def image_topic(self) -> str:
        return self._image_topic

    @property
    def images(self) -> int:
        return self._drive.frames

    def __iter__(self) -> Iterator[ReplayMessage]:
        for one in self._drive.events():
            if isinstance(one.event, ImageEvent):
                yield from self._messages(one.event)

    def _messages(self, event: ImageEvent) -> Iterator[ReplayMessage]:
        header = Header(stamp=ns_to_stamp(event.stamp_ns), frame_id=event.frame_id)
        if event.image is None:
            self.problems.append(f"sent as an empty image: {event.problem}")
            raw = cdr_bytes(Image(header=header, encoding="rgb8"))
            yield ReplayMessage(self._image_topic, raw, event.stamp_ns, event.stamp_ns)
            return
        if self._fov_rad:
            intrinsics = Intrinsics.from_fov((event.image.shape[0], event.image.shape[1]), self._fov_rad)
            info = camera_info_message(intrinsics, header)
            yield ReplayMessage(self._info_topic, cdr_bytes(info), event.stamp_ns)
        raw = cdr_bytes(image_message(event.image, "rgb8", header))
        yield ReplayMessage(self._image_topic, raw, event.stamp_ns, event.stamp_ns)

    def close(self) -> None:
        """Nothing is held open."""
