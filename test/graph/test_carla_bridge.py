"""The bridge on a real graph, with a server of box models and a detector that fears magenta alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from carla_stage_rig import BOX_SERVER, TIMEOUT_S, box_server  # noqa: F401
from detector_rig import ROOT, SIZE, Rig
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from ros_anomaly.messages.diagnostics import values_of
from ros_anomaly.messages.images import class_ids_from_image, instance_ids_from_image, rgb_from_image
from ros_anomaly.messages.stamps import stamp_to_ns

pytest.importorskip("carla")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402

from ros_anomaly_sim.bridge import topics  # noqa: E402
from ros_anomaly_sim.bridge.world_hold import connect  # noqa: E402

LISTENING = {
    topics.IMAGE: Image,
    topics.CAMERA_INFO: CameraInfo,
    topics.CLASS_IDS: Image,
    topics.INSTANCE_IDS: Image,
    topics.ODOMETRY: Odometry,
    topics.CLOCK: Clock,
    topics.STATUS: DiagnosticArray,
}


def command(**parameters: Any) -> list[str]:
    values = {"image_height": SIZE[0], "image_width": SIZE[1], "spawn_point": 1, "route_m": 20.0, **parameters}
    arguments = [sys.executable, "-m", "ros_anomaly.cli.carla_bridge", "--ros-args"]
    for name, value in values.items():
        arguments += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
    return arguments


def stamps(recorder) -> list[int]:
    return [stamp_to_ns(message.header.stamp) for message in recorder.messages]


@pytest.fixture
def at(box_server) -> dict[str, Any]:  # noqa: F811
    """Parameters that say where the server is."""
    return {"host": "127.0.0.1", "port": box_server.port}


def left_over(port: int) -> tuple[list[str], bool]:
    world = connect("127.0.0.1", port, TIMEOUT_S).get_world()
    return [a.type_id for a in world.get_actors() if a.type_id != "spectator"], world.get_settings().synchronous_mode


def test_lockstep_with_a_detector_from_start_to_end(rig: Rig, engine, at):
    heard = {topic: rig.record(kind, topic) for topic, kind in LISTENING.items()}
    remaps = (f"image:={topics.IMAGE}", f"camera_info:={topics.CAMERA_INFO}", f"odometry:={topics.ODOMETRY}")
    rig.launch(engine, *remaps, lockstep=True, use_sim_time=True)
    done = subprocess.run(
        command(**at, answer_timeout_s=20.0), cwd=ROOT, capture_output=True, text=True, timeout=4 * TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    assert "drives: 1, " in done.stderr and "missed: 0" in done.stderr
    images = heard[topics.IMAGE]
    rig.wait_for(lambda: rig.answer(stamps(images)[-1]), "the answer to the last image")
    answered = {report.state.image_stamp_ns for report in rig.reports() if not report.is_heartbeat}
    # The very first ones are shown until the detector is there.
    assert {stamp for stamp in stamps(images) if stamp >= min(answered)} <= answered
    # One stamp for everything of a moment, 0.1 s of simulated time from each to the next.
    for topic in (topics.CAMERA_INFO, topics.CLASS_IDS, topics.INSTANCE_IDS):
        assert stamps(heard[topic]) == stamps(images), topic
    assert set(stamps(images)) <= set(stamps(heard[topics.ODOMETRY]))
    steps = {b - a for a, b in pairwise(stamps(images))}
    assert steps == {100_000_000}
    clocks = [stamp_to_ns(message.clock) for message in heard[topics.CLOCK].messages]
    assert clocks == sorted(clocks)
    assert rgb_from_image(images.messages[0]).shape == (*SIZE, 3)
    assert 7 in class_ids_from_image(heard[topics.CLASS_IDS].messages[0])
    assert instance_ids_from_image(heard[topics.INSTANCE_IDS].messages[0]).shape == SIZE
    assert heard[topics.ODOMETRY].messages[-1].twist.twist.linear.x > 5.0
    assert values_of(heard[topics.STATUS].messages[-1].status[0])["map"] == "Town2001"
    assert left_over(at["port"]) == ([], False)


def test_without_a_detector_lockstep_gives_up(rig: Rig, at):
    done = subprocess.run(
        command(**at, startup_timeout_s=1.0), cwd=ROOT, capture_output=True, text=True, timeout=4 * TIMEOUT_S
    )
    assert done.returncode == 1
    assert "within 1 s: the detector does not listen" in done.stderr
    assert left_over(at["port"]) == ([], False)


def test_ctrl_c_in_the_middle_leaves_nothing(rig: Rig, at):
    images = rig.record(Image, topics.IMAGE)
    rig.launch_command(command(**at, lockstep=False, repeat=True))
    rig.wait_for(lambda: len(images.messages) > 3, "images")
    assert rig.stop(signal.SIGINT) == 130
    assert left_over(at["port"]) == ([], False)


def test_a_server_that_dies_and_comes_back_is_found_again(rig: Rig):
    from ros_anomaly_sim.bridge.server_process import ServerProcess

    images = rig.record(Image, topics.IMAGE)
    with ServerProcess(BOX_SERVER) as first:
        port = first.port
        rig.launch_command(command(host="127.0.0.1", port=port, lockstep=False, repeat=True, connect_timeout_s=3.0))
        rig.wait_for(lambda: len(images.messages) > 3, "images")
        first.kill()
    rig.wait_for(lambda: "the CARLA server is lost, trying again" in rig.output, "the loss to be noticed", TIMEOUT_S)
    before = len(images.messages)
    with ServerProcess([*BOX_SERVER, "--port", str(port)]):
        rig.wait_for(lambda: len(images.messages) > before + 3, "images of the new server", 2 * TIMEOUT_S)
        assert stamps(images) == sorted(set(stamps(images)))
        assert rig.stop() == 130


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"map": "Town99"}, "the server has no map 'Town99'"),
        ({"port": "high"}, "parameter port: expected int, found str 'high'"),
    ],
)
def test_bad_parameters_are_one_line(rig: Rig, at, parameters: dict[str, Any], message: str):
    done = subprocess.run(
        command(**{**at, **parameters}), cwd=ROOT, capture_output=True, text=True, timeout=4 * TIMEOUT_S
    )
    assert done.returncode == 1 and message in done.stderr
    assert "Traceback" not in done.stderr
