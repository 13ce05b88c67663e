"""What the sensor tests share: spawning small cameras and reading their images."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np

WIDTH, HEIGHT = 64, 36
PATIENCE_S = 60.0


def spawn_camera(carla: Any, world: Any, kind: str, parent: Any, place: Any = None, **attributes: str) -> Any:
    """A camera at the street camera's place on ``parent``."""
    blueprint = world.get_blueprint_library().find(f"sensor.camera.{kind}")
    for name, value in {"image_size_x": str(WIDTH), "image_size_y": str(HEIGHT), **attributes}.items():
        blueprint.set_attribute(name, value)
    where = place or carla.Transform(carla.Location(x=1.5, z=1.6))
    return world.spawn_actor(blueprint, where, attach_to=parent)


class Heard(queue.Queue[Any]):
    """The data of a sensor, in order. It keeps the sensor: one that nobody holds stops listening."""

    def __init__(self, sensor: Any) -> None:
        super().__init__()
        self.sensor = sensor
        sensor.listen(self.put)

    def next(self) -> Any:
        """The next data, waited for."""
        return self.get(timeout=PATIENCE_S)


def pixels(image: Any) -> np.ndarray:
    """uint8 [H, W, 4] BGRA."""
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)


def instance_ids(image: Any) -> np.ndarray:
    """int [H, W] of an instance camera's image."""
    blue, green = (pixels(image)[..., c].astype(int) for c in (0, 1))
    return green + 256 * blue
