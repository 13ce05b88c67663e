"""Keeps an engine worker running: starts it without waiting, notices its end, starts another after a pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.runner import RunnerState, RunnerStatus
from ros_anomaly.runtime.worker import INFER_TIMEOUT_S, START_TIMEOUT_S, EngineWorker


@dataclass(frozen=True)
class RestartPolicy:
    """When a worker counts as lost, and how long to wait before the next one. Times in seconds.

    The pause starts at ``first_pause_s``, doubles with every worker lost up to ``longest_pause_s``, and starts anew
    after ``good_frames`` results in a row. ``engine_errors`` errors in a row of a living worker lose it as well: what
    a driver fault leaves behind mends only in a new process.
    """

    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0
    good_frames: int = 10
    engine_errors: int = 5
    start_timeout_s: float = START_TIMEOUT_S
    infer_timeout_s: float = INFER_TIMEOUT_S

    def __post_init__(self) -> None:
        if not 0 < self.first_pause_s <= self.longest_pause_s:
            raise ValueError(
                f"RestartPolicy: expected 0 < first_pause_s <= longest_pause_s, "
                f"found {self.first_pause_s} and {self.longest_pause_s}"
            )
        for name in ("good_frames", "engine_errors", "start_timeout_s", "infer_timeout_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"RestartPolicy.{name}: expected more than 0, found {getattr(self, name)}")


class Worker(Protocol):
    """What the supervisor needs of ``EngineWorker``."""

    @property
    def pid(self) -> int: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def building(self) -> str | None: ...
    @property
    def began_building(self) -> bool: ...
    @property
    def alive(self) -> bool: ...
    @property
    def ready(self) -> bool: ...
    def infer(self, image: np.ndarray) -> Prediction: ...
    def close(self) -> None: ...


def _start_worker(spec: EngineSpec, policy: RestartPolicy) -> Worker:
    return EngineWorker(spec, policy.start_timeout_s, policy.infer_timeout_s)


class WorkerSupervisor:
    """An ``EngineRunner`` over worker processes. Nothing in it waits but ``infer`` for its result.

    Thread-safe: a heartbeat may ``poll`` while another thread infers.
    """

    def __init__(
        self,
        spec: EngineSpec,
        policy: RestartPolicy | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        start_worker: Callable[[EngineSpec, RestartPolicy], Worker] = _start_worker,
    ) -> None:
        """Start the first worker and return at once.

        Raises:
            EngineError: manifest or engine file are not what they must be; nothing was started.
        """
        self.manifest = spec.check_files()
        # Pinned: callers took their threshold from this manifest, so every later worker must run this engine.
        self._spec = spec.pinned_to(self.manifest)
        self.backend = str(spec.choice)
        self._policy = policy or RestartPolicy()
        self._clock_s = clock_s
        self._start_worker = start_worker
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._pause_s = self._policy.first_pause_s
        self._retry_at_s = clock_s()
        self._good_frames = 0
        self._errors_in_a_row = 0
        self._starts = 0
        self._status = RunnerStatus(RunnerState.FAILED, "not started", None)
        with self._lock:
            self._advance()

    @property
    def input_size(self) -> tuple[int, int]:
        return self.manifest.input_size

    @property
    def status(self) -> RunnerStatus:
        return self._status

    def poll(self) -> RunnerStatus:
        # An inference holds the lock and looks after the worker itself.
        if self._lock.acquire(blocking=False):
            try:
                self._advance()
            finally:
                self._lock.release()
        return self._status

    def infer(self, image: np.ndarray) -> Prediction:
        """As ``EngineWorker.infer``; NOT_READY at once while there is no ready worker, with the reason."""
        with self._lock:
            self._advance()
            if self._worker is None or self._status.state is not RunnerState.READY:
                raise WorkerError(WorkerFault.NOT_READY, self._status.reason)
            try:
                prediction = self._worker.infer(image)
            except WorkerError as error:
                self._errors_in_a_row += 1
                self._good_frames = 0
                if error.fault is not WorkerFault.ENGINE or self._errors_in_a_row >= self._policy.engine_errors:
                    self._lose(str(error))
                raise
            self._errors_in_a_row = 0
            self._good_frames += 1
            if self._good_frames >= self._policy.good_frames:
                self._pause_s = self._policy.first_pause_s
            return prediction

    def close(self) -> None:
        worker = self._worker
        if worker is not None:
            worker.close()  # ends an inference that is under way, so that the lock comes free
        with self._lock:
            if self._worker is not None:
                self._worker.close()
                self._worker = None
            self._set(RunnerState.CLOSED, "closed")

    def _advance(self) -> None:
        """One step of the state machine; never waits."""
        state = self._status.state
        if state is RunnerState.FAILED and not self._status.final and self._clock_s() >= self._retry_at_s:
            self._start()
        elif state in (RunnerState.STARTING, RunnerState.BUILDING):
            self._look_at_start()
        elif state is RunnerState.READY and self._worker is not None and not self._worker.alive:
            self._lose(f"engine worker (pid {self._worker.pid}) died")

    def _start(self) -> None:
        try:
            self._worker = self._start_worker(self._spec, self._policy)
        except (EngineError, OSError) as error:
            self._lose(str(error))
            return
        self._starts += 1
        self._errors_in_a_row = self._good_frames = 0
        self._set(RunnerState.STARTING, "engine worker is starting")

    def _look_at_start(self) -> None:
        worker = self._worker
        assert worker is not None
        try:
            ready = worker.ready
        except WorkerError as error:
            # Minutes of work that failed would fail again: the next try is the user's.
            self._forbid_building(worker)
            self._lose(str(error), final=worker.building is not None)
            return
        self._forbid_building(worker)
        if ready:
            self._take_manifest(worker.manifest)
            self._set(RunnerState.READY, "engine worker is ready")
        elif worker.building is not None:
            self._set(RunnerState.BUILDING, worker.building)
        elif self._status.state is RunnerState.BUILDING:
            self._set(RunnerState.STARTING, "the engine is built; engine worker is starting")

    def _forbid_building(self, worker: Worker) -> None:
        """One worker builds, once; those after it run what it built or say that it is not there."""
        if worker.began_building:
            self._spec = replace(self._spec, build=replace(self._spec.build, if_missing=False))

    def _take_manifest(self, manifest: Manifest) -> None:
        if self._spec.fingerprint is None:
            self._spec = replace(self._spec, fingerprint=manifest.fingerprint)
        if manifest.fingerprint != self.manifest.fingerprint:
            self.manifest = manifest

    def _lose(self, reason: str, final: bool = False) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._retry_at_s = self._clock_s() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._policy.longest_pause_s)
        if final:
            reason = f"the engine could not be built: {reason}; it is not tried again until configured anew"
        self._set(RunnerState.FAILED, reason, final)

    def _set(self, state: RunnerState, reason: str, final: bool = False) -> None:
        pid = self._worker.pid if self._worker is not None else None
        self._status = RunnerStatus(state, reason, pid, max(self._starts - 1, 0), final)
