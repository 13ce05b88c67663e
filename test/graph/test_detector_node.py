"""The detector node on a real graph: what it says, when, and under which stamps."""

from __future__ import annotations

import signal
import time

import cv2
import numpy as np
import psutil
import pytest
from detector_rig import FOV_RAD, ROOT, SIZE, node_command, picture
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.images import plane_from_image, rgb_from_compressed
from ros_anomaly.messages.points import points_from_message
from ros_anomaly.messages.stamps import ns_to_stamp, stamp_to_ns


def anomalous() -> np.ndarray:
    return picture(anomaly=True)


def test_through_every_level_and_back(detector):
    """One drive: UNKNOWN, CLEAR, HAZARD, frames stop, UNKNOWN, recovery; flag, stamps and mask are checked."""
    rig = detector
    report = rig.wait_for(rig.level_is("unknown", reason="no frame yet"), "UNKNOWN before the first frame")
    assert report.state.image_stamp_ns is None and rig.hazard.messages[-1].data is True

    rig.send_until(rig.level_is("clear"), "clear frames")
    stamp = rig.send(picture())
    report = rig.wait_for(lambda: rig.answer(stamp), "the answer to a clear frame")
    assert report.state.level is HazardLevel.CLEAR and not report.state.regions and report.state.frame_age_ms < 500

    rig.send_until(rig.level_is("caution", "hazard"), "an anomaly", anomalous)
    rig.send_until(rig.level_is("hazard"), "a hazard", anomalous)
    stamp = rig.send(anomalous())
    report = rig.wait_for(lambda: rig.answer(stamp), "the answer to an anomalous frame")
    assert report.state.level is HazardLevel.HAZARD and report.state.max_score == pytest.approx(1.0)
    # The box's foot is at 7/8 of 72 rows, 27 below the horizon: 64 px * 1.6 m / 27.5 px + 1.5 m ahead of base_link.
    assert report.state.nearest_m == pytest.approx(64 * 1.6 / 27.5 + 1.5, abs=0.5)
    assert report.engine_ms < report.state.latency_ms
    assert report.stages.regions_ms + report.stages.engine_ms <= report.state.latency_ms

    mask = rig.wait_for(lambda: _with_stamp(rig.mask.messages, stamp), "the mask of that frame")
    pixels = plane_from_image(mask, "mono8")
    assert pixels.shape == SIZE and set(np.unique(pixels)) == {0, 255} and mask.header.frame_id == "camera"
    inside = np.zeros(SIZE, bool)
    inside[45:63, 48:80] = True
    assert (pixels[inside] == 255).mean() > 0.9 and (pixels[~inside] == 0).mean() > 0.95

    quiet_from = time.monotonic()
    rig.wait_for(rig.level_is("unknown", reason="old"), "UNKNOWN after frames stopped")
    assert time.monotonic() - quiet_from < 3
    flags = [message.data for message in rig.hazard.messages]
    assert flags[-1] is True and False in flags

    before = len(rig.status.messages)
    rig.send_until(rig.level_is("clear", "hazard", "caution"), "recovery")
    answers = [r for r in rig.reports(before) if not r.is_heartbeat]
    known = next(i for i, r in enumerate(answers) if r.state.level is not HazardLevel.UNKNOWN)
    # One frame spent on the gap in the stamps, if the pause was that long; then three good ones.
    assert known in (2, 3), [r.state.reason for r in answers]


def test_heartbeat_keeps_its_rate_while_nothing_comes(detector):
    rig = detector
    start = len(rig.hazard.messages)
    rig.wait_for(lambda: len(rig.hazard.messages) >= start + 21, "twenty heartbeats")
    times = rig.hazard.arrived_s[start : start + 21]
    assert 15 > 20 / (times[-1] - times[0]) > 5
    rig.wait_for(lambda: len(rig.status.messages) >= start + 21, "as many statuses")


def test_score_and_overlay_only_while_someone_listens(detector):
    rig = detector
    rig.send_until(rig.level_is("clear"), "clear frames")
    score = rig.record(Image, "detector/score")
    overlay = rig.record(CompressedImage, "detector/overlay/compressed")
    rig.send_until(lambda: score.messages and overlay.messages, "score and overlay", anomalous)
    plane = plane_from_image(score.messages[-1], "32FC1")
    assert plane.shape == (SIZE[0] // 4, SIZE[1] // 4) and plane.max() == pytest.approx(1.0)
    assert rgb_from_compressed(overlay.messages[-1]).shape == (*SIZE, 3)
    for message in (score.messages[-1], overlay.messages[-1]):
        stamp = stamp_to_ns(message.header.stamp)
        rig.wait_for(lambda s=stamp: _with_stamp(rig.mask.messages, s), "the mask of the same frame")


def test_anomalies_as_points_on_the_ground(detector):
    rig = detector
    points = rig.record(PointCloud2, "detector/hazard_points")
    rig.send_until(lambda: any(len(points_from_message(m)) for m in points.messages), "points", anomalous)
    cloud = next(m for m in points.messages if m.width)
    assert cloud.header.frame_id == "base_link"
    stamp = stamp_to_ns(cloud.header.stamp)
    report = rig.wait_for(lambda: rig.answer(stamp), "the answer to the frame of the points")
    found = points_from_message(cloud)
    assert found[:, 0].min() == pytest.approx(report.state.nearest_m, abs=0.1)
    assert (found[:, 3] > 0.5).all() and np.abs(found[:, 1]).max() < 2.5


def test_newest_frame_wins_and_drops_are_counted(detector):
    rig = detector
    rig.send_until(rig.level_is("clear"), "clear frames")
    worker = psutil.Process(rig.worker_pid())
    before = rig.last.dropped  # a busy machine may have dropped some already
    worker.suspend()  # holds the engine for a moment, well below the time at which it counts as hung
    try:
        for _ in range(10):
            last = rig.send(picture())
            time.sleep(0.02)
    finally:
        worker.resume()
    report = rig.wait_for(lambda: rig.answer(last), "the answer to the newest frame")
    assert 1 <= report.dropped - before <= 10

    def settled() -> dict[str, str] | None:
        counts = rig.diagnostic("frames")
        whole = counts and int(counts["received"]) == int(counts["processed"]) + int(counts["dropped"])
        return counts if whole and int(counts["dropped"]) == report.dropped else None

    counts = rig.wait_for(settled, "counts that add up")
    assert counts["superseded"] == counts["dropped"] and counts["bad_images"] == "0"


def test_compressed_images(rig, engine):
    def jpeg() -> CompressedImage:
        data = cv2.imencode(".jpg", anomalous()[..., ::-1])[1].tobytes()
        return CompressedImage(format="jpeg", data=data)

    rig.launch(engine, image_transport="compressed", horizontal_fov_rad=FOV_RAD)
    rig.send_until(rig.level_is("hazard"), "a hazard seen in a JPEG", jpeg)
    assert rig.last.state.nearest_m == pytest.approx(5.2, abs=0.6)


def test_simulated_time_in_lockstep_may_stand_still(rig, engine):
    """Ages are in ROS time, and while it stands still a fresh frame stays fresh."""
    clock = rig.node.create_publisher(Clock, "/clock", 10)
    now_ns = 100 * 10**9

    def tick() -> int:
        nonlocal now_ns
        now_ns += 50_000_000
        clock.publish(Clock(clock=ns_to_stamp(now_ns)))
        return rig.send(picture(), stamp_ns=now_ns)

    rig.launch(engine, use_sim_time=True, lockstep=True)
    rig.wait_for(lambda: rig.subscribed() and clock.get_subscription_count(), "the node to listen")
    is_clear = rig.level_is("clear")
    while not is_clear():
        stamp = tick()
        rig.wait_for_a_while(lambda s=stamp: rig.answer(s), 1.0)  # the first images may get lost: best effort
    stamp = tick()
    rig.wait_for(lambda: rig.answer(stamp), "an answer")
    time.sleep(1.5)  # longer than watchdog_ms
    assert rig.wait_for(rig.level_is("clear", "unknown"), "a heartbeat").state.level is HazardLevel.CLEAR
    now_ns += 2 * 10**9
    clock.publish(Clock(clock=ns_to_stamp(now_ns)))
    rig.wait_for(rig.level_is("unknown", reason="old"), "UNKNOWN once time has moved on")


def test_mismatched_quality_of_service_is_reported(rig, engine):
    rig.launch(engine, **{"qos_overrides./image.subscription.reliability": "reliable"})
    said = rig.wait_for(
        lambda: "incompatible reliability" in rig.diagnostic("camera").get("message", ""), "a word on the mismatch"
    )
    assert said and rig.last.state.level is HazardLevel.UNKNOWN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_with_a_last_word(detector, number):
    rig = detector
    rig.send_until(rig.level_is("clear"), "clear frames")
    transport = rig.transport_files()
    last_word = rig.level_is("unknown", reason="shutting down")
    assert rig.stop(number) == 0
    assert last_word() is not None, rig.reports()[-3:]
    assert "Traceback" not in rig.output
    assert transport and not [path for path in transport if path.exists()], "shared memory left behind"


def test_default_parameter_file_is_accepted(rig, engine):
    command = [*node_command(engine), "--params-file", str(ROOT / "config" / "detector.yaml")]
    # Overrides given later win: the file's autostart and engine are repeated after it.
    rig.launch_command([*command, "-p", "autostart:=true", "-p", f"engine:={engine}"])
    rig.send_until(rig.level_is("clear"), "a node with the default parameter file")


def _with_stamp(messages: list, stamp_ns: int):
    return next((m for m in messages if stamp_to_ns(m.header.stamp) == stamp_ns), None)
