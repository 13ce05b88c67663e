"""The server as a child: started, ended, and what is said when it does not start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ros_anomaly_sim.bridge.server_process import ServerDied, ServerProcess


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-c", code]


def test_the_port_is_read_and_the_child_ends_with_the_block():
    with ServerProcess(python("import time; print('ready on 127.0.0.1:4711'); time.sleep(60)")) as server:
        assert server.port == 4711 and server.alive
    assert not server.alive


def test_one_that_ends_says_why():
    with pytest.raises(ServerDied, match="the CARLA server ended: no such town"):
        ServerProcess(python("import sys; sys.exit('no such town')"))


def test_one_that_closes_its_output_before_it_ends_says_why_too():
    with pytest.raises(ServerDied, match="the CARLA server ended: no such town"):
        ServerProcess(python("import os, sys, time; os.close(1); time.sleep(0.5); sys.exit('no such town')"))


def test_one_that_says_nothing_is_given_up():
    with pytest.raises(ServerDied, match="was not ready within 0.5 s"):
        ServerProcess(python("import time; time.sleep(60)"), startup_s=0.5)


def test_it_does_not_outlive_a_parent_that_was_killed():
    server = [sys.executable, "-u", str(Path(__file__).parents[1] / "box_server.py"), "--until-stdin-closes"]
    parent = subprocess.Popen(
        python(
            "import time\n"
            "from ros_anomaly_sim.bridge.server_process import ServerProcess\n"
            f"server = ServerProcess({server!r})\n"
            "print(server.pid, flush=True)\n"
            "time.sleep(600)"
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    os.kill(pid, 0)  # it runs
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.1)
