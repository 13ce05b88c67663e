"""The server that a run drives on: one that runs already, or the embedded one, started anew where it is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

import carla

from ros_anomaly_sim.bridge.server_process import ServerDied, ServerProcess, server_command
from ros_anomaly_sim.bridge.world_hold import connect

_TIMEOUT_S = 60.0
# Every embedded server has it, so that a server that does not start in it does not start at all.
_SURE_TOWN = "Town2001"


class NoServer(RuntimeError):
    """There is no server to drive on."""


class ServerAtHand:
    """Gives clients; use as a context manager.

    Args:
        address: (host, port) of a CARLA server; None: the embedded one, which is started when it is needed first.
        command: how the embedded server is started in a town.
    """

    def __init__(
        self, address: tuple[str, int] | None, command: Callable[[str], Sequence[str]] = server_command
    ) -> None:
        self._address, self._command = address, command
        self._own: ServerProcess | None = None
        self._client: carla.Client | None = None

    def client(self, town: str) -> carla.Client:
        """A client of the server, which starts in ``town`` where it is started, in another if it has no such town.

        Raises:
            NoServer: the embedded server does not start, or there is nobody at the address.
        """
        if self._client is None:
            try:
                host, port = self._address or ("127.0.0.1", self._started(town))
                self._client = connect(host, port, _TIMEOUT_S)
            except RuntimeError as error:
                raise NoServer(str(error)) from error
        return self._client

    def distrust(self) -> None:
        """Something went wrong: the next client is a new one, and so is the server if it is our own."""
        self._client = None
        if self._own is not None:
            self._own.close()
            self._own = None

    def __enter__(self) -> ServerAtHand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.distrust()

    def _started(self, town: str) -> int:
        if self._own is None:
            self._own = self._start(town)
        return self._own.port

    def _start(self, town: str) -> ServerProcess:
        try:
            return ServerProcess(self._command(town))
        except ServerDied:
            # One unknown town must not end a run: whoever asks the server to load it is told.
            if town == _SURE_TOWN:
                raise
            return ServerProcess(self._command(_SURE_TOWN))
