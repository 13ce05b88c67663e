"""The register of traffic managers: they run in clients, and find each other through the server."""

from __future__ import annotations

from typing import Any

from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.dispatcher import Call, Dispatcher
from ros_anomaly_sim.server.network import RpcConnection


class TrafficManagerCalls:
    """Handlers of those calls. A manager whose client is gone is gone, too."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[str, object]] = {}

    def register(self, dispatcher: Dispatcher) -> None:
        """Make the handlers known."""
        dispatcher.register("is_traffic_manager_running", lambda _, port: self._find(port) is not None, wire.integer)
        dispatcher.register("get_traffic_manager_running", self._address, wire.integer)
        dispatcher.register("add_traffic_manager_running", self._add, wire.anything)
        dispatcher.register("destroy_traffic_manager", self._destroy, wire.integer)

    def _find(self, port: int) -> str | None:
        host, client = self._running.get(port, ("", None))
        if isinstance(client, RpcConnection) and not client.is_open:
            del self._running[port]
            return None
        return host if client is not None else None

    def _address(self, _: Call, port: int) -> list[Any]:
        host = self._find(port)
        return [host, port] if host is not None else ["", 0]

    def _add(self, call: Call, address: Any) -> bool:
        host, port = wire.struct(address, "a host and a port", wire.text, wire.integer)
        if self._find(port) is not None:
            return False
        self._running[port] = (host, call.client)
        return True

    def _destroy(self, _: Call, port: int) -> bool:
        return self._running.pop(port, None) is not None
