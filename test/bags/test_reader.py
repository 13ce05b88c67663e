"""Bags are read whatever their storage; what is broken is read as far as it goes and said in a line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from drive_bags import (
    IMAGE,
    INFO,
    ODOMETRY,
    PERIOD_NS,
    START_NS,
    Drive,
    Record,
    image,
    odometry,
    picture,
    write_bag,
)

from ros_anomaly.bags.reader import BagError, BagReader

TOPICS = (INFO, ODOMETRY, IMAGE)


def read(path: Path, topics=TOPICS):
    with BagReader(path) as bag:
        messages = list(bag.messages(topics))
        return messages, bag.problems


@pytest.mark.parametrize(
    ("storage", "compress"),
    [("mcap", ""), ("mcap", "storage"), ("sqlite3", ""), ("sqlite3", "message"), ("sqlite3", "file"), ("mcap", "file")],
)
def test_every_storage_gives_the_same_messages(tmp_path, storage, compress):
    drive = Drive(frames=5)
    path = write_bag(tmp_path / "bag", drive.records, storage, compress)
    with BagReader(path) as bag:
        assert bag.problems == []
        assert {name: (topic.type, topic.count) for name, topic in bag.topics.items()} == {
            INFO: ("sensor_msgs/msg/CameraInfo", 5),
            IMAGE: ("sensor_msgs/msg/Image", 5),
            ODOMETRY: ("nav_msgs/msg/Odometry", 5),
        }
        messages = list(bag.messages(TOPICS))
        assert [(m.topic, m.recorded_ns) for m in messages] == [(r.topic, r.recorded_ns) for r in drive.records]
        last = messages[-1].decoded()
        np.testing.assert_array_equal(last.data.reshape(72, 128, 3), picture(seed=4))
        assert [m.topic for m in bag.messages([ODOMETRY])] == [ODOMETRY] * 5, "read again, and one topic alone"
        first = bag.first(IMAGE)
        assert first is not None and first.recorded_ns == drive.records[2].recorded_ns and bag.first("/none") is None


def test_a_single_file_is_a_bag_too(tmp_path):
    for storage, suffix in (("mcap", ".mcap"), ("sqlite3", ".db3")):
        path = write_bag(tmp_path / storage, Drive(frames=3).records, storage)
        messages, problems = read(path / f"{storage}{suffix}")
        assert len(messages) == 9 and problems == []


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_messages_come_in_order_of_time_and_of_the_named_topics(tmp_path, storage):
    at = START_NS
    records = [
        Record(IMAGE, at + 5, image(at, picture())),
        Record(ODOMETRY, at + 5, odometry(at, 1.0, 0.0)),
        Record(IMAGE, at, image(at, picture())),
    ]
    path = write_bag(tmp_path / "bag", records, storage)
    order = [(m.topic, m.recorded_ns - at) for m in read(path, (ODOMETRY, IMAGE))[0]]
    assert order == [(IMAGE, 0), (ODOMETRY, 5), (IMAGE, 5)]
    order = [(m.topic, m.recorded_ns - at) for m in read(path, (IMAGE, ODOMETRY))[0]]
    assert order == [(IMAGE, 0), (IMAGE, 5), (ODOMETRY, 5)]


@pytest.mark.parametrize("stem", ["killed_", ""])
def test_a_folder_without_metadata_is_read_file_by_file_in_natural_order(tmp_path, stem):
    folder = tmp_path / "killed"
    folder.mkdir()
    for number, start in ((2, 0), (10, 50)):
        records = [
            Record(IMAGE, START_NS + (start + i) * PERIOD_NS, image(START_NS, picture(seed=i))) for i in range(3)
        ]
        part = write_bag(tmp_path / f"part{number}", records, "mcap")
        (part / f"part{number}.mcap").rename(folder / f"{stem}{number}.mcap")
    messages, problems = read(folder, (IMAGE,))
    assert [(m.recorded_ns - START_NS) // PERIOD_NS for m in messages] == [0, 1, 2, 50, 51, 52]
    assert len(problems) == 1 and "expected metadata.yaml, found none" in problems[0]


def cut(file: Path, share: float) -> int:
    """Cut a file to a share of its size; returns the bytes that are left."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    return int(len(data) * share)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("metadata", [True, False])
def test_a_bag_that_was_cut_short_gives_what_is_whole(tmp_path, storage, metadata):
    drive = Drive(frames=150)
    path = write_bag(tmp_path / "bag", drive.records, storage)
    cut(next(path.glob("bag.*")), 0.7)
    if not metadata:
        (path / "metadata.yaml").unlink()
    messages, problems = read(path, (IMAGE,))
    assert 0.3 * 150 < len(messages) < 0.75 * 150
    expected = [r.recorded_ns for r in drive.records if r.topic == IMAGE][: len(messages)]
    assert [m.recorded_ns for m in messages] == expected
    for number, message in enumerate(messages):
        np.testing.assert_array_equal(message.decoded().data, picture(number in drive.anomalous, number).ravel())
    assert any("damaged" in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


def test_one_damaged_file_of_several_does_not_take_the_others_along(tmp_path):
    records = Drive(frames=120).records
    first = write_bag(tmp_path / "one", records[:180], "mcap")
    second = write_bag(tmp_path / "two", records[180:], "mcap")
    folder = tmp_path / "split"
    folder.mkdir()
    (first / "one.mcap").rename(folder / "split_0.mcap")
    (second / "two.mcap").rename(folder / "split_1.mcap")
    cut(folder / "split_0.mcap", 0.8)
    messages, problems = read(folder, (IMAGE,))
    stamps = [m.recorded_ns for m in messages]
    whole = [r.recorded_ns for r in records if r.topic == IMAGE]
    assert stamps[-60:] == whole[-60:] and 60 < len(stamps) < 120
    assert any("split_0.mcap: cut short: the last" in problem for problem in problems), problems


def damage(file: Path, at: float, size: int = 2000) -> None:
    """Zeros in place of what was there, from a share of the file's size on."""
    data = bytearray(file.read_bytes())
    begin = int(len(data) * at)
    data[begin : begin + size] = bytes(len(data[begin : begin + size]))
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("at", [0.05, 0.5])
def test_a_damaged_chunk_of_an_indexed_mcap_does_not_take_the_others_along(tmp_path, at):
    drive = Drive(frames=150)
    path = write_bag(tmp_path / "bag", drive.records, "mcap", "storage")
    damage(path / "bag.mcap", at)
    messages, problems = read(path, (IMAGE,))
    assert 100 < len(messages) < 150 and messages[-1].recorded_ns == drive.records[-1].recorded_ns
    times = [m.recorded_ns for m in messages]
    assert times == sorted(set(times)), "none twice"
    lost = 150 - len(messages)
    assert any("is damaged (" in problem and f"{lost} of {IMAGE}" in problem for problem in problems), problems
    assert any(f"speaks of 150 messages, {len(messages)} could be read" in problem for problem in problems), problems


def test_a_damaged_chunk_of_an_mcap_without_an_index_does_not_either(tmp_path):
    path = write_bag(tmp_path / "bag", Drive(frames=150).records, "mcap", "storage")
    damage(path / "bag.mcap", 0.3)
    cut(path / "bag.mcap", 0.9)
    with BagReader(path) as bag:
        messages = list(bag.messages((IMAGE,)))
        assert bag.topics[IMAGE].count == len(messages)
        assert any("are damaged (" in problem and "and lost" in problem for problem in bag.problems), bag.problems
    numbers = [(m.recorded_ns - START_NS) // PERIOD_NS for m in messages]
    assert numbers[0] == 0 and max(np.diff(numbers)) > 20 and numbers[-1] > 90, "a gap, and what follows it"


@pytest.mark.parametrize("compress", ["", "storage"])
def test_an_mcap_that_ends_in_zeros_gives_what_is_before_them(tmp_path, compress):
    """What a power cut leaves of a file whose last part was not yet written."""
    path = write_bag(tmp_path / "bag", Drive(frames=150).records, "mcap", compress)
    (path / "metadata.yaml").unlink()
    damage(path / "bag.mcap", 0.6, size=10**9)
    with BagReader(path) as bag:
        assert 70 < bag.topics[IMAGE].count <= 91
        assert len(list(bag.messages((IMAGE,)))) == bag.topics[IMAGE].count
        assert any("no whole record" in problem for problem in bag.problems), bag.problems


def test_disorder_is_told_as_it_is(tmp_path):
    folder = tmp_path / "split"
    folder.mkdir()
    for number, first in enumerate((0, 2)):  # the second file begins before the first has ended
        stamps = [START_NS + (first + i) * PERIOD_NS for i in range(4)]
        part = write_bag(tmp_path / f"part{number}", [Record(IMAGE, at, image(at, picture())) for at in stamps])
        (part / f"part{number}.mcap").rename(folder / f"split_{number}.mcap")
    _, problems = read(folder, (IMAGE,))
    assert "split: 1 messages come after later ones, by up to 0.1 s" in problems


def test_an_mcap_without_chunks_is_read_though_it_is_not_in_order(tmp_path):
    """As rosbag2 writes it with its preset ``fastwrite``: neither chunks nor an index."""
    path = write_bag(tmp_path / "bag", Drive(frames=6).records, "mcap")
    data = (path / "bag.mcap").read_bytes()
    plain = tmp_path / "plain.mcap"
    plain.write_bytes(without_chunks(data, swap=(4, 7)))
    messages, problems = read(plain)
    times = [m.recorded_ns for m in messages]
    assert len(messages) == 18 and times == sorted(times) and problems == []


def test_a_damaged_last_record_of_an_mcap_without_chunks_costs_itself_alone(tmp_path):
    path = write_bag(tmp_path / "bag", Drive(frames=6).records, "mcap")
    data = without_chunks((path / "bag.mcap").read_bytes(), swap=(4, 7))
    odd = b"\x05" + (5).to_bytes(8, "little") + b"short"  # a message has 22 bytes at least
    end = len(data) - 37
    plain = tmp_path / "drive (1).mcap"
    plain.write_bytes(data[:end] + odd + data[end:])
    with BagReader(plain) as bag:
        assert {name: topic.count for name, topic in bag.topics.items()} == dict.fromkeys(TOPICS, 6)
        assert len(list(bag.messages(TOPICS))) == 18
        lost = [problem for problem in bag.problems if "are damaged (" in problem]
        assert len(lost) == 1 and f"bytes {end} to {end + len(odd)}" in lost[0], bag.problems


def without_chunks(data: bytes, swap: tuple[int, int]) -> bytes:
    """An mcap file with the records of its (uncompressed) chunks at the top, two messages swapped, and no summary."""
    records, at = [], 8
    header = b""
    while at < len(data) - 8:
        code, size = data[at], int.from_bytes(data[at + 1 : at + 9], "little")
        body = data[at + 9 : at + 9 + size]
        if code == 0x01:
            header = data[at : at + 9 + size]
        elif code == 0x06:
            inner = body[40 + int.from_bytes(body[28:32], "little") :]
            place = 0
            while place < len(inner):
                length = 9 + int.from_bytes(inner[place + 1 : place + 9], "little")
                records.append(inner[place : place + length])
                place += length
        at += 9 + size
    places = [i for i, record in enumerate(records) if record[0] == 0x05]
    a, b = places[swap[0]], places[swap[1]]
    records[a], records[b] = records[b], records[a]
    footer = b"\x02" + (20).to_bytes(8, "little") + bytes(20)
    return data[:8] + header + b"".join(records) + footer + data[:8]


def test_a_write_ahead_log_that_was_left_is_told(tmp_path):
    path = write_bag(tmp_path / "bag", Drive(frames=3).records, "sqlite3")
    (path / "bag.db3-wal").write_bytes(b"x" * 100)
    messages, problems = read(path)
    assert len(messages) == 9 and "the recorder did not finish" in problems[0]


def test_what_is_no_bag_is_refused_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    (tmp_path / "zero.mcap").write_bytes(b"")
    (tmp_path / "text.mcap").write_bytes(b"hello, this is no bag at all, but it is long enough to be one")
    (tmp_path / "text.db3").write_bytes(b"hello, this is no bag at all, but it is long enough to be one" * 10)
    sqlite3.connect(tmp_path / "other.db3").execute("CREATE TABLE songs (id INTEGER)").connection.close()
    for name, words in {
        "nothing": "found nothing",
        "empty": "expected .mcap or .db3 files in the folder, found nothing",
        "old.bag": "rosbags-convert",
        "zero.mcap": "expected an mcap file",
        "text.mcap": "expected an mcap file",
        "text.db3": "nothing can be read",
        "other.db3": "nothing can be read",
    }.items():
        with pytest.raises(BagError, match=words) as caught:
            BagReader(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_damaged_message_names_its_topic(tmp_path):
    path = write_bag(tmp_path / "bag", [Record(IMAGE, 5, cdr=b"\0\1\0\0abc", type="sensor_msgs/msg/Image")])
    (message,), problems = read(path, (IMAGE,))
    assert problems == []
    with pytest.raises(BagError, match=f"{IMAGE}: expected a sensor_msgs/msg/Image, found 7 bytes"):
        message.decoded()
