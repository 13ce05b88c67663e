"""Names of calls to typed handlers; every call gets a result or a clear error, never silence."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.unsupported import UNSUPPORTED, Result

_log = logging.getLogger(__name__)

_MOST_WARNINGS = 200

Handler = Callable[..., Any]


class Answer(Enum):
    """How a handler's return value goes onto the wire."""

    VALUE = "Response<T>"
    VOID = "Response<void>"
    BARE = "as it is"


@dataclass(frozen=True)
class Call:
    """What a handler is told besides its arguments: the connection that calls."""

    client: object


@dataclass(frozen=True)
class _Entry:
    handler: Handler
    readers: tuple[wire.Reader, ...]
    answer: Answer


class Dispatcher:
    """Handlers by the name of their call."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._warned: set[str] = set()

    def register(self, name: str, handler: Handler, *readers: wire.Reader, answer: Answer = Answer.VALUE) -> None:
        """Serve calls of ``name`` with ``handler(call, *arguments)``, each argument read by its reader."""
        if name in self._entries:
            raise ValueError(f"call {name} is registered twice")
        self._entries[name] = _Entry(handler, readers, answer)

    @property
    def names(self) -> frozenset[str]:
        """Calls that are served."""
        return frozenset(self._entries)

    def answer(self, request: wire.Request, client: object) -> bytes | None:
        """Run the call; the reply's bytes, or None for a notification."""
        result, known = self._result(request, client)
        if request.message_id is None:
            return None
        if not known:
            return wire.rpc_failure(request.message_id, str(result))
        return wire.reply(request.message_id, result)

    def _result(self, request: wire.Request, client: object) -> tuple[object, bool]:
        entry = self._entries.get(request.name)
        if entry is None:
            return self._refusal(request)
        try:
            arguments = wire.read_arguments(request.name, request.arguments, entry.readers)
            value = entry.handler(Call(client), *arguments)
        except wire.WireError as error:
            return self._failure(request, entry.answer, str(error)), True
        except Exception as error:
            # A fault of ours must not end the server for everybody else.
            _log.error("call %s failed:\n%s", request.name, traceback.format_exc())
            return self._failure(request, entry.answer, f"{request.name}: {type(error).__name__}: {error}"), True
        return {Answer.VALUE: wire.ok, Answer.VOID: lambda _: wire.VOID_OK, Answer.BARE: lambda v: v}[entry.answer](
            value
        ), True

    def _failure(self, request: wire.Request, answer: Answer, message: str) -> object:
        if request.is_async:
            # The client threw the future away: nobody but this log will hear of it.
            _log.warning("%s: %s", request.name, message)
        if answer is Answer.BARE:
            return [wire.failed(message)]
        return wire.void_failed(message) if answer is Answer.VOID else wire.failed(message)

    def _refusal(self, request: wire.Request) -> tuple[object, bool]:
        message = f"{request.name} is not supported by this server"
        if request.name not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(request.name)
            _log.warning("%s", message)
        result = UNSUPPORTED.get(request.name)
        if result is None:
            return message, False
        return (wire.void_failed(message) if result is Result.VOID else wire.failed(message)), True
