"""An engine in a process of its own, so that its crash or hang never stops the caller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from ros_anomaly.runtime.building.lookup import located_manifest
from ros_anomaly.runtime.channel import Channel, ChannelClosed
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import EngineSpec, check_image
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.shared_frames import SharedFrames

START_TIMEOUT_S = 60.0
INFER_TIMEOUT_S = 3.0
_REAP_TIMEOUT_S = 2.0

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])

# A fresh interpreter that finds the very package that the parent runs, whatever its own search path would give.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from ros_anomaly.runtime.worker_main import main; main(sys.argv[2])"
)


class EngineWorker:
    """A started worker process. Not ready until its engine is loaded: see ``ready`` and ``wait_ready``.

    Where the engine has to be built first and ``spec.build`` allows it, the process builds it; see ``building``.

    Attributes:
        manifest: of the engine; until it is ready, of one that has to be built, what is planned.

    Safe to use from several threads; inferences take turns. Once it has died or hung it stays useless
    (``WorkerSupervisor`` makes new ones).
    """

    def __init__(
        self, spec: EngineSpec, start_timeout_s: float = START_TIMEOUT_S, infer_timeout_s: float = INFER_TIMEOUT_S
    ) -> None:
        """Start the process and return at once.

        Raises:
            EngineError: the manifest or the engine's file is not what it must be; nothing was started.
            OSError: no process, no memory.
        """
        self.manifest: Manifest = spec.check_files()
        self._infer_timeout_s = infer_timeout_s
        self._start_deadline = time.monotonic() + start_timeout_s
        self._start_timeout_s = self._load_timeout_s = start_timeout_s
        self._spec = spec
        self._building: str | None = None
        self._began_building = False
        self._ready = False
        self._closed = self._released = False
        self._fault: tuple[WorkerFault, str] | None = None
        self._frame = 0
        self._lock = threading.Lock()
        self._frames = SharedFrames(self.manifest.input_size, self.manifest.output_size)
        self._channel, theirs = Channel.pair()
        lifeline_read, lifeline_write = os.pipe()
        self._lifeline = open(lifeline_write, "wb", buffering=0)  # open for as long as the worker may live
        # An absolute path: the worker must find what was checked here.
        self._path = manifest_path(spec.engine).absolute()
        arguments = {
            "engine": str(self._path),
            "backend": spec.backend,
            "threads": spec.threads,
            "fingerprint": spec.pinned_to(self.manifest).fingerprint,
            "build": spec.build.to_plain(),
            "input_size": self.manifest.input_size,
            "output_size": self.manifest.output_size,
            "channel_fd": theirs.fileno(),
            "memory_fd": self._frames.fd,
            "lifeline_fd": lifeline_read,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, _PACKAGE_ROOT, json.dumps(arguments)],
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to the parent's own results
                pass_fds=[theirs.fileno(), self._frames.fd, lifeline_read],
                start_new_session=True,  # a Ctrl-C in the terminal reaches the parent alone
            )
        except BaseException:
            self._release()
            raise
        finally:
            theirs.close()
            os.close(lifeline_read)
            self._frames.close_fd()

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the image that ``infer`` takes."""
        return self.manifest.input_size

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def building(self) -> str | None:
        """How far the building of the engine is, in words; None while nothing is built. As of the last ``ready``."""
        return self._building

    @property
    def began_building(self) -> bool:
        """Whether this worker has built or tried to. As of the last ``ready``."""
        return self._began_building

    @property
    def alive(self) -> bool:
        """Whether the process runs; asking reaps it if it has ended."""
        return not self._closed and self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether the engine is loaded, without waiting. WorkerError if it never will be."""
        with self._lock:
            return self._wait_ready(0.0)

    def wait_ready(self) -> None:
        """Wait until the engine is loaded. WorkerError if it fails, ends, or takes longer than the start may take."""
        with self._lock:
            while not self._wait_ready(max(self._start_deadline - time.monotonic(), 0.0)):
                pass

    def infer(self, image: np.ndarray, timeout_s: float | None = None) -> Prediction:
        """Run on one uint8 [H, W, 3] image of ``input_size``; waits ``timeout_s`` (default: the worker's) at most.

        Raises:
            ValueError: image of another shape or dtype.
            WorkerError: NOT_READY, DIED, HUNG (the process was killed), or ENGINE (it lives; its engine failed).
        """
        check_image(image, self.input_size)
        with self._lock:
            if not self._wait_ready(0.0):
                raise WorkerError(WorkerFault.NOT_READY, f"engine worker (pid {self.pid}) is still starting")
            self._frame += 1
            self._frames.image[...] = image
            limit_s = self._infer_timeout_s if timeout_s is None else timeout_s
            try:
                self._channel.send("infer", frame=self._frame)
                reply = self._reply(time.monotonic() + limit_s)
            except ChannelClosed:
                raise self._died() from None
            if reply is None:
                raise self._hung(f"gave no result within {limit_s:g} s")
            if reply["kind"] == "error":
                raise WorkerError(WorkerFault.ENGINE, reply["message"])
            return Prediction(self._frames.score.copy(), self._frames.class_ids.copy(), reply["scene_score"])

    def close(self) -> None:
        """End the process and release everything; a second call does nothing. Never waits for a running inference."""
        self._closed = True
        self._kill()
        with self._lock:  # an inference that was under way has noticed by now
            if not self._released:
                self._release()

    def _reply(self, deadline: float) -> dict[str, Any] | None:
        """The answer to the newest request; older ones (their caller was interrupted) are dropped."""
        while True:
            reply = self._channel.receive(deadline - time.monotonic())
            if reply is None or reply["frame"] == self._frame:
                return reply

    def _wait_ready(self, timeout_s: float) -> bool:
        if self._fault is not None:
            raise WorkerError(*self._fault)
        if self._closed:
            raise WorkerError(WorkerFault.NOT_READY, "engine worker is closed")
        if self._ready:
            return True
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                message = self._channel.receive(deadline - time.monotonic())
            except ChannelClosed:
                raise self._died() from None
            if message is None:
                if time.monotonic() >= self._start_deadline:
                    raise self._hung(f"was not ready within {self._start_timeout_s:g} s")
                return False
            if self._take(message):
                return True

    def _take(self, message: dict[str, Any]) -> bool:
        """Note what a starting worker tells; whether it is ready."""
        kind = message["kind"]
        if kind == "building":
            if not self._began_building:
                self._began_building = True
                self._start_timeout_s = self._spec.build.timeout_s
                self._start_deadline = time.monotonic() + self._start_timeout_s
            waits_for = f", waiting for {message['waits_for']}" if message["waits_for"] else ""
            self._building = f"building, {100 * message['fraction']:.0f} %{waits_for}"
        elif kind == "built":
            self._building = None
            self._start_timeout_s = self._load_timeout_s
            self._start_deadline = time.monotonic() + self._start_timeout_s
        elif kind == "failed":
            self._kill()
            raise self._lost(WorkerFault.ENGINE, message["message"])
        else:
            self._take_manifest(Path(message["manifest"]), message["fingerprint"])
            self._ready = True
        return self._ready

    def _take_manifest(self, path: Path, fingerprint: str) -> None:
        """Replace what was planned by what the worker runs."""
        if fingerprint == self.manifest.fingerprint:
            return
        try:
            manifest = located_manifest(self._path, self._spec.choice.name, path)
        except EngineError as error:
            self._kill()
            raise self._lost(WorkerFault.ENGINE, str(error)) from error
        if manifest.fingerprint != fingerprint:
            self._kill()
            raise self._lost(
                WorkerFault.ENGINE,
                f"{path}: the engine was replaced while it was loaded; expected the manifest with fingerprint "
                f"{fingerprint}, found {manifest.fingerprint}",
            )
        self.manifest = manifest

    def _died(self) -> WorkerError:
        # The channel closes a moment before the process can be reaped; and what closed it may still be running.
        self._kill(first_wait_s=0.1)
        return self._lost(WorkerFault.DIED, f"engine worker (pid {self.pid}) {_how_it_ended(self._process.returncode)}")

    def _hung(self, what: str) -> WorkerError:
        self._kill()
        return self._lost(WorkerFault.HUNG, f"engine worker (pid {self.pid}) {what} and was killed")

    def _lost(self, fault: WorkerFault, message: str) -> WorkerError:
        # Kept as values: a kept exception would hold its traceback, and with it every frame that it passed.
        self._fault = (fault, message)
        return WorkerError(fault, message)

    def _kill(self, first_wait_s: float = 0.0) -> None:
        try:
            self._process.wait(first_wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            try:
                self._process.wait(_REAP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                pass  # stuck in a driver; subprocess reaps it when it can be

    def _release(self) -> None:
        self._released = True
        self._channel.close()
        self._lifeline.close()
        self._frames.release()


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "closed its channel and cannot be ended"
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names of their own
        return f"was ended by signal {-code}"
