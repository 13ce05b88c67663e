"""Starts clients in processes of their own (``carla_client_process.py``)."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

PATIENCE_S = 60.0
_CLIENT = Path(__file__).with_name("carla_client_process.py")


def client_process(port: int, role: str, *arguments: str) -> subprocess.Popen[str]:
    """A client of the server at a port."""
    command = [sys.executable, str(_CLIENT), str(port), role, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def client_output(port: int, role: str, *arguments: str) -> list[str]:
    """The words that a client said by its end, which has to be an orderly one."""
    process = client_process(port, role, *arguments)
    output, _ = process.communicate(timeout=4 * PATIENCE_S)
    assert process.returncode == 0
    return output.split()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
