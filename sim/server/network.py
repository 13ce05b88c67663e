"""The sockets: an event loop in a thread of its own, with the RPC port and the stream port."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable

from ros_anomaly_sim.server.streams import StreamHub
from ros_anomaly_sim.server.wire import Request, RequestReader, WireError

MOST_WAITING = 512
"""Calls of one connection that may wait for the simulation; reading pauses beyond."""

_BACKLOG = 64
_log = logging.getLogger(__name__)

OnRequest = Callable[["RpcConnection", Request], None]
OnLost = Callable[["RpcConnection"], None]


class PortInUseError(OSError):
    """A port cannot be bound; the message names it and the option that chooses another."""


class RpcConnection(asyncio.Protocol):
    """One client's RPC connection. Malformed bytes close it, and it alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_request: OnRequest, on_lost: OnLost) -> None:
        self._loop = loop
        self._on_request = on_request
        self._on_lost = on_lost
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None
        self._waiting = 0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            requests = self._reader.feed(data)
        except WireError as error:
            _log.warning("client connection closed: %s", error)
            self.close()
            return
        for request in requests:
            self._waiting += 1
            self._on_request(self, request)
        if self._waiting > MOST_WAITING and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_lost(self)

    def finish(self, answer: bytes | None) -> None:
        """A call is done: send its answer, if it gets one. From any thread."""
        self._loop.call_soon_threadsafe(self._finish, answer)

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return self._transport is not None

    def close(self) -> None:
        """Drop the connection; on the event loop."""
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, answer: bytes | None) -> None:
        self._waiting -= 1
        if self._transport is None or self._transport.is_closing():
            return
        if answer is not None:
            self._transport.write(answer)
        if self._paused and self._waiting < MOST_WAITING // 2:
            self._paused = False
            self._transport.resume_reading()


class Network:
    """Both ports, served by one thread. ``rpc_port`` and ``stream_port`` say what was bound."""

    def __init__(self, host: str, rpc_port: int, stream_port: int | None) -> None:
        """Bind ``rpc_port`` and ``stream_port`` (None: the one after it); port 0 is any free one.

        Raises:
            PortInUseError: a port cannot be bound.
        """
        self._rpc_socket = _bound(host, rpc_port, "--port")
        self.rpc_port: int = self._rpc_socket.getsockname()[1]
        if stream_port is None:
            stream_port = self.rpc_port + 1 if rpc_port else 0
        try:
            self._stream_socket = _bound(host, stream_port, "--stream-port")
        except PortInUseError:
            self._rpc_socket.close()
            raise
        self.stream_port: int = self._stream_socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self.hub = StreamHub(self._loop)
        self._clients: set[RpcConnection] = set()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def start(self, on_request: OnRequest) -> None:
        """Accept clients; ``on_request`` is called on the network's thread."""
        self._on_request = on_request
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=10.0)

    def stop(self) -> None:
        """Close everything and end the thread."""
        if not self._thread.is_alive():
            self._rpc_socket.close()
            self._stream_socket.close()
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5.0)

    @property
    def clients(self) -> int:
        """RPC connections there are."""
        return len(self._clients)

    async def _listen(self) -> None:
        await self._loop.create_server(self._rpc_client, sock=self._rpc_socket, backlog=_BACKLOG)
        await self._loop.create_server(self.hub.connection, sock=self._stream_socket, backlog=_BACKLOG)

    def _rpc_client(self) -> RpcConnection:
        client = RpcConnection(self._loop, self._on_request, self._lost)
        self._clients.add(client)
        return client

    def _lost(self, client: RpcConnection) -> None:
        self._clients.discard(client)
        self.hub.forget(client)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            for client in tuple(self._clients):
                client.close()
            self._rpc_socket.close()
            self._stream_socket.close()


def _bound(host: str, port: int, option: str) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        raise PortInUseError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}"
        ) from error
