"""The hazard reporter without a graph: who may be heard when."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.clock import Clock
from std_msgs.msg import Header

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.monitor import Observation
from ros_anomaly.hazard.types import Assessment, HazardLevel
from ros_anomaly.messages.hazard import hazard_report
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly.nodes.counters import FrameCounters
from ros_anomaly.nodes.hazard_reporter import HazardReporter

EMPTY = Assessment(np.zeros((8, 8), np.uint8), np.zeros((2, 2), np.float32), np.zeros((2, 2), np.uint8), (), 0.0, 5.0)


class FakeNode:
    """A clock, and publishers that keep what they are given."""

    def __init__(self) -> None:
        self.sent: dict[str, list] = {}

    def get_name(self) -> str:
        return "detector"

    def get_clock(self) -> Clock:
        return Clock()

    def create_publisher(self, kind, topic, qos, qos_overriding_options):
        self.sent[topic] = []

        class Publisher:
            publish = self.sent[topic].append

        return Publisher()


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def reporter(node):
    return HazardReporter(node, 10.0, FrameCounters())


def good_frames(reporter, count: int = 5) -> None:
    for _ in range(count):
        now = Clock().now()
        header = Header(frame_id="camera", stamp=ns_to_stamp(now.nanoseconds))
        reporter.frame(Observation(EMPTY, now.nanoseconds, None), header)


def last(node):
    state = hazard_report(node.sent["~/hazard_status"][-1]).state
    assert node.sent["~/hazard"][-1].data == state.level.flag
    return state


def test_frames_count_only_after_a_fresh_start(node, reporter):
    reporter.mute("inactive")
    good_frames(reporter)
    reporter.heartbeat()
    assert (last(node).level, last(node).reason) == (HazardLevel.UNKNOWN, "inactive")
    reporter.start_afresh(HazardConfig(), lockstep=False)
    assert last(node).reason == "no frame yet"
    good_frames(reporter)
    reporter.heartbeat()
    assert last(node).level is HazardLevel.CLEAR
    reporter.mute("inactive")
    reporter.start_afresh(HazardConfig(), lockstep=False)
    assert last(node).reason == "no frame yet", "what was known before is forgotten"


def test_once_the_end_was_announced_nothing_else_is_said(node, reporter):
    """A transition that was under way when the process was asked to end finishes after the announcement."""
    reporter.mute("shutting down", for_good=True)
    reporter.start_afresh(HazardConfig(), lockstep=False)
    reporter.mute("inactive")
    good_frames(reporter)
    reporter.heartbeat()
    assert {hazard_report(message).state.reason for message in node.sent["~/hazard_status"]} == {"shutting down"}
    assert all(message.data for message in node.sent["~/hazard"])
