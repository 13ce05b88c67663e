"""A recorded drive through the live graph: what the detector says of it in lockstep is what it says offline."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from detector_rig import FOV_RAD, PATIENCE_S, ROOT, SIZE, picture
from nav_msgs.msg import Odometry
from std_msgs.msg import Header

from ros_anomaly.bags.reader import BagReader
from ros_anomaly.bags.reader_cameras import TopicChoice, find_cameras
from ros_anomaly.bags.reader_events import BagDrive
from ros_anomaly.bags.writer import BagWriter
from ros_anomaly.detector import Detector
from ros_anomaly.evaluation.drives.run import Answer, DrivePolicy, DriveRun
from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.camera import Intrinsics, camera_info_message
from ros_anomaly.messages.images import image_message, plane_from_image
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.runner import InProcessRunner

COMMAND = [sys.executable, "-m", "ros_anomaly.cli.replay"]
IMAGE, INFO, ODOMETRY = "/cam/image", "/cam/camera_info", "/odom"
FRAMES = 14
PERIOD_NS = 100_000_000
RECORDED_AFTER_NS = 7_000_000


def stamps() -> list[int]:
    """A frame every 100 ms, with one pause in which the detector must lose its trust."""
    return [10**9 + i * PERIOD_NS + (700_000_000 if i > 10 else 0) for i in range(FRAMES)]


def has_anomaly(index: int) -> bool:
    return 4 <= index <= 7


def write_drive(path: Path, stamps_ns: list[int]) -> Path:
    """A drive with odometry that bends the corridor; images are recorded a little after they were taken."""
    info = Intrinsics.from_fov(SIZE, FOV_RAD)
    with BagWriter(path) as writer:
        for index, stamp in enumerate(stamps_ns):
            header = Header(stamp=ns_to_stamp(stamp), frame_id="camera")
            odometry = Odometry(header=header)
            odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = 8.0, 0.1 * (index - 5)
            writer.write(INFO, camera_info_message(info, header), stamp)
            writer.write(ODOMETRY, odometry, stamp)
            pixels = picture(has_anomaly(index), seed=index)
            writer.write(IMAGE, image_message(pixels, "rgb8", header), stamp + RECORDED_AFTER_NS)
    return path


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_drive(tmp_path_factory.mktemp("bags") / "drive", stamps())


def offline(bag: Path, engine: Path) -> dict[int, Answer]:
    """What the bag's evaluation says of every image."""
    runner = InProcessRunner(EngineSpec(str(engine)))
    said = {}
    with BagReader(bag) as reader:
        drive = BagDrive(reader, find_cameras(reader, TopicChoice()))
        run = DriveRun(Detector(runner), DrivePolicy(lockstep=True), 1)
        for event in drive.events():
            for _, one in run.take(event):
                if isinstance(one, Answer):
                    said[one.event.stamp_ns] = one
    runner.close()
    return said


def where(state: HazardState) -> list[tuple[object, ...]]:
    """Box, membership of the corridor and distance to the centimetre of every region."""
    regions = [(r.box, r.in_corridor, r.distance_m) for r in state.regions]
    return [(box, inside, None if far is None else round(far, 2)) for box, inside, far in regions]


def without_ages(reason: str) -> str:
    """A reason without its milliseconds: how old a frame is depends on when in a pause somebody asks."""
    return re.sub(r"\d+ ms", "… ms", reason)


def launch_in_lockstep(rig, engine: Path, **parameters) -> None:
    remaps = (f"image:={IMAGE}", f"camera_info:={INFO}", f"odometry:={ODOMETRY}")
    rig.launch(engine, *remaps, **{"use_sim_time": True, "lockstep": True, **parameters})


def replay(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_S)


@contextmanager
def replaying(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A replay in the background, gone at the end."""
    command = [*COMMAND, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_lockstep_gives_the_masks_and_levels_of_the_offline_evaluation(rig, engine, bag):
    launch_in_lockstep(rig, engine)
    done = replay(bag, "--lockstep", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["images"], figures["answered"], figures["messages"]) == (FRAMES, FRAMES, 3 * FRAMES)

    expected = offline(bag, engine)
    assert list(expected) == stamps()
    rig.wait_for(lambda: len(rig.mask.messages) >= FRAMES, "the last mask")
    masks = {stamp_to_ns(m.header.stamp): plane_from_image(m, "mono8") for m in rig.mask.messages}
    for stamp, offline_answer in expected.items():
        live = rig.answer(stamp)
        assert live.state.level is offline_answer.state.level
        assert without_ages(live.state.reason) == without_ages(offline_answer.state.reason)
        assert live.state.frame_age_ms == pytest.approx(RECORDED_AFTER_NS / 1e6)
        assert where(live.state) == where(offline_answer.state)
        assert np.array_equal(masks[stamp], offline_answer.assessment.mask)
    levels = {answer.state.level for answer in expected.values()}
    assert levels == set(HazardLevel)  # the drive tries them all
    assert any("old" in answer.state.reason for answer in expected.values())  # and the pause is noticed


def test_real_time_keeps_the_recording_s_pace(rig, engine, bag):
    launch_in_lockstep(rig, engine, lockstep=False)
    rig.wait_for(lambda: rig.reports() and "no frame yet" in rig.last.state.reason, "the node to be active")
    done = replay(bag, "--speed", "0.7", "--startup-timeout", PATIENCE_S, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    drive_s = (stamps()[-1] - stamps()[0]) / 1e9
    assert figures["images"] == FRAMES and figures["answered"] > FRAMES // 2
    assert drive_s / 0.7 <= figures["seconds"] < drive_s / 0.7 + 1.5


def test_a_folder_of_pictures(rig, engine, tmp_path):
    for index in (2, 10, 1, 3):  # by number and not by letter
        pixels = picture(anomaly=index == 10, seed=index)
        cv2.imwrite(str(tmp_path / f"frame_{index}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    (tmp_path / "frame_4.png").write_bytes(b"no picture")
    rig.launch(engine, "image:=/pictures/image", "camera_info:=/pictures/camera_info", use_sim_time=True, lockstep=True)
    done = replay(tmp_path, "--lockstep", "--image-topic", "/pictures/image", "--rate", 10, "--fov", 90, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["answered"] == 5 and figures["failed"] == 1, "an unreadable picture is a bad image, as offline"
    assert len(figures["problems"]) == 1 and "frame_4.png" in figures["problems"][0]
    # The replay heard every answer; this listener may be a moment behind it.
    unreadable, last = (
        rig.wait_for(lambda i=i: rig.answer(10**10 + i * PERIOD_NS), "the last answers") for i in (3, 4)
    )
    assert unreadable.state.level is HazardLevel.UNKNOWN
    assert last.state.regions and last.state.nearest_m is not None


def test_a_detector_that_dies_ends_the_replay_in_one_line(rig, engine, tmp_path):
    drive = write_drive(tmp_path / "long", [10**9 + i * PERIOD_NS for i in range(800)])
    launch_in_lockstep(rig, engine)
    with replaying(drive, "--lockstep", "--timeout", 1, "--patience", 2, "--json") as process:
        rig.wait_for(lambda: len(rig.mask.messages) > 5, "the drive to be under way")
        rig.stop(signal.SIGTERM)
        out, errors = process.communicate(timeout=PATIENCE_S)
    figures = json.loads(out)
    assert figures["answered"] > 5 and figures["broken_off"]
    assert process.returncode == 1 and "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ros-anomaly-replay: error: ") and ("listens" in last or "unanswered" in last)


def test_nobody_there_is_told_with_the_remapping_to_use(domain, bag):
    done = replay(bag, "--lockstep", "--startup-timeout", 0.5)
    assert done.returncode == 1 and f"-r image:={IMAGE}" in done.stderr.splitlines()[-1]


def test_a_detector_on_the_wall_clock_is_found_out(rig, engine, bag):
    launch_in_lockstep(rig, engine, use_sim_time=False)
    rig.wait_for(lambda: rig.reports() and "no frame yet" in rig.last.state.reason, "the node to be active")
    done = replay(bag, "--lockstep", "--startup-timeout", 4)
    assert done.returncode == 1 and "use_sim_time:=true" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_asked_to(domain, bag, number):
    with replaying(bag, "--lockstep", "--startup-timeout", 60) as process:
        line = process.stderr.readline()
        assert "waiting for a listener" in line
        time.sleep(1.0)  # into the wait
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and errors.strip().splitlines()[-1].endswith("interrupted")
    assert "Traceback" not in errors
