"""Child processes of the demonstration: started with a log each, watched, ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ros_anomaly_sim.demo.lifeline import tied_to_us


class ProcessDied(RuntimeError):
    """A process that should be running has ended; the message has the tail of its log."""


class Child:
    """One process in a group of its own, its output in a log file.

    A group of its own, so that Ctrl-C reaches the parent alone, which then ends the children in the right order. Where
    the parent cannot, as it was killed, the kernel ends the process with it: with the thread that started it, in fact.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                tied_to_us(command),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of the group."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def must_run(self) -> None:
        """Raise ProcessDied if it has ended, whatever its status."""
        if self.exit_status is not None:
            raise ProcessDied(f"{self._how_it_ended()} before the run was over{self.log_tail()}")

    def must_succeed(self, timeout_s: float) -> None:
        """Wait for its end; raise ProcessDied unless that comes in time and with status 0."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessDied(f"{self.name} did not end within {timeout_s:g} s{self.log_tail()}") from None
        if self.exit_status != 0:
            raise ProcessDied(f"{self._how_it_ended()}{self.log_tail()}")

    def stop(self, patience_s: float = 5.0) -> None:
        """End the process and what it started: SIGINT, then SIGTERM, then SIGKILL to the whole group."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            if self.exit_status is None:
                self._process.send_signal(sign)
                try:
                    self._process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    continue
        self._kill_group()
        self._process.wait()

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of its log, indented, with a heading; empty where it said nothing."""
        text = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        if not text:
            return f" ({self._log} is empty)"
        return f"; the end of {self._log}:\n" + "\n".join(f"    {line}" for line in text)

    def last_words(self) -> str:
        """The last line of its log, empty where there is none."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else ""

    def _how_it_ended(self) -> str:
        status = self.exit_status
        if status is not None and status < 0:
            return f"{self.name} was ended by {signal.Signals(-status).name}"
        return f"{self.name} ended with status {status}"

    def _kill_group(self) -> None:
        # The leader may be gone while a grandchild (the engine worker) still runs.
        deadline = time.monotonic() + 1.0
        try:
            while time.monotonic() < deadline:
                os.killpg(self.pid, 0)
                time.sleep(0.05)
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
