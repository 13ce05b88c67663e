"""How a node holds its engine: one interface, in a supervised worker process or in the node's own process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import EngineSpec, FusedEngine, load_located
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault
from ros_anomaly.runtime.manifest import Manifest


class RunnerState(Enum):
    """STARTING: being loaded. BUILDING: built first. READY: takes images. FAILED: see ``final``. CLOSED: for good."""

    STARTING = "starting"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True)
class RunnerStatus:
    """State, the reason for it in words, pid of the process that runs the engine, restarts since the beginning.

    ``final``: it failed and is not tried again, because it was the building that failed.
    """

    state: RunnerState
    reason: str
    pid: int | None
    restarts: int = 0
    final: bool = False


class EngineRunner(Protocol):
    """An engine that may come and go. Also an ``Engine`` (contract): whatever takes one takes a runner."""

    @property
    def manifest(self) -> Manifest:
        """The engine's manifest, known from the beginning.

        Of an engine that has to be built it is at first the manifest that this is planned to have. It is replaced
        once, before the first result; sizes stay.
        """
        ...

    @property
    def backend(self) -> str:
        """What runs the engine, as the shortest text of ``BackendChoice``."""
        ...

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the image that ``infer`` takes."""
        ...

    @property
    def status(self) -> RunnerStatus:
        """As of the last ``poll`` or ``infer``."""
        ...

    def poll(self) -> RunnerStatus:
        """Look after the engine without waiting: notice an end, start anew when it is time. Call it often (10 Hz)."""
        ...

    def infer(self, image: np.ndarray) -> Prediction:
        """As ``Engine.infer``; WorkerError where there is no result, at once where the engine is not ready."""
        ...

    def close(self) -> None:
        """End for good; a second call does nothing."""
        ...


class InProcessRunner:
    """The engine in the caller's own process: a crash of it ends the caller, a hang stops it."""

    def __init__(self, spec: EngineSpec) -> None:
        """Load the engine, which takes its time. EngineError where that fails; nothing is ever built here."""
        self._engine: FusedEngine = load_located(spec)
        self.manifest = self._engine.manifest
        self.backend = self._engine.backend
        self._status = RunnerStatus(RunnerState.READY, "in process", os.getpid())

    @property
    def input_size(self) -> tuple[int, int]:
        return self._engine.input_size

    @property
    def status(self) -> RunnerStatus:
        return self._status

    def poll(self) -> RunnerStatus:
        return self._status

    def infer(self, image: np.ndarray) -> Prediction:
        try:
            return self._engine.infer(image)
        except EngineError as error:
            raise WorkerError(WorkerFault.ENGINE, str(error)) from error

    def close(self) -> None:
        self._engine.close()
        self._status = RunnerStatus(RunnerState.CLOSED, "closed", None)
