"""The hazard status there and back, stamps as text, diagnostics as text."""

from __future__ import annotations

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly.messages.diagnostics import text_of, values_of
from ros_anomaly.messages.hazard import FrameStages, hazard_message, hazard_report
from ros_anomaly.messages.stamps import ns_to_stamp, ns_to_text, stamp_to_ns, text_to_ns

STAMP_NS = 1_795_259_747_403_598_383
REGION = Region((10, 20, 30, 40), 250, 0.75, 0.5, 12.5, -0.25, True)
BLIND = Region((0, 0, 5, 5), 25, 1.0, 0.9, None, None, False)
FULL = HazardState(
    HazardLevel.HAZARD, "anomaly in the corridor", STAMP_NS, (REGION, BLIND), 12.5, 0.75, 31.25, 42.5, 0.02
)
BARE = HazardState(HazardLevel.UNKNOWN, "no frame yet", None)
STAGES = FrameStages(wait_ms=0.1, convert_ms=0.2, resize_ms=0.3, engine_ms=20.5, regions_ms=1.5, health_ms=0.4)


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (FULL, DiagnosticStatus.ERROR),
        (BARE, DiagnosticStatus.STALE),
        (HazardState(HazardLevel.CLEAR, "nothing found", 5), DiagnosticStatus.OK),
        (HazardState(HazardLevel.CAUTION, "grün – off the corridor", 5, (REGION,)), DiagnosticStatus.WARN),
    ],
)
def test_hazard_status_there_and_back(state, level):
    message = hazard_message(state, 7, ns_to_stamp(STAMP_NS), "camera", "front", STAGES)
    (status,) = message.status
    assert status.level == level and status.name == "front: hazard" and status.message == state.reason
    assert message.header.frame_id == "camera" and stamp_to_ns(message.header.stamp) == STAMP_NS
    keys = "level reason image_stamp regions nearest_m max_score latency_ms frame_age_ms dropped scene_shift".split()
    assert list(values_of(status))[: len(keys)] == keys
    report = hazard_report(message)
    assert report.state == state and report.dropped == 7 and report.engine_ms == 20.5 and report.stages == STAGES
    assert report.is_heartbeat == (state.image_stamp_ns != STAMP_NS)


def _without(key: str) -> DiagnosticArray:
    message = hazard_message(FULL, 0, Time(), "", "detector")
    message.status[0].values = [item for item in message.status[0].values if item.key != key]
    return message


def _with(key: str, value: str) -> DiagnosticArray:
    message = hazard_message(FULL, 0, Time(), "", "detector")
    next(item for item in message.status[0].values if item.key == key).value = value
    return message


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (DiagnosticArray(), "expected one status named"),
        (DiagnosticArray(status=[DiagnosticStatus(name="other")]), r"found \['other'\]"),
        (_without("regions"), "expected the key 'regions'"),
        (_with("level", "fine"), "'fine'"),
        (_with("nearest_m", "near"), "near"),
        (_with("regions", "[{}]"), "hazard status"),
        (_with("stages_ms", '{"wait_ms": 1}'), "hazard status"),
        (_with("image_stamp", "12"), "nine digits, found '12'"),
    ],
)
def test_other_messages_are_refused(message, says):
    with pytest.raises(ValueError, match=says):
        hazard_report(message)


@pytest.mark.parametrize("time_ns", [0, 1, 999_999_999, STAMP_NS, -1])
def test_stamps_are_exact(time_ns):
    assert stamp_to_ns(ns_to_stamp(time_ns)) == time_ns
    assert text_to_ns(ns_to_text(time_ns)) == time_ns


def test_stamps_outside_a_message_are_refused():
    assert text_to_ns("") is None and ns_to_text(None) == ""
    with pytest.raises(ValueError, match="fit 32 bits"):
        ns_to_stamp(2**31 * 10**9)


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "true"), (1.5, "1.5"), (2.0, "2"), (1 / 3, "0.3333"), (7, "7"), ("x", "x")]
)
def test_diagnostic_values_as_text(value, text):
    assert text_of(value) == text
