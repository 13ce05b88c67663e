import os
import signal
import subprocess
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


def test_what_a_killed_parent_started_ends_with_it(tmp_path: Path):
    stubborn = (
        "import signal, time\n"
        "for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n"
        "print('runs', flush=True); time.sleep(60)"
    )
    log = tmp_path / "worker.log"
    code = (
        "import os, sys, time; from pathlib import Path; from ros_anomaly_sim.demo.processes import Child\n"
        f"child = Child('worker', [sys.executable, '-c', {stubborn!r}], Path({str(log)!r}), os.environ)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        try:
            pid = int(parent.stdout.readline())
            assert wait_for(lambda: "runs" in log.read_text(), 30.0) and alive(pid)
        finally:
            parent.kill()
    assert wait_for(lambda: not alive(pid))


def test_a_parent_that_is_gone_already_has_no_children(tmp_path: Path):
    orphan = [sys.executable, "-m", "ros_anomaly_sim.demo.lifeline", str(os.getppid()), "touch", str(tmp_path / "ran")]
    assert subprocess.run(orphan, timeout=60).returncode == 1
    assert not (tmp_path / "ran").exists()


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
