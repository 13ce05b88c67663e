"""Sensor streams: tokens, subscribers, and payloads sent to them without ever waiting for a slow one.

A client connects to the stream port and sends a stream's number (u32); from then on it gets that stream's payloads,
each behind its size (u32). The network's event loop owns the connections; the simulation thread announces, counts
and publishes.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import threading
import time
from dataclasses import dataclass

WORLD_STREAM = 1
"""Number of the world-state stream; those of sensors are their actor ids."""

BACKLOG_BYTES = 16 * 1024 * 1024
"""What may wait for a subscriber that reads too slowly; payloads beyond are dropped and counted."""

ANNOUNCED_WAIT_S = 1.0
"""How long the next tick waits for a subscriber that asked for a token and has not connected yet."""

_TOKEN = struct.Struct("<IHBB16s")
_TCP, _SAME_HOST = 1, 0
_NUMBER = struct.Struct("<I")
_log = logging.getLogger(__name__)


def token(stream: int, port: int) -> bytes:
    """The 24 bytes that a client subscribes with; it connects to the host that it already talks to."""
    return _TOKEN.pack(stream, port, _TCP, _SAME_HOST, b"")


class StreamHub:
    """All streams of the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._open: set[int] = {WORLD_STREAM}
        self._subscribers: dict[int, set[StreamConnection]] = {}
        self._announced: dict[int, list[tuple[float, object]]] = {}
        self._connections: set[StreamConnection] = set()
        self._last_world: tuple[bytes, ...] | None = None
        self._held_back: _HeldBack | None = None
        self.dropped = 0

    # Called by the simulation thread.

    def open(self, stream: int) -> None:
        """From now on clients may subscribe to the stream."""
        with self._changed:
            self._open.add(stream)

    def close(self, stream: int) -> None:
        """The stream ends: new subscribers are turned away; those there are hear nothing more."""
        with self._changed:
            self._open.discard(stream)
            self._announced.pop(stream, None)

    def announce(self, stream: int, client: object) -> None:
        """``client`` was given the stream's token and is about to connect."""
        with self._changed:
            self._announced.setdefault(stream, []).append((time.monotonic() + ANNOUNCED_WAIT_S, client))

    def forget(self, client: object) -> None:
        """``client`` is gone: nobody waits for its streams."""
        with self._changed:
            for stream in list(self._announced):
                left = [entry for entry in self._announced[stream] if entry[1] is not client]
                self._set_announced(stream, left)
            self._changed.notify_all()

    def wait_for_announced(self) -> None:
        """Return when every announced subscriber has connected, or has had its time to."""
        with self._changed:
            while True:
                now = time.monotonic()
                for stream in list(self._announced):
                    self._set_announced(stream, [e for e in self._announced[stream] if e[0] > now])
                if not self._announced:
                    return
                latest = max(deadline for entries in self._announced.values() for deadline, _ in entries)
                self._changed.wait(latest - now)

    def has_subscribers(self, stream: int) -> bool:
        """Whether anybody listens."""
        with self._changed:
            return bool(self._subscribers.get(stream))

    def publish(self, stream: int, *parts: bytes) -> None:
        """Send a payload, given in parts, to everybody who listens; returns at once."""
        self._loop.call_soon_threadsafe(self._send, stream, parts)

    def renew_world(self, quiet_s: float, *parts: bytes) -> None:
        """The world state of a new episode: at once for those who subscribe from now on; those who listen already
        get it after ``quiet_s``, or just before the next state.
        """
        self._loop.call_soon_threadsafe(self._hold_back, quiet_s, parts)

    def flush(self, timeout_s: float = 1.0) -> None:
        """Wait until what was published has been handed to the system."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(done.set)
        done.wait(timeout_s)

    # Called by the event loop.

    def connection(self) -> StreamConnection:
        """Protocol of a fresh connection on the stream port."""
        return StreamConnection(self)

    def admit(self, connection: StreamConnection, stream: int) -> bool:
        """Subscribe; False where there is no such stream."""
        with self._changed:
            if stream not in self._open:
                return False
            self._subscribers.setdefault(stream, set()).add(connection)
            self._set_announced(stream, self._announced.get(stream, [])[1:])
            self._changed.notify_all()
        if stream == WORLD_STREAM and self._last_world is not None:
            connection.send(self._last_world)
        return True

    def leave(self, connection: StreamConnection) -> None:
        """The connection is closed."""
        with self._changed:
            if connection.stream is not None:
                listeners = self._subscribers.get(connection.stream, set())
                listeners.discard(connection)
                if not listeners:
                    self._subscribers.pop(connection.stream, None)

    def count(self) -> int:
        """Subscriptions there are."""
        with self._changed:
            return sum(len(s) for s in self._subscribers.values())

    def _send(self, stream: int, parts: tuple[bytes, ...]) -> None:
        if stream == WORLD_STREAM:
            self._tell_held_back()
            self._last_world = parts
        for connection in tuple(self._subscribers.get(stream, ())):
            if not connection.send(parts):
                self.dropped += 1
                if connection.first_drop():
                    _log.warning("stream %d: a client reads too slowly, payloads are dropped for it", stream)

    def _hold_back(self, quiet_s: float, parts: tuple[bytes, ...]) -> None:
        self._tell_held_back()
        self._last_world = parts
        self._held_back = _HeldBack(tuple(self._subscribers.get(WORLD_STREAM, ())), parts)
        self._loop.call_later(quiet_s, self._tell_held_back, self._held_back)

    def _tell_held_back(self, only: _HeldBack | None = None) -> None:
        """Send what is held back, if there is anything; ``only``: if it is still this."""
        held = self._held_back
        if held is None or only not in (None, held):
            return
        self._held_back = None
        for connection in held.connections:
            connection.send(held.parts)

    def _set_announced(self, stream: int, entries: list[tuple[float, object]]) -> None:
        if entries:
            self._announced[stream] = entries
        else:
            self._announced.pop(stream, None)


@dataclass(frozen=True, eq=False)
class _HeldBack:
    """A world state that some subscribers do not know yet."""

    connections: tuple[StreamConnection, ...]
    parts: tuple[bytes, ...]


class StreamConnection(asyncio.Protocol):
    """One subscriber."""

    def __init__(self, hub: StreamHub) -> None:
        self.stream: int | None = None
        self._hub = hub
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._has_dropped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        # A subscriber says its stream's number and nothing else, ever.
        if self.stream is not None or self._transport is None:
            return self._refuse("bytes after the stream's number")
        self._received += data
        if len(self._received) < _NUMBER.size:
            return None
        if len(self._received) > _NUMBER.size:
            return self._refuse("more bytes than a stream's number")
        stream = int(_NUMBER.unpack(self._received)[0])
        if not self._hub.admit(self, stream):
            return self._refuse(f"no stream {stream}")
        self.stream = stream
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._hub.leave(self)

    def send(self, parts: tuple[bytes, ...]) -> bool:
        """Send a payload behind its size; False if it was dropped because too much waits already."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return True
        if transport.get_write_buffer_size() > BACKLOG_BYTES:
            return False
        transport.writelines([_NUMBER.pack(sum(len(p) for p in parts)), *parts])
        return True

    def first_drop(self) -> bool:
        """Whether nothing was dropped before."""
        first, self._has_dropped = not self._has_dropped, True
        return first

    def _refuse(self, why: str) -> None:
        _log.warning("stream connection closed: %s", why)
        if self._transport is not None:
            self._transport.abort()
