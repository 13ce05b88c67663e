"""Small bags of drives for tests, written by ``rosbags`` alone: nothing of ours has a hand in what is read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
SIZE = (72, 128)
START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000
IMAGE, INFO, ODOMETRY, LABELS = "/front/image", "/front/camera_info", "/odometry", "/front/labels"


@dataclass(frozen=True)
class Record:
    """A message for a bag; ``cdr`` in its place is written as it is."""

    topic: str
    recorded_ns: int
    message: Any = None
    cdr: bytes | None = None
    type: str = ""


def kind(name: str) -> Any:
    """rosbags' class of a message type."""
    return STORE.types[name]


def header(stamp_ns: int, frame_id: str = "camera") -> Any:
    stamp = kind("builtin_interfaces/msg/Time")(*divmod(stamp_ns, 10**9))
    return kind("std_msgs/msg/Header")(stamp, frame_id)


def image(stamp_ns: int, pixels: np.ndarray, encoding: str = "rgb8") -> Any:
    data = np.ascontiguousarray(pixels)
    height, width = data.shape[:2]
    return kind("sensor_msgs/msg/Image")(
        header(stamp_ns), height, width, encoding, 0, data[0].nbytes, data.reshape(-1).view(np.uint8)
    )


def compressed(stamp_ns: int, pixels: np.ndarray, suffix: str = ".png") -> Any:
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    _, data = cv2.imencode(suffix, np.ascontiguousarray(bgr))
    return kind("sensor_msgs/msg/CompressedImage")(header(stamp_ns), suffix[1:], data.reshape(-1))


def camera_info(stamp_ns: int, size: tuple[int, int] = SIZE, focal: float = 64.0) -> Any:
    height, width = size
    cx, cy = (width - 1) / 2, (height - 1) / 2
    k = np.array([focal, 0, cx, 0, focal, cy, 0, 0, 1.0])
    p = np.array([focal, 0, cx, 0, 0, focal, cy, 0, 0, 0, 1.0, 0])
    roi = kind("sensor_msgs/msg/RegionOfInterest")(0, 0, 0, 0, False)
    return kind("sensor_msgs/msg/CameraInfo")(
        header(stamp_ns), height, width, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, roi
    )


def odometry(stamp_ns: int, speed_mps: float, yaw_rate_rps: float) -> Any:
    def v(x: float = 0.0, z: float = 0.0) -> Any:
        return kind("geometry_msgs/msg/Vector3")(x, 0.0, z)

    pose = kind("geometry_msgs/msg/Pose")(
        kind("geometry_msgs/msg/Point")(0.0, 0.0, 0.0), kind("geometry_msgs/msg/Quaternion")(0.0, 0.0, 0.0, 1.0)
    )
    twist = kind("geometry_msgs/msg/Twist")(v(speed_mps), v(z=yaw_rate_rps))
    return kind("nav_msgs/msg/Odometry")(
        header(stamp_ns, "odom"),
        "base_link",
        kind("geometry_msgs/msg/PoseWithCovariance")(pose, np.zeros(36)),
        kind("geometry_msgs/msg/TwistWithCovariance")(twist, np.zeros(36)),
    )


def picture(anomaly: bool = False, seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 [H, W, 3] grey noise; with ``anomaly`` a magenta box (what ``toy_engine`` scores 1) on the road ahead."""
    height, width = size
    pixels = np.random.default_rng(seed).integers(90, 160, (height, width, 1), dtype=np.uint8).repeat(3, 2)
    if anomaly:
        pixels[anomaly_box(size)] = (255, 0, 255)
    return pixels


def anomaly_box(size: tuple[int, int] = SIZE) -> tuple[slice, slice]:
    """Where ``picture`` puts its anomaly: on whole cells of 4 pixels."""
    height, width = size
    return slice(height * 11 // 18, height * 16 // 18), slice(width * 3 // 8, width * 5 // 8)


def labels(anomaly: bool, size: tuple[int, int] = SIZE, anomaly_id: int = 13, other_id: int = 7) -> np.ndarray:
    """uint8 [H, W] road with the box of ``picture``."""
    plane = np.full(size, other_id, np.uint8)
    if anomaly:
        plane[anomaly_box(size)] = anomaly_id
    return plane


@dataclass
class Drive:
    """A drive at 10 Hz; ``anomalous`` are the frames with an anomaly. Change ``records`` at will before writing."""

    frames: int = 20
    anomalous: Sequence[int] = (8, 9, 10, 11)
    transport: str = "raw"
    labelled: bool = False
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(self.frames):
            stamp = START_NS + number * PERIOD_NS
            pixels = picture(number in self.anomalous, seed=number)
            topic = IMAGE if self.transport == "raw" else f"{IMAGE}/compressed"
            message = image(stamp, pixels) if self.transport == "raw" else compressed(stamp, pixels)
            late = 5_000_000  # what it took from the exposure to the recorder
            self.records += [
                Record(INFO, stamp + late - 2, camera_info(stamp)),
                Record(ODOMETRY, stamp + late - 1, odometry(stamp, 8.0, 0.0)),
                Record(topic, stamp + late, message),
            ]
            if self.labelled:
                self.records.append(
                    Record(LABELS, stamp + late + 10, image(stamp, labels(number in self.anomalous), "mono8"))
                )

    def images(self) -> list[int]:
        """Places of the image messages in ``records``."""
        return [at for at, record in enumerate(self.records) if record.topic.startswith(IMAGE)]


def write_bag(path: Path, records: Sequence[Record], storage: str = "mcap", compress: str = "") -> Path:
    """Write a bag; ``compress`` is one of rosbags' modes: file, message or storage."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compress:
        writer.set_compression(CompressionMode[compress.upper()], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for record in records:
            message_type = record.type or record.message.__msgtype__
            if record.topic not in connections:
                connections[record.topic] = writer.add_connection(record.topic, message_type, typestore=STORE)
            cdr = record.cdr if record.cdr is not None else STORE.serialize_cdr(record.message, message_type)
            writer.write(connections[record.topic], record.recorded_ns, cdr)
    return path
