"""The engine worker is killed, hangs, dies again and again: UNKNOWN within a second, at work again within ten."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from detector_rig import picture

from ros_anomaly.hazard.types import HazardLevel

UNKNOWN_WITHIN_S = 1.0
BACK_WITHIN_S = 10.0


def first_unknown_after(rig, moment_s: float) -> float:
    """Seconds from ``moment_s`` to the first UNKNOWN that arrived after it; frames keep coming meanwhile."""
    before = max(len(rig.status.messages) - 5, 0)

    def arrived() -> float | None:
        for at_s, report in zip(rig.status.arrived_s[before:], rig.reports(before), strict=False):
            if at_s > moment_s and report.state.level is HazardLevel.UNKNOWN:
                return at_s - moment_s
        return None

    return rig.send_until(arrived, "UNKNOWN")


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGKILL, ("died", "SIGKILL")), (signal.SIGSTOP, ("old, limit", "no result within"))],
    ids=["killed", "hung"],
)
def test_lost_worker_is_noticed_and_replaced(detector, number, says):
    rig = detector
    rig.send_until(rig.level_is("clear"), "clear frames")
    pid = rig.worker_pid()
    before = len(rig.status.messages)
    beats_before = len(rig.hazard.messages)
    os.kill(pid, number)
    moment_s = time.monotonic()

    noticed_s = first_unknown_after(rig, moment_s)
    assert noticed_s < UNKNOWN_WITHIN_S, f"UNKNOWN after {noticed_s:.2f} s"
    rig.send_until(rig.level_is("clear"), "clear frames from a new worker", patience_s=BACK_WITHIN_S + 20)
    back_s = time.monotonic() - moment_s
    assert back_s < BACK_WITHIN_S, f"back after {back_s:.1f} s"

    reasons = [report.state.reason for report in rig.reports(before) if report.state.level.value == "unknown"]
    assert any(word in reason for word in says for reason in reasons), reasons
    beats = rig.hazard.arrived_s[beats_before:]
    longest = max(b - a for a, b in zip(beats, beats[1:], strict=False))
    assert longest < 1.0, f"the heartbeat paused for {longest:.2f} s"
    engine = rig.wait_for(
        lambda: rig.diagnostic("engine") if rig.diagnostic("engine").get("restarts") == "1" else None, "the restart"
    )
    assert int(engine["pid"]) != pid and not psutil.pid_exists(pid)
    assert rig.last.dropped > 0, "frames without an engine are counted as dropped"


def test_worker_killed_while_no_frame_comes_is_noticed_and_replaced(detector):
    rig = detector
    pid = rig.worker_pid()
    os.kill(pid, signal.SIGKILL)
    rig.wait_for(rig.level_is("unknown", reason="died"), "a word on the death")
    rig.send_until(rig.level_is("clear"), "clear frames from a new worker")


def test_worker_ends_with_a_node_that_is_killed(detector):
    rig = detector
    worker = psutil.Process(rig.worker_pid())
    transport = rig.transport_files()
    rig.process.kill()
    rig.process.wait()
    gone, alive = psutil.wait_procs([worker], timeout=10)
    assert gone and not alive
    for path in transport:  # the middleware's own shared memory, which nothing removes after SIGKILL
        path.unlink(missing_ok=True)


def test_engine_in_the_node_itself(rig, engine):
    rig.launch(engine, engine_process=False)
    rig.send_until(rig.level_is("hazard"), "a hazard", lambda: picture(anomaly=True))
    assert rig.worker_pid() == rig.process.pid
