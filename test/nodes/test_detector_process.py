"""How the detector's process comes to its end, and how the node starts by itself."""

from __future__ import annotations

import signal
import sys
import threading
from types import SimpleNamespace

import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from ros_anomaly.nodes.detector_node import DetectorNode
from ros_anomaly.nodes.detector_process import End

PATIENCE_S = 10.0


def test_a_signal_during_the_handler_of_another_does_not_block():
    """`ros2 launch` and the terminal both send SIGINT; a trace function stands for the second one at every line."""
    end = End()

    def second_signal(frame, event, argument):
        end.on_signal(signal.SIGINT, None)
        return second_signal

    def first_signal() -> None:
        sys.settrace(second_signal)
        try:
            end.on_signal(signal.SIGINT, None)
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=first_signal, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "the handler waits for itself"
    end.wait()
    assert end.failure is None


def test_the_first_reason_to_end_counts():
    end = End()
    end.fail("the engine is missing")
    end.fail("configure failed")
    end.wait()
    assert end.failure == "the engine is missing"

    asked = End()
    asked.ask()
    asked.fail("stopped while loading")
    asked.wait()
    assert asked.failure is None, "what fails because of the end is no failure"


@pytest.mark.parametrize(
    ("configure", "activate", "says"),
    [
        (TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.SUCCESS, []),
        (TransitionCallbackReturn.ERROR, None, ["configure: expected success, found error"]),
        (TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.ERROR, ["activate: expected success, found error"]),
    ],
)
def test_a_node_that_cannot_start_by_itself_is_fatal(configure, activate, says):
    reasons: list[str] = []
    node = SimpleNamespace(
        trigger_configure=lambda: configure, trigger_activate=lambda: activate, _on_fatal=reasons.append
    )
    DetectorNode.start_by_itself(node)
    assert [reason.split(";")[0] for reason in reasons] == says
