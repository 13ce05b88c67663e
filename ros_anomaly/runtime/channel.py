"""Short messages between node and engine worker: one JSON object a packet, over a Unix socket.

Kinds from the parent: ``infer`` (frame). From the worker: ``building`` (fraction, waits_for) again and again where the
engine has to be built, then ``built``; ``ready`` (manifest, fingerprint); ``failed`` (message) before it ends;
``result`` (frame, scene_score); ``error`` (frame, message). Images and results themselves lie in ``SharedFrames``.
"""

from __future__ import annotations

import json
import select
import socket
from typing import Any

_PACKET_BYTES = 65536
_TEXT_LIMIT = 8000


class ChannelClosed(Exception):
    """The other process closed its end, which it also does by ending."""


class Channel:
    """One end of a sequenced-packet socket: packets arrive whole, in order, or the channel is closed."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @staticmethod
    def pair() -> tuple[Channel, Channel]:
        """Two connected ends."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return Channel(ours), Channel(theirs)

    @staticmethod
    def from_fd(fd: int) -> Channel:
        return Channel(socket.socket(fileno=fd))

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, kind: str, **values: Any) -> None:
        """Send one message; texts are cut to what fits a packet. ChannelClosed if nobody is there."""
        short = {key: value[:_TEXT_LIMIT] if isinstance(value, str) else value for key, value in values.items()}
        try:
            self._socket.send(json.dumps({"kind": kind, **short}).encode())
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, timeout_s: float | None) -> dict[str, Any] | None:
        """The next message, or None when ``timeout_s`` (None: for ever) ends first. ChannelClosed at the end."""
        try:
            poller = select.poll()
            poller.register(self._socket, select.POLLIN)
            if not poller.poll(None if timeout_s is None else max(timeout_s, 0) * 1000):
                return None
            packet = self._socket.recv(_PACKET_BYTES)
        except (OSError, ValueError) as error:
            raise ChannelClosed from error
        if not packet:
            raise ChannelClosed
        message: dict[str, Any] = json.loads(packet)
        return message

    def close(self) -> None:
        self._socket.close()
