"""Which backends can run an engine on this machine, and why the others cannot."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ros_anomaly.runtime.backends import BackendChoice, choices
from ros_anomaly.runtime.engines import EngineSpec, session_class
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import EngineKind, load_manifest
from ros_anomaly.runtime.session import SessionOptions


@dataclass(frozen=True)
class Usability:
    """Whether a backend can be used: ``reason`` is empty where it can, else one line that says why not."""

    choice: BackendChoice
    reason: str = ""

    @property
    def usable(self) -> bool:
        return not self.reason


def usable_backends(engine: str | os.PathLike[str] | None = None) -> list[Usability]:
    """Every backend, device and mode, in the order of the registry.

    Imports every library that is installed: for tools, not for a node. No network is loaded.

    Args:
        engine: name or path: there must be a file that the backend runs, whole, and what is built must fit this
            machine. None asks for libraries and devices alone.

    Raises:
        EngineError: no such engine.
    """
    kind = None if engine is None else load_manifest(manifest_path(engine)).kind
    found = []
    for choice in choices():
        reason = obstacle(choice)
        if not reason and engine is not None and kind is not None:
            reason = _without_file(EngineSpec(os.fspath(engine), str(choice)), kind)
        found.append(Usability(choice, reason))
    return found


def obstacle(choice: BackendChoice) -> str:
    """Why this machine cannot run a backend at all, in one line; empty where it can."""
    try:
        session = session_class(choice)
    except EngineError as error:
        return str(error)
    return session.obstacle(SessionOptions(device=choice.device, mode=choice.mode))


def _without_file(spec: EngineSpec, kind: EngineKind) -> str:
    try:
        spec.locate(kind)
    except EngineError as error:
        return str(error)
    return ""
