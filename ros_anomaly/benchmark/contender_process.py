"""A contender's process as its contest sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from ros_anomaly.benchmark.contender import ContenderSpec

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from ros_anomaly.benchmark.contender_main import main; main(sys.argv[2])"
)
_CLOSE_LIMIT_S = 5.0
_LONGEST_MESSAGE = 600


class ContenderFailed(Exception):
    """The contender cannot go on; the message says why, in a line."""


@dataclass(frozen=True)
class Loaded:
    """Seconds until the contender stood, and resident memory of its process: peak until then, and then (10⁶ bytes)."""

    load_s: float
    load_peak_mb: float
    loaded_mb: float


@dataclass(frozen=True)
class Turn:
    """Seconds of the timed frames, CPU seconds of all threads over them, resident memory after them (10⁶ bytes)."""

    seconds: tuple[float, ...]
    cpu_s: float
    resident_mb: float


@dataclass(frozen=True)
class Ended:
    """Peak of the resident memory over all turns (10⁶ bytes), and the contender's own facts."""

    run_peak_mb: float
    facts: Mapping[str, Any]


class ContenderProcess:
    """Starts the process and waits until the contender stands.

    What the process writes is kept back; where it ends by itself its last line becomes part of the message.

    Raises:
        ContenderFailed: it cannot be made, ended, or takes longer than ``limit_s``; no process is left.
    """

    def __init__(self, spec: ContenderSpec, limit_s: float) -> None:
        self._connection, theirs = Pipe()
        self._next_frame = 0
        arguments = {
            "factory": spec.factory,
            "options": dict(spec.options),
            "fd": theirs.fileno(),
            "parent_pid": os.getpid(),
        }
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, _PACKAGE_ROOT, json.dumps(arguments)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,  # standard output belongs to the figures
                stderr=self._log,
                pass_fds=[theirs.fileno()],
            )
        except BaseException:
            self._connection.close()
            self._log.close()
            raise
        finally:
            theirs.close()
        try:
            reply = self._reply("ready", limit_s)
        except BaseException:
            self.close()
            raise
        self.loaded = Loaded(reply["load_s"], reply["load_peak_mb"], reply["loaded_mb"])

    def turn(self, frames: int, settle: int, limit_s: float, least: int, hang_s: float) -> Turn:
        """Run ``settle`` frames untimed, then timed ones: ``frames``, or ``least`` and on until ``limit_s`` is over.

        Raises:
            ContenderFailed: it failed, ended, or had no answer after ``hang_s``.
        """
        self._send(
            kind="turn", first=self._next_frame, frames=frames, settle=settle, limit_s=limit_s, least=min(least, frames)
        )
        reply = self._reply("turn", hang_s)
        self._next_frame += settle + len(reply["seconds"])
        return Turn(tuple(reply["seconds"]), reply["cpu_s"], reply["resident_mb"])

    def end(self, limit_s: float) -> Ended:
        """Memory and facts, after the last turn."""
        self._send(kind="end")
        reply = self._reply("end", limit_s)
        return Ended(reply["run_peak_mb"], reply["facts"])

    def close(self) -> None:
        """End the process; a second call does nothing."""
        if self._connection.closed:
            return
        try:
            self._connection.send({"kind": "close"})
        except OSError:
            pass  # it has ended already
        self._connection.close()
        try:
            self._process.wait(_CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _send(self, **request: Any) -> None:
        try:
            self._connection.send(request)
        except OSError:
            raise ContenderFailed(self._how_it_ended()) from None

    def _reply(self, kind: str, limit_s: float) -> dict[str, Any]:
        began = time.monotonic()
        try:
            if not self._connection.poll(limit_s):
                self._process.kill()
                raise ContenderFailed(f"no answer within {time.monotonic() - began:.0f} s")
            reply: dict[str, Any] = self._connection.recv()
        except (EOFError, OSError):
            raise ContenderFailed(self._how_it_ended()) from None
        if reply["kind"] == "failed":
            raise ContenderFailed(reply["message"][:_LONGEST_MESSAGE])
        if reply["kind"] != kind:
            raise ContenderFailed(f"expected an answer of kind {kind}, found {reply['kind']}")
        return reply

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "closed its end of the connection"
        how = f"status {status}" if status >= 0 else signal.Signals(-status).name
        self._log.seek(0)
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return f"its process ended with {how}" + (f": {lines[-1].strip()[:_LONGEST_MESSAGE]}" if lines else "")
