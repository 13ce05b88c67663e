"""A drive as a stream of typed events: images, what is known of camera and motion, and labels, in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ros_anomaly.bags.clock import DriveClock, on_clock
from ros_anomaly.bags.reader import BagError, BagMessage, BagReader
from ros_anomaly.bags.reader_cameras import CAMERA_INFO, ODOMETRY, CameraTopics, names_of
from ros_anomaly.messages.camera import Intrinsics, intrinsics_from_camera_info
from ros_anomaly.messages.images import ImageError, class_ids_from_image, rgb_from_compressed, rgb_from_message
from ros_anomaly.messages.odometry import Motion, motion_from_odometry
from ros_anomaly.messages.stamps import stamp_to_ns


@dataclass(frozen=True)
class ImageEvent:
    """A camera image; ``image`` is uint8 [H, W, 3] RGB, or None with the reason in ``problem``.

    ``source`` is the recorded message, None where the image does not come from a bag.
    """

    stamp_ns: int
    frame_id: str
    image: np.ndarray | None
    problem: str = ""
    source: BagMessage | None = None


@dataclass(frozen=True)
class CameraInfoEvent:
    """What camera_info says; None where it is not usable, with the reason."""

    intrinsics: Intrinsics | None
    problem: str = ""


@dataclass(frozen=True)
class LabelEvent:
    """A label image, uint8 [H, W] as recorded, for the image of the same stamp; None with the reason."""

    stamp_ns: int
    plane: np.ndarray | None
    problem: str = ""


Event = ImageEvent | CameraInfoEvent | Motion | LabelEvent


@dataclass(frozen=True)
class DriveEvent:
    """What happened at a time of the bag's clock to which cameras (their numbers)."""

    recorded_ns: int
    cameras: tuple[int, ...]
    event: Event


class DriveSource(Protocol):
    """A drive that can be evaluated; reading it again gives the same events."""

    @property
    def name(self) -> str:
        """What it is called in results."""
        ...

    @property
    def cameras(self) -> Sequence[CameraTopics]:
        """Its cameras."""
        ...

    @property
    def frames(self) -> int:
        """How many images there should be."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """One line each for what is not as it should be; grows while events are read."""
        ...

    def events(self) -> Iterator[DriveEvent]:
        """All events in order of time."""
        ...


def events_on_clock(source: DriveSource, clock: DriveClock) -> tuple[DriveClock, Iterator[DriveEvent]]:
    """The clock that AUTO comes to, and the events of a drive told by it."""
    return on_clock(source.events(), clock, _image_stamp_ns, _at_time)


def _image_stamp_ns(event: DriveEvent) -> int | None:
    return event.event.stamp_ns if isinstance(event.event, ImageEvent) else None


def _at_time(event: DriveEvent, time_ns: int) -> DriveEvent:
    return replace(event, recorded_ns=time_ns)


class BagDrive:
    """The drive of an open bag.

    Attributes:
        damaged: messages by topic whose bytes could not be read; on the vehicle nobody would have received them.
    """

    def __init__(self, bag: BagReader, cameras: Sequence[CameraTopics]) -> None:
        self._bag = bag
        self.cameras = tuple(cameras)
        self.damaged: Counter[str] = Counter()

    @property
    def name(self) -> str:
        return self._bag.path.name

    @property
    def frames(self) -> int:
        return sum(self._bag.topics[camera.image].count for camera in self.cameras)

    @property
    def problems(self) -> Sequence[str]:
        damaged = [f"{topic}: {count} messages have damaged bytes" for topic, count in sorted(self.damaged.items())]
        return [*self._bag.problems, *damaged]

    def events(self) -> Iterator[DriveEvent]:
        self.damaged.clear()
        for message in self._bag.messages(names_of(self.cameras)):
            try:
                decoded = message.decoded()
            except BagError:
                self.damaged[message.topic] += 1
                continue
            for cameras, event in self._events(message, decoded):
                yield DriveEvent(message.recorded_ns, cameras, event)

    def _events(self, message: BagMessage, decoded: Any) -> Iterator[tuple[tuple[int, ...], Event]]:
        topic = message.topic
        if message.type == CAMERA_INFO:
            yield self._of(camera_info=topic), _camera_info_event(decoded)
        elif message.type == ODOMETRY:
            yield self._of(odometry=topic), motion_from_odometry(decoded)
        else:
            if cameras := self._of(image=topic):
                yield cameras, _image_event(message, decoded)
            if cameras := self._of(labels=topic):
                yield cameras, _label_event(decoded)

    def _of(self, **role: str) -> tuple[int, ...]:
        ((kind, topic),) = role.items()
        return tuple(number for number, camera in enumerate(self.cameras) if getattr(camera, kind) == topic)


def _image_event(message: BagMessage, decoded: Any) -> ImageEvent:
    header = decoded.header
    image, problem = None, ""
    try:
        image = rgb_from_message(decoded)
    except ImageError as error:
        problem = str(error)
    return ImageEvent(stamp_to_ns(header.stamp), header.frame_id, image, problem, message)


def _camera_info_event(decoded: Any) -> CameraInfoEvent:
    try:
        return CameraInfoEvent(intrinsics_from_camera_info(decoded))
    except ValueError as error:
        return CameraInfoEvent(None, str(error))


def _label_event(decoded: Any) -> LabelEvent:
    plane, problem = None, ""
    try:
        plane = _label_plane(decoded)
    except ImageError as error:
        problem = str(error)
    return LabelEvent(stamp_to_ns(decoded.header.stamp), plane, problem)


def _label_plane(decoded: Any) -> np.ndarray:
    """mono8, or a grey PNG; ImageError for anything else: compression that loses something changes labels."""
    if hasattr(decoded, "encoding"):
        return class_ids_from_image(decoded)
    if not bytes(decoded.data[:4]) == b"\x89PNG":
        raise ImageError(f"compressed labels: expected PNG, found format {decoded.format!r}")
    rgb = rgb_from_compressed(decoded)
    if (rgb != rgb[..., :1]).any():
        raise ImageError("compressed labels: expected a grey PNG of ids, found colours")
    plane: np.ndarray = np.ascontiguousarray(rgb[..., 0])
    return plane
