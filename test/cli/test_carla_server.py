"""The executable: bad arguments in one line, the line that says clients may connect, and a clean end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest

from ros_anomaly.cli import carla_server

pytest.importorskip("msgpack")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--town", "1500"], "--town: town seed 1500 belongs to no split: expected 0-999 train"),
        (["--town", "Nowhere", "--port", "0"], "Map 'Nowhere' not found: expected Town0000 to Town2099"),
        (["--port", "70000"], "port: expected 0 to 65535, found 70000"),
        (["--port", "65535"], "port: expected at most 65534"),
    ],
)
def test_bad_arguments_in_one_line(arguments, message, capsys):
    assert carla_server.main(arguments) != 0
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_port_in_use_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert carla_server.main(["--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in error and "--port" in error


def test_it_says_when_it_is_ready_and_ends_on_ctrl_c():
    """With the models that are installed; nothing is written to standard error."""
    from ros_anomaly_sim.render.context import MissingEglError, RenderContext
    from ros_anomaly_sim.street.objects.furniture import DEBIAN_PACKAGE, furniture_directory

    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))
    if not furniture_directory().is_dir():
        pytest.skip(f"no object models: apt-get install {DEBIAN_PACKAGE}")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "ros_anomaly.cli.carla_server", "--port", "0", "--town", "Town2001"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert re.fullmatch(r"ready on 127\.0\.0\.1:\d+\n", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60.0)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
