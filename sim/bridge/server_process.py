"""The embedded server as a child process, for those who have no CARLA."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_ENDING_S = 5.0


class ServerDied(RuntimeError):
    """The server did not start, or has ended; the message has the end of what it said."""


def server_command(town: str, camera: str = "ordinary", length_m: float | None = None) -> list[str]:
    """Command line of the embedded server on free ports; ``length_m`` None: streets of the usual length."""
    return [
        *(sys.executable, "-u", "-m", "ros_anomaly.cli.carla_server"),
        *("--port", "0", "--town", town, "--camera", camera, "--until-stdin-closes"),
        *(() if length_m is None else ("--length", f"{length_m:g}")),
    ]


class ServerProcess:
    """A server that says "ready on HOST:PORT" on its standard output; ended when the ``with`` block is.

    In a session of its own, so that Ctrl-C reaches the parent alone, which first gives back what it spawned. Its
    standard input is a pipe that closes when this process ends, however it ends. ``log`` is where its standard error
    goes, None for nowhere.
    """

    def __init__(self, command: Sequence[str], startup_s: float = 120.0, log: Path | None = None) -> None:
        self._log = tempfile.TemporaryFile("w+") if log is None else log.open("w+")
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        try:
            self.port = self._wait_until_ready(startup_s)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def must_run(self) -> None:
        """Raise ServerDied if it has ended."""
        if not self.alive:
            raise ServerDied(f"the CARLA server ended{self._last_words()}")

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it: SIGTERM, then SIGKILL. A second call does nothing."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.alive:
                self._process.send_signal(sign)
                try:
                    self._process.wait(10.0)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if not self._log.closed:
            self._log.close()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _wait_until_ready(self, startup_s: float) -> int:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.append(self._first_line()), daemon=True)
        reader.start()
        reader.join(startup_s)
        line = lines[0] if lines else ""
        port = line.rsplit(":", 1)[-1].strip()
        if not (line.startswith("ready on") and port.isdigit()):
            if lines and not line:  # its output is closed: it is about to end, and may not have yet
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_ENDING_S)
            what = "ended" if not self.alive else f"was not ready within {startup_s:g} s"
            raise ServerDied(f"the CARLA server {what}{self._last_words()}")
        return int(port)

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _last_words(self) -> str:
        self._log.flush()
        self._log.seek(0)
        said = self._log.read().strip().splitlines()
        return f": {said[-1]}" if said else ""
