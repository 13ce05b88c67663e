"""What stands in front of the camera: the interface between the towns and the renderer."""

from __future__ import annotations

from dataclasses import dataclass

from ros_anomaly_sim.street.mesh import Mesh, TextureBank

Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Placement:
    """One instance of a model in the world (metres, radians, yaw counter-clockwise from +y forward).

    ``class_id`` overrides the model's (13 makes it an anomaly); ``instance_id`` is unique in its scene,
    1..65535; ``tag`` says what it is for ("parked", "driving", "anomaly" …).
    """

    model: str
    position: Vec3
    yaw_rad: float
    class_id: int
    instance_id: int
    scale: float = 1.0
    paint: Vec3 | None = None
    tag: str = ""


@dataclass(frozen=True)
class Weather:
    """Light and air. Colours are linear RGB radiances; ``sun_direction`` points to the sun (unit length)."""

    name: str
    sun_direction: Vec3
    sun_colour: Vec3
    zenith: Vec3
    horizon: Vec3
    ground: Vec3
    cloud: float
    fog_per_m: float
    wet: float
    shadows: bool = True


@dataclass(frozen=True)
class CameraPose:
    """Camera position and attitude in the world: yaw counter-clockwise from +y, pitch up positive."""

    position: Vec3
    yaw_rad: float
    pitch_rad: float = 0.0
    roll_rad: float = 0.0


@dataclass(frozen=True)
class StaticWorld:
    """What does not move in a town: one mesh with class ids per vertex, and the textures it uses.

    ``key`` tells two worlds apart, so that a renderer uploads each once.
    """

    key: str
    mesh: Mesh
    textures: TextureBank


@dataclass(frozen=True)
class Scene:
    """Everything one rendered frame shows."""

    world: StaticWorld
    placements: tuple[Placement, ...]
    weather: Weather
