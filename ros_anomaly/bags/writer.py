"""Writes bags: standard message types with their definitions embedded, so that Foxglove and RViz open them.

A bag appears whole or not at all: it grows in a folder beside its own and is moved into place when it is closed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Bool, Header

from ros_anomaly.bags.writer_messages import cdr_bytes, standard_types, type_name
from ros_anomaly.choice import Choice
from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.images import image_message, jpeg_message
from ros_anomaly.messages.stamps import ns_to_stamp

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

CLOCK_TOPIC = "/clock"
METADATA_FILE = "metadata.yaml"
_BAG_VERSION: Literal[9] = 9  # of the metadata file, as Jazzy writes it


class BagStorage(str, Choice):
    """File format of a bag."""

    MCAP = "mcap"
    SQLITE3 = "sqlite3"


class BagWriter:
    """A bag to be written, in a ``with`` block; leaving it by an exception leaves nothing behind.

    Every message is stored at the time ``stamp_ns`` that it carries. Topics come into being with their first message.
    Write in order of time. The same messages make the same bytes. Chunks of mcap are compressed with zstd; sqlite3 is
    not compressed, so that every reader of ROS 2 can open it.

    Args:
        path: folder of the bag, as ``ros2 bag`` names it. It must not exist, unless ``overwrite`` is set and it is a
            bag, which then is replaced when the new one is whole.
        storage: mcap or sqlite3.

    Raises:
        FileExistsError: ``path`` exists and may not be replaced.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, storage: BagStorage = BagStorage.MCAP, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite
        self._check_free()
        # The file's name in the bag is the folder's, so the bag grows under its own name in a folder of another.
        self._workshop = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
        self._writer = Writer(
            self._workshop / path.name,
            version=_BAG_VERSION,
            storage_plugin=StoragePlugin.MCAP if storage is BagStorage.MCAP else StoragePlugin.SQLITE3,
        )
        if storage is BagStorage.MCAP:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._connections: dict[str, Connection] = {}

    def image(self, topic: str, pixels: np.ndarray, encoding: str, stamp_ns: int, frame_id: str) -> None:
        """A raw image: ``rgb8`` uint8 [H, W, 3]; ``mono8`` uint8, ``16UC1`` uint16 or ``32FC1`` float32 [H, W].

        Raises:
            ImageError: dtype or shape is not the encoding's.
        """
        self.write(topic, image_message(pixels, encoding, _header(stamp_ns, frame_id)), stamp_ns)

    def jpeg(self, topic: str, rgb: np.ndarray, stamp_ns: int, frame_id: str, quality: int = 90) -> None:
        """A ``CompressedImage``: JPEG of uint8 [H, W, 3] RGB. By custom the topic's name ends in ``/compressed``."""
        self.write(topic, jpeg_message(rgb, _header(stamp_ns, frame_id), quality), stamp_ns)

    def camera_info(self, topic: str, intrinsics: Intrinsics, stamp_ns: int, frame_id: str) -> None:
        """A ``CameraInfo`` of a camera without distortion."""
        self.write(topic, camera_info_message(intrinsics, _header(stamp_ns, frame_id)), stamp_ns)

    def flag(self, topic: str, value: bool, stamp_ns: int) -> None:
        """A ``std_msgs/Bool``, which has no header: its time is the bag's alone."""
        self.write(topic, Bool(data=bool(value)), stamp_ns)

    def clock(self, stamp_ns: int) -> None:
        """The simulated time on ``/clock``."""
        self.write(CLOCK_TOPIC, Clock(clock=ns_to_stamp(stamp_ns)), stamp_ns)

    def write(self, topic: str, message: Any, stamp_ns: int) -> None:
        """Any message of ROS 2's common interfaces, made with rclpy's classes or with those of rosbags.

        Raises:
            ValueError: another type, a type that the topic does not have, a bad topic name, or a negative time.
        """
        self.copy(topic, type_name(message), cdr_bytes(message), stamp_ns)

    def copy(self, topic: str, message_type: str, cdr: bytes | memoryview, stamp_ns: int) -> None:
        """A message that is serialised already, such as one of another bag, byte for byte; errors as ``write``."""
        if stamp_ns < 0:
            raise ValueError(f"{topic}: expected a time of 0 ns or later, found {stamp_ns}")
        connection = self._connections.get(topic) or self._connect(topic, message_type)
        if connection.msgtype != message_type:
            raise ValueError(f"{topic}: expected {connection.msgtype} as before, found {message_type}")
        self._writer.write(connection, stamp_ns, cdr)

    def note(self, key: str, text: str) -> None:
        """Something to know about the whole bag: ``custom_data`` of its metadata."""
        self._writer.set_custom_data(key, text)

    def __enter__(self) -> BagWriter:
        self._workshop.mkdir(parents=True)
        try:
            self._writer.open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._connections:
                raise ValueError(f"bag: expected at least one message, found none for {self.path}")
            self._writer.__exit__(kind, error, trace)
            if error is None:
                self._put_into_place()
        finally:
            self._writer.abort()
            self._discard()

    def _connect(self, topic: str, message_type: str) -> Connection:
        if not topic.startswith("/") or topic.endswith("/"):
            raise ValueError(f"topic: expected an absolute name such as /camera/image, found {topic!r}")
        if message_type not in standard_types().types:
            raise ValueError(f"{topic}: expected a type of ROS 2's common interfaces, found {message_type}")
        connection = self._writer.add_connection(topic, message_type, typestore=standard_types())
        self._connections[topic] = connection
        return connection

    def _check_free(self) -> None:
        if not (self.path.exists() or self.path.is_symlink()):
            return
        if not self._overwrite:
            raise FileExistsError(f"bag: expected a path that is free, found something at {self.path}")
        if not (self.path / METADATA_FILE).is_file():
            raise FileExistsError(f"bag: only a bag is replaced, found something else at {self.path}")

    def _put_into_place(self) -> None:
        self._check_free()  # somebody else may have been quicker
        grown = self._workshop / self.path.name
        if not self.path.exists():
            grown.rename(self.path)
            return
        self.path.rename(self._replaced)
        try:
            grown.rename(self.path)
        except BaseException:
            self._replaced.rename(self.path)
            raise
        shutil.rmtree(self._replaced)

    def _discard(self) -> None:
        if self._workshop.exists():
            shutil.rmtree(self._workshop)


def _header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)
