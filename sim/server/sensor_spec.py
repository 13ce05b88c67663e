"""What a sensor's attributes ask for, checked when it is spawned."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.server import wire
from ros_anomaly_sim.server.blueprint_tables import IGNORED_CAMERA_ATTRIBUTES
from ros_anomaly_sim.server.blueprints import Blueprint
from ros_anomaly_sim.server.sensor_types import CAMERAS, SENSOR_OF_BLUEPRINT, SensorType
from ros_anomaly_sim.server.structs import ActorDescription

_SIZES = (16, 4096)
_FOVS_DEG = (5.0, 170.0)
_log = logging.getLogger(__name__)
_warned: set[str] = set()


@dataclass(frozen=True)
class SensorSpec:
    """A sensor: its type, its period (0: every tick), its camera, its noise by attribute name."""

    type: SensorType
    tick_s: float = 0.0
    camera: Camera | None = None
    fov_deg: float = 0.0
    noise: tuple[tuple[str, float], ...] = ()

    def is_due(self, elapsed_s: float, delta_s: float) -> bool:
        """Whether the tick that ended at ``elapsed_s`` crossed a multiple of the period.

        Counting in simulated time instead of from each sensor's birth makes sensors of one period fire together.
        """
        if self.tick_s <= 0.0:
            return True
        return math.floor(elapsed_s / self.tick_s + 1e-6) > math.floor((elapsed_s - delta_s) / self.tick_s + 1e-6)


def sensor_spec(blueprint: Blueprint, description: ActorDescription) -> SensorSpec:
    """The sensor that a description asks for. Raises WireError that names attribute, expected and found."""

    def number(name: str, low: float, high: float) -> float:
        attribute = blueprint.attribute(name)
        given = description.attributes.get(name, attribute.default if attribute else "0")
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise wire.WireError(
                f"{blueprint.type_id}, attribute {name}: expected {low:g} to {high:g}, found {given!r}"
            )
        return value

    kind = SENSOR_OF_BLUEPRINT[blueprint.type_id]
    tick_s = number("sensor_tick", 0.0, 3600.0)
    if kind in CAMERAS:
        _warn_of_ignored(blueprint, description)
        fov_deg = number("fov", *_FOVS_DEG)
        size = (int(number("image_size_x", *_SIZES)), int(number("image_size_y", *_SIZES)))
        return SensorSpec(kind, tick_s, Camera(*size, math.radians(fov_deg)), fov_deg)
    noise = tuple((a.name, number(a.name, -1e9, 1e9)) for a in blueprint.attributes if a.name.startswith("noise_"))
    return SensorSpec(kind, tick_s, noise=noise)


def _warn_of_ignored(blueprint: Blueprint, description: ActorDescription) -> None:
    for attribute in blueprint.attributes:
        given = description.attributes.get(attribute.name, attribute.default)
        ignored = attribute.name in IGNORED_CAMERA_ATTRIBUTES and given != attribute.default
        if ignored and attribute.name not in _warned:
            _warned.add(attribute.name)
            _log.warning("%s: attribute %s has no effect in this server", blueprint.type_id, attribute.name)
