"""Fixtures of tests that put scenarios on: a server of box models and a client of it. Import them in a conftest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ros_anomaly_sim.scenarios.schema import Anomaly, Ego, Expected, Home, Scenario, SceneActor

TIMEOUT_S = 60.0
BOX_SERVER = [sys.executable, "-u", str(Path(__file__).with_name("box_server.py"))]
TOWN = "Town2001"


@pytest.fixture(scope="session")
def box_server():
    """A running server; skipped without the client library or EGL."""
    pytest.importorskip("carla")
    from ros_anomaly_sim.bridge.server_process import ServerProcess
    from ros_anomaly_sim.render.context import MissingEglError, RenderContext

    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))
    with ServerProcess(BOX_SERVER) as server:
        yield server


@pytest.fixture
def client(box_server):
    """A client of the server, whose world is found and left in asynchronous mode and empty."""
    from ros_anomaly_sim.bridge.world_hold import connect

    return connect("127.0.0.1", box_server.port, TIMEOUT_S)


def scenario(
    *anomalies: Anomaly,
    actors: tuple[SceneActor, ...] = (),
    expected: Expected = Expected.OPEN,
    route_m: float = 30.0,
    speed_kmh: float = 30.0,
    town: str = TOWN,
    duration_s: float = 12.0,
) -> Scenario:
    """A short drive in the box town."""
    ego = Ego(spawn_point=1, route_m=route_m, speed_kmh=speed_kmh)
    return Scenario("made_up", "", Home.EMBEDDED, expected, town, ego, duration_s, actors=actors, anomalies=anomalies)
