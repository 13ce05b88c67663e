"""After a tick: every sensor that is due and listened to gets its data; cameras at one place share a picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.renderer import Rendered
from ros_anomaly_sim.render.sensor import SensorModel
from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.actors import STILL, Actor
from ros_anomaly_sim.server.collisions import Collision
from ros_anomaly_sim.server.episode import Episode
from ros_anomaly_sim.server.geometry import camera_pose
from ros_anomaly_sim.server.images import camera_payload
from ros_anomaly_sim.server.inertial import gnss_reading, imu_reading
from ros_anomaly_sim.server.scenes import Scenery, scene
from ros_anomaly_sim.server.sensor_spec import SensorSpec
from ros_anomaly_sim.server.sensor_types import SensorType
from ros_anomaly_sim.server.streams import StreamHub, token
from ros_anomaly_sim.server.timing import TickTime
from ros_anomaly_sim.server.world_state import header
from ros_anomaly_sim.street.scene import CameraPose, Scene

STATIC_OTHER: list[Any] = [0, 0, [0, "static.unknown", []], [list(STILL), list(STILL), list(STILL), 0], b"", b""]
"""The other actor of a collision with something that belongs to the town."""


class Renderer(Protocol):
    """What draws a scene; ``sim.render.renderer.StreetRenderer`` does."""

    def render(self, scene: Scene, pose: CameraPose, camera: Camera | None = None) -> Rendered:
        """One frame."""
        ...


class Sensing:
    """Sensors of one episode."""

    def __init__(
        self, episode: Episode, hub: StreamHub, renderer: Renderer, recorded_by: SensorModel, stream_port: int
    ) -> None:
        self.specs: dict[int, SensorSpec] = {}
        self._episode = episode
        self._hub = hub
        self._renderer = renderer
        self._recorded_by = recorded_by
        self._stream_port = stream_port
        self._scenery = Scenery(episode.town)
        self._rng = np.random.default_rng(episode.number)

    def add(self, sensor: Actor, spec: SensorSpec) -> None:
        """Open the sensor's stream."""
        self.specs[sensor.id] = spec
        self._hub.open(sensor.id)

    def remove(self, sensor_id: int) -> None:
        """Close the sensor's stream, if it is one."""
        if self.specs.pop(sensor_id, None) is not None:
            self._hub.close(sensor_id)

    def token(self, actor: Actor) -> bytes:
        """Stream token of a sensor, empty for other actors."""
        return token(actor.id, self._stream_port) if actor.id in self.specs else b""

    def on_the_wire(self, actor: Actor) -> list[Any]:
        """The actor with its token."""
        return actor.on_the_wire(self.token(actor))

    def wants_pictures(self) -> bool:
        """Whether a camera will be rendered for the tick that just ended."""
        return any(spec.camera is not None for _, spec in self._due())

    def sense(self, collisions: Sequence[Collision], spent: TickTime) -> None:
        """Send the data of the tick that just ended; ``spent`` is told what rendering took."""
        pictures: dict[tuple[object, ...], Rendered] = {}
        for sensor, spec in self._due():
            if spec.type is SensorType.COLLISION:
                for collision in collisions:
                    self._send_collision(sensor, collision)
            elif spec.type is SensorType.GNSS:
                self._send(sensor, spec, wire.packed(gnss_reading(sensor, spec, self._rng)))
            elif spec.type is SensorType.IMU:
                self._send(sensor, spec, wire.packed(imu_reading(sensor, spec, self._rng)))
            elif spec.camera is not None and not self._episode.settings.no_rendering_mode:
                started = time.perf_counter()
                picture = self._picture(sensor, spec.camera, pictures)
                spent.render_s += time.perf_counter() - started
                spent.images += 1
                self._send(sensor, spec, camera_payload(spec.type, picture, spec.fov_deg, self._recorded_by))

    def look(self, pose: CameraPose, camera: Camera) -> Rendered:
        """The world as it is now, from a place in the streets' frame."""
        return self._renderer.render(scene(self._episode, self._scenery, pose), pose, camera)

    def _due(self) -> list[tuple[Actor, SensorSpec]]:
        episode = self._episode
        return [
            (sensor, spec)
            for sensor, spec in ((a, self.specs[a.id]) for a in episode.known(self.specs))
            if spec.is_due(episode.elapsed_s, episode.delta_s) and self._hub.has_subscribers(sensor.id)
        ]

    def _picture(self, sensor: Actor, camera: Camera, pictures: dict[tuple[object, ...], Rendered]) -> Rendered:
        where = sensor.world_transform()
        key = (camera, *np.round((*where.location, *where.rotation), 4))
        if key not in pictures:
            pictures[key] = self.look(camera_pose(where), camera)
        return pictures[key]

    def _send(self, sensor: Actor, spec: SensorSpec, payload: bytes) -> None:
        before = header(spec.type, self._episode.frame, self._episode.elapsed_s, sensor.world_transform())
        self._hub.publish(sensor.id, before, payload)

    def _send_collision(self, sensor: Actor, collision: Collision) -> None:
        """Both who ran into something and who was run into feel it."""
        body = sensor.parent
        if body is None or body not in (collision.actor, collision.other):
            return
        x, y, z = collision.impulse
        impulse, other = [x, y, z], collision.other
        if body is collision.other:
            impulse, other = [-x, -y, -z], collision.actor
        shown = self.on_the_wire(other) if other is not None else STATIC_OTHER
        event = wire.packed([self.on_the_wire(body), shown, impulse])
        self._send(sensor, self.specs[sensor.id], event)
