"""Bags as written: whole or absent, the same bytes for the same content, readable by others' code."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Imu, PointCloud2
from std_msgs.msg import Header

from ros_anomaly.bags.writer import BagStorage, BagWriter
from ros_anomaly.bags.writer_messages import cdr_bytes, type_name
from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.camera import Intrinsics
from ros_anomaly.messages.hazard import hazard_message, hazard_report
from ros_anomaly.messages.images import ImageError, plane_from_image, rgb_from_image, rgb_from_message
from ros_anomaly.messages.stamps import ns_to_stamp

T0 = 10**9
IMAGE = np.random.default_rng(0).integers(0, 256, (36, 64, 3), dtype=np.uint8)
PLANES: dict[str, np.ndarray] = {
    "mono8": np.arange(36 * 64, dtype=np.uint8).reshape(36, 64),
    "16UC1": np.full((36, 64), 60001, np.uint16),
    "32FC1": np.linspace(-1, 1, 36 * 64, dtype=np.float32).reshape(36, 64),
}
INTRINSICS = Intrinsics.from_fov((36, 64), 1.5)


def hazard_status(stamp_ns: int) -> DiagnosticArray:
    state = HazardState(HazardLevel.CAUTION, "anomaly off the corridor", stamp_ns, max_score=0.25, latency_ms=1.0)
    return hazard_message(state, 3, ns_to_stamp(stamp_ns), "camera", "detector")


def fill(bag: BagWriter, frames: int = 3) -> None:
    """Everything that a drive or a result bag holds."""
    for index in range(frames):
        stamp = T0 + index * 10**8
        bag.clock(stamp)
        bag.camera_info("/cam/camera_info", INTRINSICS, stamp, "camera")
        bag.write("/odom", Odometry(header=Header(stamp=ns_to_stamp(stamp))), stamp)
        bag.image("/cam/image", IMAGE + np.uint8(index), "rgb8", stamp, "camera")
        bag.jpeg("/cam/image/compressed", IMAGE, stamp, "camera")
        for encoding, plane in PLANES.items():
            bag.image(f"/planes/p{encoding.lower()}", plane, encoding, stamp, "camera")
        bag.flag("/detector/hazard", index == 1, stamp)
        bag.write("/detector/hazard_status", hazard_status(stamp), stamp)


def write(path: Path, storage: BagStorage = BagStorage.MCAP, **options) -> Path:
    with BagWriter(path, storage, **options) as bag:
        fill(bag)
        bag.note("drive", "town 7")
    return path


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize("storage", list(BagStorage))
def test_a_bag_is_read_back_by_rosbags(tmp_path: Path, storage: BagStorage):
    path = write(tmp_path / "drive", storage)
    messages: dict[str, list] = {}
    with AnyReader([path]) as reader:  # with no type store of its own: the definitions in the bag must do
        for connection, time_ns, raw in reader.messages():
            messages.setdefault(connection.topic, []).append((time_ns, reader.deserialize(raw, connection.msgtype)))
    assert all(len(found) == 3 for found in messages.values()) and len(messages) == 10
    time_ns, image = messages["/cam/image"][2]
    assert time_ns == T0 + 2 * 10**8 == image.header.stamp.sec * 10**9 + image.header.stamp.nanosec
    assert image.header.frame_id == "camera" and np.array_equal(rgb_from_image(image), IMAGE + np.uint8(2))
    for encoding, plane in PLANES.items():
        assert np.array_equal(plane_from_image(messages[f"/planes/p{encoding.lower()}"][0][1], encoding), plane)
    jpeg = rgb_from_message(messages["/cam/image/compressed"][0][1])
    assert np.abs(jpeg.astype(int) - IMAGE).mean() < 60 and jpeg.shape == IMAGE.shape
    assert [flag.data for _, flag in messages["/detector/hazard"]] == [False, True, False]
    assert hazard_report(messages["/detector/hazard_status"][0][1]).state.level is HazardLevel.CAUTION
    assert messages["/cam/camera_info"][0][1].k[0] == pytest.approx(INTRINSICS.fx)
    assert "drive: town 7" in (path / "metadata.yaml").read_text()


def test_rclpy_reads_the_bytes(tmp_path: Path):
    with AnyReader([write(tmp_path / "drive")]) as reader:
        for connection, _, raw in reader.messages():
            package, _, name = connection.msgtype.split("/")
            kind = getattr(importlib.import_module(f"{package}.msg"), name)
            message = deserialize_message(bytes(raw), kind)
            assert cdr_bytes(message) == bytes(raw)
            # rclpy ends in padding where rosbags does not, and leaves what it pads with to chance.
            again = deserialize_message(serialize_message(message), kind)
            assert again == message


@pytest.mark.parametrize("storage", list(BagStorage))
def test_the_same_messages_make_the_same_bytes(tmp_path: Path, storage: BagStorage):
    first = contents(write(tmp_path / "a" / "drive", storage))
    assert first == contents(write(tmp_path / "b" / "drive", storage)) and len(first) == 2


def test_mcap_is_compressed(tmp_path: Path):
    plain = 3 * (IMAGE.nbytes + sum(plane.nbytes for plane in PLANES.values()))
    assert (write(tmp_path / "drive") / "drive.mcap").stat().st_size < plain


def test_nothing_is_there_before_the_end_and_after_a_failure(tmp_path: Path):
    path = tmp_path / "drive"
    with pytest.raises(RuntimeError, match="half way"):
        with BagWriter(path) as bag:
            fill(bag)
            assert not path.exists()
            raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []
    write(path)
    assert [p.name for p in tmp_path.iterdir()] == ["drive"]


def test_a_bag_that_is_there_is_kept_unless_it_may_be_replaced(tmp_path: Path):
    path = write(tmp_path / "drive")
    before = contents(path)
    with pytest.raises(FileExistsError, match="drive"):
        BagWriter(path)
    with pytest.raises(RuntimeError):
        with BagWriter(path, overwrite=True) as bag:
            fill(bag, 1)
            raise RuntimeError
    assert contents(path) == before
    with BagWriter(path, overwrite=True) as bag:
        fill(bag, 1)
    assert contents(path) != before and [p.name for p in tmp_path.iterdir()] == ["drive"]


def test_a_bag_that_cannot_be_replaced_is_there_again(tmp_path: Path, monkeypatch):
    path = write(tmp_path / "drive")
    before, rename = contents(path), Path.rename

    def full_disk(self: Path, target: Path) -> Path:
        if ".partial" in str(self):
            raise OSError("no space left on device")
        return rename(self, target)

    with pytest.raises(OSError, match="no space"):
        with BagWriter(path, overwrite=True) as bag:
            fill(bag, 1)
            monkeypatch.setattr(Path, "rename", full_disk)
    assert contents(path) == before and [p.name for p in tmp_path.iterdir()] == ["drive"]


def test_of_two_writers_the_quicker_one_s_bag_stays(tmp_path: Path):
    with pytest.raises(FileExistsError):
        with BagWriter(tmp_path / "drive") as slow:
            fill(slow, 1)
            (tmp_path / "drive").mkdir()
    assert [p.name for p in tmp_path.iterdir()] == ["drive"] and not list((tmp_path / "drive").iterdir())


def test_only_bags_are_replaced(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(FileExistsError, match="only a bag is replaced"):
        BagWriter(tmp_path / "photos", overwrite=True)


def test_an_empty_bag_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one message"):
        with BagWriter(tmp_path / "drive"):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda bag: bag.flag("/cam/image", True, T0), "/cam/image: expected sensor_msgs/msg/Image as before"),
        (lambda bag: bag.flag("cam", True, T0), "absolute name"),
        (lambda bag: bag.flag("/f", True, -1), "0 ns or later, found -1"),
        (lambda bag: bag.write("/s", "text", T0), "common interfaces"),
        (lambda bag: bag.copy("/s", "my_msgs/msg/Own", b"", T0), "my_msgs/msg/Own"),
    ],
)
def test_what_a_bag_cannot_hold_is_told(tmp_path: Path, act, told: str):
    with pytest.raises(ValueError, match=told):
        with BagWriter(tmp_path / "drive") as bag:
            fill(bag, 1)
            act(bag)


def test_wrong_pixels_are_told(tmp_path: Path):
    with pytest.raises(ImageError, match="mono8: expected non-empty uint8"):
        with BagWriter(tmp_path / "drive") as bag:
            bag.image("/cam/image", IMAGE, "mono8", T0, "camera")


def test_unknown_storage_lists_the_known_ones():
    with pytest.raises(ValueError, match="mcap, sqlite3; found 'rosbag1'"):
        BagStorage("rosbag1")


@pytest.mark.parametrize("message", [Imu(), PointCloud2(data=[1, 2]), Time(sec=-1), hazard_status(T0)])
def test_every_kind_of_field_is_serialised_as_rclpy_does(message):
    raw = cdr_bytes(message)
    assert deserialize_message(raw, type(message)) == message
    assert type_name(message).endswith(type(message).__name__)
