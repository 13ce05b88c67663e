"""The server process: everything put together, and taken apart again on Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ros_anomaly.limits import check_within
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.render.sensor import SensorModel
from ros_anomaly_sim.server.blueprint_tables import blueprint_library
from ros_anomaly_sim.server.calls import dispatcher_for
from ros_anomaly_sim.server.geometry import Transform, camera_pose
from ros_anomaly_sim.server.map_store import MapStore
from ros_anomaly_sim.server.network import Network
from ros_anomaly_sim.server.signal_models import with_signals
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.scene import Scene
from ros_anomaly_sim.street.town import DEFAULT_LENGTH_M
from ros_anomaly_sim.street.weather import preset

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerOptions:
    """What a server is asked to be. Port 0 is any free one; ``stream_port`` None is the one after ``port``.

    ``timing`` is a file that it writes when it ends: what its ticks took.
    """

    town: str
    host: str = "127.0.0.1"
    port: int = 2000
    stream_port: int | None = None
    camera: str = "ordinary"
    length_m: float = DEFAULT_LENGTH_M
    timing: Path | None = None

    def __post_init__(self) -> None:
        for name, port in (("port", self.port), ("stream_port", self.stream_port)):
            if port is not None:
                check_within(name, port, 0, 65535)
        if self.port == 65535 and self.stream_port is None:
            raise ValueError("port: expected at most 65534 (streams take the next one), found 65535")


def serve(options: ServerOptions, library: ModelLibrary, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; ``say`` is told once that clients may connect. Call it from the main thread.

    Raises:
        PortInUseError, UnknownMapError, ValueError, MissingEglError, MissingModelsError: it cannot start.
    """
    recorded_by = SensorModel.preset(options.camera)
    maps = MapStore(library, options.length_m)
    network = Network(options.host, options.port, options.stream_port)
    try:
        town = maps.load(options.town)
        with StreetRenderer(Camera(64, 36), with_signals(library.load)) as renderer:
            simulation = Simulation(network, maps, town, blueprint_library(), library, renderer, recorded_by)
            with _ending_on_signals(simulation.stop):
                # Shaders and the town go to the GPU now, not with the first client's first tick.
                start = town.spawn_points[0] if town.spawn_points else Transform()
                renderer.render(Scene(town.world, town.placements, preset("noon")), camera_pose(start))
                network.start(simulation.submit)
                say(f"ready on {options.host}:{network.rpc_port}")
                simulation.run(dispatcher_for(simulation))
            _log.info(
                "%d ticks in %.1f s, %.1f s of them rendering; %d payloads dropped",
                simulation.timing.ticks,
                simulation.timing.total_s,
                simulation.timing.render_s,
                network.hub.dropped,
            )
            if options.timing is not None:
                simulation.timing.save(options.timing)
    finally:
        network.stop()


def end_when_stdin_closes() -> None:
    """Have this process end (SIGTERM to itself) when its standard input does, as it does with a killed parent."""

    def watch() -> None:
        # Not through sys.stdin: its lock, held here at the interpreter's end, would make that a fatal error.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


@contextmanager
def _ending_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """While it lasts, SIGINT and SIGTERM call ``stop``; a second SIGINT interrupts at once."""

    def end(number: int, _: FrameType | None) -> None:
        stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
