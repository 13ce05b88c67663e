"""Errors of the runtime room."""

from __future__ import annotations

from enum import Enum


class EngineError(RuntimeError):
    """An engine cannot be loaded or gave something it must not; the message names expected and found."""


class ManifestError(EngineError):
    """A manifest is missing, malformed, or disagrees with this package or with the files beside it."""


class WorkerFault(Enum):
    """What happened to an engine worker process."""

    DIED = "died"
    HUNG = "hung"
    ENGINE = "engine"
    NOT_READY = "not ready"


class WorkerError(RuntimeError):
    """An engine worker gave no result. ``fault`` says in which way; the message carries the worker's own words."""

    def __init__(self, fault: WorkerFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
