import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ros_anomaly_sim.demo.processes import Child, ProcessDied


def child(tmp_path: Path, code: str) -> Child:
    return Child("worker", [sys.executable, "-c", code], tmp_path / "worker.log", os.environ)


def wait_for(condition, timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_a_death_tells_status_and_log_tail(tmp_path: Path):
    process = child(tmp_path, "print('loading'); raise SystemExit('no model here')")
    assert wait_for(lambda: process.exit_status is not None)
    with pytest.raises(ProcessDied, match=r"worker ended with status 1 before .*\n    loading\n    no model here"):
        process.must_run()


def test_a_kill_is_named_by_its_signal(tmp_path: Path):
    process = child(tmp_path, "import time; time.sleep(60)")
    os.kill(process.pid, signal.SIGKILL)
    assert wait_for(lambda: process.exit_status is not None)
    with pytest.raises(ProcessDied, match="ended by SIGKILL"):
        process.must_run()


def test_must_succeed_wants_status_0_in_time(tmp_path: Path):
    child(tmp_path, "pass").must_succeed(10)
    with pytest.raises(ProcessDied, match="status 3"):
        child(tmp_path, "raise SystemExit(3)").must_succeed(10)
    sleeper = child(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(ProcessDied, match=r"did not end within 0\.2 s"):
        sleeper.must_succeed(0.2)
    sleeper.stop()


def test_stop_ends_what_refuses_to_and_its_children(tmp_path: Path):
    code = (
        "import signal, subprocess, sys, time\n"
        "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    process = child(tmp_path, code)
    log = tmp_path / "worker.log"
    assert wait_for(lambda: log.read_text().strip())
    grandchild = int(log.read_text())
    process.stop(patience_s=0.3)
    assert process.exit_status == -signal.SIGKILL
    assert wait_for(lambda: not alive(grandchild))
