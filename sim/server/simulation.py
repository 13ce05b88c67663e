"""The simulation thread: it alone touches the world. It answers calls in their order and ticks in between."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable

from ros_anomaly_sim.render.sensor import SensorModel
from ros_anomaly_sim.server.blueprints import BlueprintLibrary
from ros_anomaly_sim.server.collisions import Collision
from ros_anomaly_sim.server.dispatcher import Dispatcher
from ros_anomaly_sim.server.episode import Episode
from ros_anomaly_sim.server.map_store import MapStore
from ros_anomaly_sim.server.network import Network, RpcConnection
from ros_anomaly_sim.server.sensing import Renderer, Sensing
from ros_anomaly_sim.server.streams import WORLD_STREAM
from ros_anomaly_sim.server.structs import EpisodeSettings
from ros_anomaly_sim.server.timing import TickTime, Timing
from ros_anomaly_sim.server.town_map import TownMap
from ros_anomaly_sim.server.wire import Request
from ros_anomaly_sim.server.world_state import MAP_CHANGED, world_state
from ros_anomaly_sim.street.objects.library import ModelLibrary

DEFAULT_DELTA_S = 0.05
"""Step of a synchronous tick where the client fixed none."""

_FREE_RUN_S = 1 / 30
_LONGEST_STEP_S = 0.2
_QUIET_S = 0.3
_log = logging.getLogger(__name__)


class Simulation:
    """The episode, its clock and the queue of calls.

    Asynchronous mode runs by itself: at most 30 ticks a second with the wall clock's steps, or one step of the
    fixed length in each such length of wall time. Synchronous mode ticks when a client says so, and only then.
    """

    def __init__(
        self,
        network: Network,
        maps: MapStore,
        town: TownMap,
        blueprints: BlueprintLibrary,
        library: ModelLibrary,
        renderer: Renderer,
        recorded_by: SensorModel,
    ) -> None:
        self.network = network
        self.maps = maps
        self.blueprints = blueprints
        self.timing = Timing()
        self._library = library
        self._renderer = renderer
        self._recorded_by = recorded_by
        self._calls: queue.SimpleQueue[tuple[RpcConnection, Request] | None] = queue.SimpleQueue()
        self._afterwards: list[Callable[[], None]] = []
        self._stopped = False
        self._last_tick = time.monotonic()
        self.episode, self.sensing = self._episode(1, town, 1, EpisodeSettings())
        self.publish_world(MAP_CHANGED)

    def submit(self, client: RpcConnection, request: Request) -> None:
        """Queue a call; from the network's thread."""
        self._calls.put((client, request))

    def stop(self) -> None:
        """End ``run``; from any thread or signal handler."""
        self._stopped = True
        self._calls.put(None)

    def run(self, dispatcher: Dispatcher) -> None:
        """Answer and tick until stopped."""
        while not self._stopped:
            self._answer_calls(dispatcher)
            if not self.episode.settings.synchronous_mode and self._patience_s() <= 0.0 and not self._stopped:
                self.tick()
                self._run_afterwards()

    def _answer_calls(self, dispatcher: Dispatcher) -> None:
        """Wait for a call until the next tick is due; then answer all that wait, which a slow tick lets pile up."""
        try:
            waiting = [self._calls.get(timeout=self._patience_s())]
        except queue.Empty:
            return
        waiting += [self._calls.get() for _ in range(self._calls.qsize())]
        for item in waiting:
            if item is None or self._stopped:
                return
            client, request = item
            client.finish(dispatcher.answer(request, client))
            self._run_afterwards()

    def tick(self) -> int:
        """One step of the world; gives its frame. The world state goes out now, the sensors' data once it is answered.

        So a client hears of the tick, and can prepare the next, while the cameras are being rendered.
        """
        started = time.perf_counter()
        self.network.hub.wait_for_announced()
        waited = time.perf_counter() - started
        collisions = self.episode.tick(self._step_s())
        self.publish_world()
        self._last_tick = time.monotonic()
        spent = TickTime(self.episode.frame, time.perf_counter() - started - waited)
        self._afterwards.append(lambda: self._sense(collisions, spent))
        return self.episode.frame

    def load(self, name: str, reset_settings: bool) -> None:
        """Begin a new episode on another map, or (empty name) again on this one. Raises UnknownMapError, ValueError."""
        name = name or self.episode.town.name
        town = self.maps.load(name)
        if self.maps.stands_in(name):
            _log.warning("map %s is CARLA's own and not here: a town of this server stands in for it", town.name)
        for sensor_id in list(self.sensing.specs):
            self.sensing.remove(sensor_id)
        settings = EpisodeSettings() if reset_settings else self.episode.settings
        old = self.episode
        self.episode, self.sensing = self._episode(old.number + 1, town, old.frame + 1, settings)
        # A client that hears of the new episode on the stream of the old one, before it has got the call's answer and
        # hung up, resets its traffic manager while the manager's own thread works, and crashes. So nobody who listens
        # already hears anything for a moment, as from a server that takes its time to load.
        self.network.hub.renew_world(_QUIET_S, world_state(self.episode, MAP_CHANGED))
        self._last_tick = time.monotonic() + _QUIET_S

    def publish_world(self, flags: int = 0) -> None:
        """Send the world state as it is."""
        self.network.hub.publish(WORLD_STREAM, world_state(self.episode, flags))

    def _episode(
        self, number: int, town: TownMap, first_frame: int, settings: EpisodeSettings
    ) -> tuple[Episode, Sensing]:
        episode = Episode(number, town, self.blueprints, self._library, first_frame, settings)
        hub, port = self.network.hub, self.network.stream_port
        return episode, Sensing(episode, hub, self._renderer, self._recorded_by, port)

    def _sense(self, collisions: list[Collision], spent: TickTime) -> None:
        started = time.perf_counter()
        if self.sensing.wants_pictures():
            # Rendering holds the interpreter: the answer has to be on its way before.
            self.network.hub.flush()
        self.sensing.sense(collisions, spent)
        spent.total_s += time.perf_counter() - started
        self.timing.add(spent)

    def _run_afterwards(self) -> None:
        while self._afterwards:
            self._afterwards.pop(0)()

    def _step_s(self) -> float:
        settings = self.episode.settings
        if settings.fixed_delta_s is not None:
            return settings.fixed_delta_s
        if settings.synchronous_mode:
            return DEFAULT_DELTA_S
        return min(_LONGEST_STEP_S, max(1e-3, time.monotonic() - self._last_tick))

    def _patience_s(self) -> float:
        """How long a call may be waited for before the next tick is due."""
        settings = self.episode.settings
        if settings.synchronous_mode:
            return 1.0
        return max(0.0, self._last_tick + (settings.fixed_delta_s or _FREE_RUN_S) - time.monotonic())
