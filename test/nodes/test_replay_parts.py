"""The parts of a replay without a graph: who waits for whom, what is counted, which messages are sent when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Header

from ros_anomaly.bags.clock import DriveClock
from ros_anomaly.bags.reader import BagError
from ros_anomaly.bags.writer import BagWriter
from ros_anomaly.bags.writer_messages import standard_types
from ros_anomaly.cli import replay as cli
from ros_anomaly.cli.common import CliError
from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.camera import Intrinsics
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly.messages.images import ImageError, image_message, rgb_from_image
from ros_anomaly.messages.lockstep import DetectorSilent
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.nodes import replay_lockstep, replay_process, replay_realtime
from ros_anomaly.nodes.message_types import message_class
from ros_anomaly.nodes.replay_bag import BagSource
from ros_anomaly.nodes.replay_folder import FolderSource
from ros_anomaly.nodes.replay_lockstep import LockstepReplay, Patience
from ros_anomaly.nodes.replay_node import Answer
from ros_anomaly.nodes.replay_outcome import NobodyListens
from ros_anomaly.nodes.replay_realtime import RealTimeReplay
from ros_anomaly.nodes.replay_source import ReplayMessage

MS = 1_000_000
T0 = 10**9
STATE = HazardState(HazardLevel.CLEAR, "nothing found", None, latency_ms=5.0)


class SteadyTime:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class FakePort:
    """A graph with a detector that answers at the next ``listen``, as ``answers`` says of each image's number."""

    time: SteadyTime
    answers: Callable[[int], HazardState | None] = lambda number: STATE
    heeds_clock: bool = True
    listeners: int = 1
    image_topic: str = "/cam/image"
    log: list[tuple[str, int]] = field(default_factory=list)
    sent: int = 0
    clock_ns: int = 0
    waiting_ns: int | None = None

    def publish_clock(self, time_ns: int) -> None:
        self.clock_ns = time_ns
        self.log.append(("clock", time_ns))

    def publish(self, topic: str, raw: bytes) -> None:
        self.log.append((topic, int(raw)))
        if topic == self.image_topic:
            self.waiting_ns = int(raw)
            self.sent += 1

    def listen(self, duration_s: float) -> list[Answer]:
        self.log.append(("listen", self.clock_ns))
        if self.waiting_ns is not None:
            stamp_ns, self.waiting_ns = self.waiting_ns, None
            state = self.answers(self.sent - 1)
            if state is not None:
                return [Answer(stamp_ns, HazardReport(state, dropped=0))]
        self.time.now_s += max(duration_s, 1e-6)
        beat = HazardState(HazardLevel.UNKNOWN, "heartbeat", None)
        return [Answer(self.clock_ns if self.heeds_clock else 77, HazardReport(beat, 0, is_heartbeat=True))]


@dataclass
class ListSource:
    """Messages of a list; an image's bytes are its stamp."""

    messages: list[ReplayMessage]
    image_topic: str = "/cam/image"
    problems: list[str] = field(default_factory=list)
    topics = {"/cam/image": "sensor_msgs/msg/Image"}
    images = 0

    def __iter__(self) -> Iterator[ReplayMessage]:
        return iter(self.messages)

    def close(self) -> None:
        pass


def image(stamp_ns: int, recorded_after_ns: int = 0) -> ReplayMessage:
    return ReplayMessage("/cam/image", str(stamp_ns).encode(), stamp_ns + recorded_after_ns, stamp_ns)


@pytest.fixture
def steady(monkeypatch) -> SteadyTime:
    steady = SteadyTime()
    monkeypatch.setattr(replay_lockstep, "time", steady)
    monkeypatch.setattr(replay_realtime, "time", steady)
    return steady


def lockstep(port: FakePort, **patience) -> LockstepReplay:
    return LockstepReplay(port, Patience(**patience), lambda: None)


def test_in_lockstep_an_image_waits_for_the_answer_to_the_one_before(steady):
    port = FakePort(steady)
    run = lockstep(port)
    run.run(ListSource([image(T0), ReplayMessage("/odom", b"7", T0 + 90 * MS), image(T0 + 100 * MS, 5 * MS)]))
    start = port.log.index(("/cam/image", T0))
    assert port.log[start:] == [
        ("/cam/image", T0),
        ("listen", T0),
        ("clock", T0 + 90 * MS),
        ("/odom", 7),
        ("clock", T0 + 105 * MS),
        ("/cam/image", T0 + 100 * MS),
        ("listen", T0 + 105 * MS),
    ]
    outcome = run.outcome
    assert (outcome.sent, outcome.messages, outcome.answered, outcome.unanswered) == (2, 3, 2, 0)
    assert outcome.levels == {HazardLevel.CLEAR: 2}


def test_the_detector_hears_of_a_pause_before_the_next_image(steady):
    port = FakePort(steady)
    later = T0 + 700 * MS
    lockstep(port).run(ListSource([image(T0), image(later)]))
    at = port.log.index(("/cam/image", later))
    assert port.log[at - 3 : at] == [("clock", later), ("listen", later), ("clock", later)]


@pytest.mark.parametrize(("pause_ms", "waits"), [(150.0, True), (300.0, False)])
def test_how_long_a_pause_must_be_to_be_heard_of_is_an_option(steady, pause_ms, waits):
    port = FakePort(steady)
    later = T0 + 200 * MS
    lockstep(port, pause_ms=pause_ms).run(ListSource([image(T0), image(later)]))
    at = port.log.index(("/cam/image", later))
    assert (("listen", later) in port.log[:at]) == waits


def test_the_clock_never_goes_back(steady):
    port = FakePort(steady)
    lockstep(port).run(ListSource([image(T0 + 100 * MS), image(T0), image(T0 + 200 * MS)]))
    clocks = [time_ns for kind, time_ns in port.log if kind == "clock"]
    assert clocks == sorted(clocks)


def test_unanswered_images_are_counted_and_too_many_end_it(steady):
    port = FakePort(steady, answers=lambda number: None if number in (1, 3, 4) else STATE)
    run = lockstep(port, answer_s=2.0, images=2)
    with pytest.raises(DetectorSilent, match="2 frames in a row"):
        run.run(ListSource([image(T0 + i * 100 * MS) for i in range(9)]))
    assert (run.outcome.sent, run.outcome.answered, run.outcome.unanswered) == (5, 2, 3)


def test_frames_that_the_detector_could_not_process_are_counted(steady):
    failed = HazardState(HazardLevel.UNKNOWN, "engine failed", None)
    run = lockstep(FakePort(steady, answers=lambda number: failed if number else STATE))
    run.run(ListSource([image(T0), image(T0 + 100 * MS)]))
    assert (run.outcome.answered, run.outcome.failed) == (2, 1)


def test_a_detector_that_leaves_ends_it_at_once(steady):
    port = FakePort(steady)

    def leave(number: int) -> HazardState | None:
        port.listeners = 0 if number == 1 else 1
        return None if number == 1 else STATE

    port.answers = leave
    started_s = steady.now_s
    with pytest.raises(DetectorSilent, match="no longer listens to /cam/image"):
        lockstep(port, answer_s=60.0).run(ListSource([image(T0 + i * 100 * MS) for i in range(3)]))
    assert steady.now_s - started_s < 5


@pytest.mark.parametrize(
    ("port_is", "told"),
    [
        ({"listeners": 0}, "-r image:=/cam/image"),
        ({"listeners": 0, "image_topic": "/cam/image/compressed"}, "-r image/compressed:=/cam/image/compressed"),
        ({"heeds_clock": False}, "use_sim_time:=true"),
    ],
)
def test_without_a_detector_in_lockstep_it_says_what_to_do(steady, port_is, told):
    port = FakePort(steady, **port_is)
    with pytest.raises(NobodyListens, match="within 3 s"):
        try:
            lockstep(port, startup_s=3.0).run(ListSource([image(T0)]))
        except NobodyListens as error:
            assert told in str(error)
            raise
    assert port.sent == 0


def test_in_real_time_messages_come_when_they_are_due(steady):
    port = FakePort(steady)
    sent_s: list[float] = []
    run = RealTimeReplay(port, 2.0, 1.0, lambda: sent_s.append(steady.now_s))
    run.run(ListSource([image(T0 + i * 100 * MS) for i in range(5)]))
    assert np.diff(sent_s) == pytest.approx(0.05, abs=1e-4)
    assert run.outcome.answered == 5 and run.outcome.latest_s < 1e-3
    clocks = [time_ns for kind, time_ns in port.log if kind == "clock"]
    assert clocks == sorted(clocks) and max(np.diff(clocks)) <= 2 * 10 * MS + 1  # twice as fast, every 10 ms


def test_in_real_time_nobody_has_to_listen(steady):
    port = FakePort(steady, answers=lambda number: None, listeners=0)
    run = RealTimeReplay(port, 1.0, 1.0, lambda: None)
    run.run(ListSource([image(T0), image(T0 + 100 * MS)]))
    assert (run.outcome.sent, run.outcome.unanswered) == (2, 2)


@pytest.mark.parametrize("values", [{"answer_s": 0.0}, {"images": 0}, {"startup_s": -1.0}, {"pause_ms": 0.0}])
def test_patience_checks_itself(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Patience(**values)


def test_message_classes_by_name():
    assert message_class("sensor_msgs/msg/Image") is Image
    for name in ("sensor_msgs/msg/Nothing", "no_such_msgs/msg/Image", "Image", "std_srvs/srv/Empty"):
        with pytest.raises(ValueError, match=name):
            message_class(name)


PIXELS = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def write_bag(path: Path, stamps_ns: list[int]) -> Path:
    with BagWriter(path) as bag:
        for stamp in stamps_ns:
            bag.clock(stamp)
            bag.image("/cam/image", PIXELS, "rgb8", stamp, "camera")
            bag.camera_info("/cam/camera_info", Intrinsics.from_fov((12, 16), 1.5), stamp, "camera")
            bag.flag("/detector/hazard", True, stamp)
            bag.image("/truth/ids", PIXELS[..., 0], "mono8", stamp, "camera")
            bag.write("/horn", Bool(data=True), stamp)
    return path


def test_a_bag_s_image_comes_after_what_describes_it(tmp_path):
    source = BagSource(write_bag(tmp_path / "d", [T0, T0 + 100 * MS]), answers_below="/detector/")
    messages = list(source)
    assert source.image_topic == "/cam/image" and source.images == 2
    assert [m.topic for m in messages[:4]] == ["/horn", "/truth/ids", "/cam/camera_info", "/cam/image"]
    assert [m.image_stamp_ns for m in messages] == [None] * 3 + [T0] + [None] * 3 + [T0 + 100 * MS]
    decoded = standard_types().deserialize_cdr(messages[3].raw, "sensor_msgs/msg/Image")
    assert np.array_equal(rgb_from_image(decoded), PIXELS)
    (problem,) = source.problems
    assert "/detector/hazard" in problem
    source.close()


def test_topics_can_be_chosen(tmp_path):
    path = write_bag(tmp_path / "d", [T0])
    assert list(BagSource(path, topics=["/horn"]).topics) == ["/horn", "/cam/camera_info", "/cam/image"]
    assert list(BagSource(path, topics=[]).topics) == ["/cam/camera_info", "/cam/image"]
    with pytest.raises(BagError, match="/bell: expected one of"):
        BagSource(path, topics=["/bell"])
    with pytest.raises(BagError, match="/cam/other"):
        BagSource(path, image_topic="/cam/other")


def test_a_recording_on_another_clock_is_told_by_its_stamps(tmp_path):
    """A simulator's drive, recorded by wall clock: its images would come out decades old."""
    path, wall_ns = tmp_path / "d", 1_700_000_000 * 10**9
    with BagWriter(path) as bag:
        bag.write("/horn", Bool(), wall_ns - 5)
        for index in range(2):
            header = Header(stamp=ns_to_stamp(T0 + index * 100 * MS), frame_id="camera")
            bag.write("/cam/image", image_message(PIXELS, "rgb8", header), wall_ns + index * 120 * MS)
    auto = [(m.topic, m.recorded_ns) for m in BagSource(path)]
    assert auto == [("/horn", T0), ("/cam/image", T0), ("/cam/image", T0 + 100 * MS)]
    recorded = [m.recorded_ns for m in BagSource(path, clock=DriveClock.RECORDED)]
    assert recorded == [wall_ns - 5, wall_ns, wall_ns + 120 * MS]


def write_pictures(folder: Path, names: list[str]) -> None:
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((4, 6, 3), index, np.uint8))


def test_pictures_that_are_named_by_their_stamps_keep_them(tmp_path):
    write_pictures(tmp_path, ["1700000000100000000.png", "1700000000000000000.png"])
    stamps = [m.image_stamp_ns for m in FolderSource(tmp_path, None, "/front/image")]
    assert stamps == [1700000000000000000, 1700000000100000000]


def test_a_folder_of_pictures_as_messages(tmp_path):
    write_pictures(tmp_path, ["1.png", "2.png"])
    (tmp_path / "3.png").write_bytes(b"damaged")
    source = FolderSource(tmp_path, 5.0, "/front/image", np.pi / 2)
    messages = list(source)
    assert [m.topic for m in messages] == [*["/front/camera_info", "/front/image"] * 2, "/front/image"]
    assert messages[3].recorded_ns - messages[1].recorded_ns == 200 * MS
    assert messages[3].image_stamp_ns == messages[3].recorded_ns > 0
    decoded = standard_types().deserialize_cdr(messages[3].raw, "sensor_msgs/msg/Image")
    assert rgb_from_image(decoded).shape == (4, 6, 3) and rgb_from_image(decoded)[0, 0, 0] == 1
    (problem,) = source.problems
    assert "sent as an empty image: 3.png" in problem
    assert messages[4].image_stamp_ns == messages[3].recorded_ns + 200 * MS
    empty = standard_types().deserialize_cdr(messages[4].raw, "sensor_msgs/msg/Image")
    assert stamp_to_ns(empty.header.stamp) == messages[4].image_stamp_ns and empty.header.frame_id == "camera"
    with pytest.raises(ImageError):
        rgb_from_image(empty)


def test_of_several_odometries_and_camera_infos_one_is_named(tmp_path):
    path = tmp_path / "d"
    with BagWriter(path) as bag:
        bag.image("/cam/image", PIXELS, "rgb8", T0, "camera")
        for name in ("/cam/camera_info", "/rectified/camera_info"):
            bag.camera_info(name, Intrinsics.from_fov((12, 16), 1.5), T0, "camera")
        for name in ("/wheels", "/filtered"):
            bag.write(name, Odometry(), T0)
    with pytest.raises(BagError, match="/filtered, /wheels"):
        BagSource(path)
    source = BagSource(path, camera_info_topic="/rectified/camera_info", odometry_topic="/wheels")
    assert (source.camera.camera_info, source.camera.odometry) == ("/rectified/camera_info", "/wheels")
    assert list(source.topics)[-3:] == ["/rectified/camera_info", "/wheels", "/cam/image"]
    assert BagSource(path, odometry_topic="none").camera.odometry is None
    source = source_of([str(path), "--odometry-topic", "/filtered", "--camera-info-topic", "/cam/camera_info"])
    assert isinstance(source, BagSource)
    assert (source.camera.camera_info, source.camera.odometry) == ("/cam/camera_info", "/filtered")


def source_of(arguments: list[str]) -> object:
    return cli._source(cli.build_parser().parse_args(arguments))


def test_pictures_beside_a_bag_s_files_make_it_no_folder_of_pictures(tmp_path):
    bag = write_bag(tmp_path / "d", [T0])
    (bag / "metadata.yaml").unlink()  # as of a recorder that was killed
    write_pictures(bag, ["1.png"])
    assert isinstance(source_of([str(bag)]), BagSource)
    (tmp_path / "pictures").mkdir()
    write_pictures(tmp_path / "pictures", ["1.png"])
    assert isinstance(source_of([str(tmp_path / "pictures"), "--rate", "10"]), FolderSource)
    with pytest.raises(CliError, match="has no topics"):
        source_of([str(tmp_path / "pictures"), "--rate", "10", "--odometry-topic", "/odom"])


def test_what_was_counted_is_told_though_the_detector_fell_silent(tmp_path, monkeypatch, capsys, steady):
    """In lockstep the figures of a drive are worth most when it broke off."""
    port = FakePort(steady, answers=lambda number: None if number else STATE, listeners=1)
    monkeypatch.setattr(port, "publish", lambda topic, raw: FakePort.publish(port, topic, b"%d" % T0))
    monkeypatch.setattr(FakePort, "close", lambda self: None, raising=False)
    monkeypatch.setattr(replay_process, "ReplayNode", lambda *arguments: port)
    monkeypatch.setattr(replay_process, "on_graph", lambda arguments: nullcontext())
    path = tmp_path / "d"
    with BagWriter(path) as bag:
        for index in range(4):
            bag.image("/cam/image", PIXELS, "rgb8", T0 + index * 100 * MS, "camera")
    assert cli.main([str(path), "--lockstep", "--patience", "2", "--json"]) == 1
    out, errors = capsys.readouterr()
    figures = json.loads(out)
    assert (figures["images"], figures["answered"], figures["unanswered"]) == (3, 1, 2)
    assert "2 frames in a row" in figures["broken_off"]
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ros-anomaly-replay: error: 2 frames in a row unanswered") and "sent 3 images" in errors


def test_bad_folders_and_values_are_told(tmp_path):
    with pytest.raises(ValueError, match="expected pictures"):
        FolderSource(tmp_path, 10.0, "/image")
    write_pictures(tmp_path, ["1.png"])
    with pytest.raises(ValueError, match="rate_hz"):
        FolderSource(tmp_path, 0.0, "/image")
    with pytest.raises(ValueError, match="or a rate"):
        FolderSource(tmp_path, None, "/image")
    with pytest.raises(ValueError, match="horizontal_fov_rad"):
        FolderSource(tmp_path, 10.0, "/image", 4.0)
