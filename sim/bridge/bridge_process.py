"""The bridge's process: a server where none is given, session after session, an orderly end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext

from rclpy.node import Node

from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep
from ros_anomaly.nodes.graph import on_graph
from ros_anomaly.signals import interrupted_by_signals
from ros_anomaly_sim.bridge.bridge_node import NAME, BridgePort, declared_values
from ros_anomaly_sim.bridge.bridge_session import Session, Tally
from ros_anomaly_sim.bridge.bridge_settings import BridgeSettings
from ros_anomaly_sim.bridge.lane_route import NoRouteError
from ros_anomaly_sim.bridge.lockstep_drive import NobodyListens
from ros_anomaly_sim.bridge.server_process import ServerDied, ServerProcess, server_command
from ros_anomaly_sim.bridge.street_frame import FIRST_STAMP_NS
from ros_anomaly_sim.bridge.world_hold import MissingBlueprint, SpawnRefused, connect

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_GAP_NS = 1_000_000_000

# Trying again would end the same way.
_FINAL = (NobodyListens, DetectorSilent, MissingBlueprint, SpawnRefused, NoRouteError, ServerDied)


class BridgeFailed(RuntimeError):
    """The bridge gave up; the message says why."""


def run_bridge(arguments: list[str], command: Callable[[str], list[str]] = server_command) -> Tally:
    """Run the bridge node until its drive is over.

    Args:
        arguments: ROS arguments, ``--ros-args`` first.
        command: makes the command line of the server that is started where no host is given, from the map's name.

    Raises:
        BridgeFailed: it cannot go on.
        KeyboardInterrupt: SIGINT or SIGTERM came; everything that was spawned is gone, and so is the node.
        ValueError: ROS arguments that cannot be read, or a bad parameter.
    """
    with interrupted_by_signals(), on_graph(arguments):
        node = Node(NAME)
        try:
            settings = BridgeSettings.from_values(declared_values(node))
        except BaseException:
            node.destroy_node()
            raise
        lockstep = Lockstep(settings.answer_timeout_s, settings.patience) if settings.lockstep else None
        port = BridgePort(node, settings, lockstep)
        tally = Tally(last_stamp_ns=FIRST_STAMP_NS - _GAP_NS)
        try:
            _Bridge(port, settings, lockstep, tally, command).run()
        except _FINAL as error:
            raise BridgeFailed(str(error)) from error
        finally:
            port.close()
        return tally


class _Bridge:
    """Sessions, one after the other."""

    def __init__(
        self,
        port: BridgePort,
        settings: BridgeSettings,
        lockstep: Lockstep | None,
        tally: Tally,
        command: Callable[[str], list[str]],
    ) -> None:
        self._port, self._settings, self._lockstep, self._tally = port, settings, lockstep, tally
        self._command = command

    def run(self) -> None:
        pause_s = _SHORTEST_PAUSE_S
        while True:
            drives_before = self._tally.drives
            try:
                self._with_one_server()
                return
            except _FINAL:
                raise
            except RuntimeError as error:
                if not self._settings.reconnect:
                    raise BridgeFailed(f"the CARLA server is lost: {error}") from error
                if self._tally.drives > drives_before:
                    pause_s = _SHORTEST_PAUSE_S
                self._tally.reconnects += 1
                self._port.warn(f"the CARLA server is lost, trying again in {pause_s:g} s: {error}")
                if self._lockstep is not None:
                    self._lockstep.give_up()
            self._wait(pause_s, "server lost")
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _with_one_server(self) -> None:
        """Sessions until the drive is over and not to be repeated; RuntimeError where the server is lost."""
        settings = self._settings
        server = None if settings.host else ServerProcess(self._command(settings.scenario.map))
        with server or nullcontext():
            host, port = settings.host or "127.0.0.1", server.port if server else settings.port
            client = connect(host, port, settings.connect_timeout_s)
            self._port.say(f"connected to the CARLA server at {host}:{port}")
            while True:
                session = Session(self._port, settings, self._lockstep, self._tally)
                # Time goes on from session to session: a clock that jumps back frightens every listener.
                session.run(client, self._tally.last_stamp_ns + _GAP_NS)
                if not settings.repeat:
                    return

    def _wait(self, pause_s: float, why: str) -> None:
        until_s = time.monotonic() + pause_s
        values = {"reconnects": self._tally.reconnects, "drives": self._tally.drives}
        self._port.publish_status(self._tally.last_stamp_ns, False, why, values)
        while (left_s := until_s - time.monotonic()) > 0:
            self._port.listen(left_s)
