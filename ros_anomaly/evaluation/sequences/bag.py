"""What a bag knows of the geometry of its images: instance ids, depth, classes, and where the camera was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros_anomaly.bags.reader import BagMessage, BagReader
from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.evaluation.sequences.frame import pose_from_quaternion
from ros_anomaly.messages.camera import Intrinsics, intrinsics_from_camera_info
from ros_anomaly.messages.images import class_ids_from_image, instance_ids_from_image, plane_from_image
from ros_anomaly.messages.odometry import motion_from_odometry
from ros_anomaly.messages.stamps import stamp_to_ns

INSTANCE_IDS, DEPTH = "instance_ids", "depth"
"""Names of the ground truth topics, beside the label topic."""

_MOST_AHEAD = 32


@dataclass(frozen=True)
class GeometryTopics:
    """Ground truth topics of one camera; None where the bag has none."""

    class_ids: str | None
    instance_ids: str | None
    depth: str | None
    odometry: str | None
    camera_info: str | None

    @classmethod
    def beside(cls, bag: BagReader, camera: CameraTopics, labels_are_classes: bool) -> GeometryTopics:
        """Of a camera: ``instance_ids`` and ``depth`` are looked for beside its label topic."""
        folder = camera.labels.rpartition("/")[0] if camera.labels else None

        def sibling(name: str) -> str | None:
            topic = f"{folder}/{name}"
            return topic if folder is not None and topic in bag.topics else None

        return cls(
            class_ids=camera.labels if labels_are_classes else None,
            instance_ids=sibling(INSTANCE_IDS),
            depth=sibling(DEPTH),
            odometry=camera.odometry,
            camera_info=camera.camera_info,
        )


@dataclass
class Geometry:
    """Of one stamp; None where the bag has no message of it. ``base_pose`` is float64 [4, 4], ``base_link`` to world.

    ``speed_mps`` is the newest finite one at the stamp.
    """

    class_ids: np.ndarray | None = None
    instance_ids: np.ndarray | None = None
    depth: np.ndarray | None = None
    base_pose: np.ndarray | None = None
    speed_mps: float | None = None


class BagGeometry:
    """Reads a bag alongside its evaluation, only as far as it is asked; ask in the order of the stamps.

    Args:
        bag: read by nobody else.
        topics: of one camera.

    Attributes:
        intrinsics: of the first usable camera_info; None without.
        unusable: messages that could not be read.
    """

    def __init__(self, bag: BagReader, topics: GeometryTopics) -> None:
        readers: Mapping[str | None, tuple[str, Callable[[Any], Any]]] = {
            topics.class_ids: ("class_ids", class_ids_from_image),
            topics.instance_ids: ("instance_ids", instance_ids_from_image),
            topics.depth: ("depth", lambda message: plane_from_image(message, "32FC1")),
            topics.odometry: ("base_pose", _base_pose),
        }
        self._readers = {topic: reader for topic, reader in readers.items() if topic is not None}
        self.intrinsics = _intrinsics(bag, topics.camera_info)
        self.unusable = 0
        self._messages: Iterator[BagMessage] = bag.messages(list(self._readers)) if self._readers else iter(())
        self._held: dict[int, Geometry] = {}
        self._speeds: list[tuple[int, float]] = []

    def at(self, stamp_ns: int) -> Geometry:
        """What there is of an image of this stamp; what is older is forgotten."""
        while not self._complete(stamp_ns) and sum(held > stamp_ns for held in self._held) < _MOST_AHEAD:
            message = next(self._messages, None)
            if message is None:
                break
            self._take(message)
        found = self._held.pop(stamp_ns, Geometry())
        found.speed_mps = next((speed for at, speed in reversed(self._speeds) if at <= stamp_ns), None)
        self._held = {at: own for at, own in self._held.items() if at > stamp_ns}
        newest_before = [one for one in self._speeds if one[0] <= stamp_ns][-1:]
        self._speeds = newest_before + [one for one in self._speeds if one[0] > stamp_ns]
        return found

    def _complete(self, stamp_ns: int) -> bool:
        held = self._held.get(stamp_ns)
        return held is not None and all(getattr(held, name) is not None for name, _ in self._readers.values())

    def _take(self, message: BagMessage) -> None:
        name, read = self._readers[message.topic]
        try:
            decoded = message.decoded()
            value = read(decoded)
        except ValueError:  # of the bytes, of the image, or of the pose
            self.unusable += 1
            return
        stamp_ns = stamp_to_ns(decoded.header.stamp)
        if name == "base_pose":
            speed_mps = motion_from_odometry(decoded).speed_mps
            if math.isfinite(speed_mps):  # one that is not known leaves the one before
                self._speeds.append((stamp_ns, speed_mps))
        setattr(self._held.setdefault(stamp_ns, Geometry()), name, value)


def _base_pose(odometry: Any) -> np.ndarray:
    position, turn = odometry.pose.pose.position, odometry.pose.pose.orientation
    return pose_from_quaternion((position.x, position.y, position.z), (turn.x, turn.y, turn.z, turn.w))


def _intrinsics(bag: BagReader, topic: str | None) -> Intrinsics | None:
    message = None if topic is None else bag.first(topic)
    if message is None:
        return None
    try:
        return intrinsics_from_camera_info(message.decoded())
    except ValueError:  # the evaluation itself says what is wrong with it
        return None
