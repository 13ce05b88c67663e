"""A server process of box models for each module, and a client in synchronous mode."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TIMEOUT_S = 60.0
_SERVER = Path(__file__).resolve().parents[1] / "box_server.py"


@dataclass(frozen=True)
class RunningServer:
    """A server process and where it listens; its log is in ``log``."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def stop(self) -> int:
        """End it politely; its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=TIMEOUT_S)


@pytest.fixture(scope="session")
def carla() -> Any:
    """The client library; tests are skipped where there is no wheel of it."""
    return pytest.importorskip("carla")


@pytest.fixture(scope="session")
def renderer_here() -> None:
    """Skip without EGL: no server can start then."""
    from ros_anomaly_sim.render.context import MissingEglError, RenderContext

    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def start_server(
    renderer_here: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers; those still running at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> RunningServer:
        log = tmp_path_factory.mktemp("server") / "log.txt"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-u", str(_SERVER), *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready on 127.0.0.1:"), log.read_text()
        return RunningServer(process, int(line.rsplit(":", 1)[1]), log)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., RunningServer]) -> Iterator[RunningServer]:
    """One server for the module."""
    running = start_server()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def client(carla: Any, server: RunningServer) -> Any:
    """A client of the module's server."""
    made = carla.Client("127.0.0.1", server.port)
    made.set_timeout(TIMEOUT_S)
    return made


@pytest.fixture
def world(carla: Any, client: Any) -> Iterator[Any]:
    """The world in synchronous mode with steps of 0.05 s and flat light; what a test spawns is destroyed after it."""
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    # Without shadows a frame costs a fraction.
    world.set_weather(carla.WeatherParameters(cloudiness=100.0, sun_altitude_angle=50.0))
    yield world
    # The list is that of the last snapshot.
    world.tick()
    for actor in world.get_actors():
        if not actor.type_id.startswith(("spectator", "traffic.")):
            actor.destroy()
    world.tick()


@pytest.fixture
def ego(carla: Any, world: Any) -> Any:
    """A car at the first spawn point, there for the client to see."""
    blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
    blueprint.set_attribute("role_name", "ego_vehicle")
    car = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
    world.tick()
    return car
