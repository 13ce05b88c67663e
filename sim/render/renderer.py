"""The street renderer: a scene and a camera pose in, colour, class ids, instance ids and depth out."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np

from ros_anomaly_sim.render import shaders
from ros_anomaly_sim.render.batch import InstanceBatch
from ros_anomaly_sim.render.camera import Camera, world_to_camera
from ros_anomaly_sim.render.context import RenderContext
from ros_anomaly_sim.render.geometry import draw_commands
from ros_anomaly_sim.render.matrices import boxes_inside, clip_planes
from ros_anomaly_sim.render.shadows import FAR, NEAR, OVERHEAD, DepthMap, MapSpec, centre_ahead, overhead_clip, sun_clip
from ros_anomaly_sim.render.stores import ModelLoader, ModelStore, StoredWorld, WorldStore
from ros_anomaly_sim.render.targets import Target
from ros_anomaly_sim.street.scene import CameraPose, Placement, Scene, StaticWorld, Weather

_IMAGES_UNIT, _NEAR_UNIT, _FAR_UNIT, _OVERHEAD_UNIT = range(4)
_FAR_STALE_M = 3.0
_OVERCAST_FROM, _OVERCAST_FULL = 0.65, 0.95


@dataclass(frozen=True)
class Rendered:
    """One frame: image uint8 [H, W, 3] sRGB, class_ids uint8, instance_ids uint16, depth_m float32 (sky inf) [H, W]."""

    image: np.ndarray
    class_ids: np.ndarray
    instance_ids: np.ndarray
    depth_m: np.ndarray


class StreetRenderer:
    """Renders scenes with one OpenGL context; at most one per process, used from the thread that made it.

    ``load_model`` gives a model by name. Raises MissingEglError or RendererInUseError.
    """

    def __init__(self, camera: Camera, load_model: ModelLoader, world_capacity: int = 4) -> None:
        self.camera = camera
        self.context = RenderContext()
        gl = self._gl = self.context.gl
        self._surface = gl.program(shaders.SURFACE_VERTEX, shaders.SURFACE_FRAGMENT)
        self._sky = gl.program(shaders.SKY_VERTEX, shaders.SKY_FRAGMENT)
        self._depth = gl.program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        corners = np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32)
        self._sky_quad = gl.vertex_array(self._sky, [(gl.buffer(corners.tobytes()), "2f", "corner")])
        self._models = ModelStore(gl, self._surface, self._depth, load_model)
        self._worlds = WorldStore(gl, self._surface, self._depth, world_capacity)
        self._maps = {spec: DepthMap(gl, spec.texels) for spec in (NEAR, FAR, OVERHEAD)}
        self._far_drawn: _FarShadow | None = None
        self._targets: dict[tuple[int, int], Target] = {}
        for name, unit in (
            ("images", _IMAGES_UNIT),
            ("near_shadow", _NEAR_UNIT),
            ("far_shadow", _FAR_UNIT),
            ("overhead_depth", _OVERHEAD_UNIT),
        ):
            self._surface[name].value = unit
        self._depth["images"].value = _IMAGES_UNIT

    @property
    def gl_renderer(self) -> str:
        """GL_RENDERER: what draws."""
        return self.context.renderer

    @property
    def software(self) -> bool:
        """Whether the CPU draws."""
        return self.context.software

    def render(self, scene: Scene, pose: CameraPose, camera: Camera | None = None) -> Rendered:
        """Draw the scene as the camera (the renderer's own unless another is given) sees it from ``pose``."""
        camera = camera or self.camera
        target = self._draw(scene.world, scene.placements, scene.weather, pose, camera, sky=True)
        class_ids, instance_ids = target.read_ids()
        image = np.ascontiguousarray(target.read_colour()[..., :3])
        return Rendered(image, class_ids, instance_ids, target.read_depth())

    def render_object(self, placement: Placement, weather: Weather, pose: CameraPose, camera: Camera) -> np.ndarray:
        """RGBA uint8 [H, W, 4] of one placement before nothing; alpha is 255 on it and 0 elsewhere."""
        return self._draw(None, (placement,), weather, pose, camera, sky=False).read_colour()

    def close(self) -> None:
        """Release the context and all that lives in it; rendering afterwards is an error."""
        for thing in (self._models, self._worlds, *self._maps.values(), *self._targets.values()):
            thing.release()
        self.context.close()

    def __enter__(self) -> StreetRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(
        self,
        world: StaticWorld | None,
        placements: tuple[Placement, ...],
        weather: Weather,
        pose: CameraPose,
        camera: Camera,
        sky: bool,
    ) -> Target:
        stored = self._worlds.require(world) if world is not None else None
        batch = InstanceBatch(self._models, placements)
        view = world_to_camera(pose)
        clip = camera.projection() @ view
        eye = np.asarray(pose.position, float)
        sun = np.asarray(weather.sun_direction, float)
        self._gl.enable_only(moderngl.DEPTH_TEST)
        self._draw_maps(world, stored, batch, weather, eye, view[2, :3], sun)

        target = self._target(camera)
        target.frame.use()
        target.frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._set_weather(self._surface, weather, eye)
        self._surface["wet"].value = weather.wet
        self._surface["shadows"].value = weather.shadows
        _write(self._surface, "clip", clip)
        planes = clip_planes(clip)
        for spec, unit in ((NEAR, _NEAR_UNIT), (FAR, _FAR_UNIT), (OVERHEAD, _OVERHEAD_UNIT)):
            self._maps[spec].texture.use(unit)
        self._draw_models(batch, batch.seen_from(planes, eye, camera.focal_px), depth_only=False)
        if stored is not None:
            self._draw_world(stored, planes, eye, depth_only=False)
        if sky:
            self._set_weather(self._sky, weather, eye)
            self._sky["cloud"].value = weather.cloud
            _write(self._sky, "unproject", np.linalg.inv(clip))
            target.frame.depth_mask = False
            self._sky_quad.render(moderngl.TRIANGLE_STRIP)
            target.frame.depth_mask = True
        return target

    def _draw_maps(
        self,
        world: StaticWorld | None,
        stored: StoredWorld | None,
        batch: InstanceBatch,
        weather: Weather,
        eye: np.ndarray,
        forward: np.ndarray,
        sun: np.ndarray,
    ) -> None:
        heading = np.array([forward[0], forward[1], 0.0])
        heading /= max(float(np.linalg.norm(heading)), 1e-6)
        overhead = overhead_clip(OVERHEAD, centre_ahead(OVERHEAD, eye, heading))
        _write(self._surface, "overhead", overhead)
        self._surface["overhead_step"].value = 0.55 / OVERHEAD.width_m
        self._draw_map(OVERHEAD, overhead, None, batch, detail_px_per_m=20.0)
        if not weather.shadows:
            return
        near = sun_clip(NEAR, centre_ahead(NEAR, eye, heading), sun)
        self._draw_map(NEAR, near, stored, batch, detail_px_per_m=NEAR.texels / NEAR.width_m)
        wanted = _FarShadow(
            world.key if world is not None else None, tuple(centre_ahead(FAR, eye, heading)), tuple(sun), batch
        )
        far = sun_clip(FAR, np.array(wanted.centre), sun)
        if self._far_drawn is None or wanted.differs(self._far_drawn):
            self._draw_map(FAR, far, stored, batch, detail_px_per_m=FAR.texels / FAR.width_m)
            self._far_drawn = wanted
        _write(self._surface, "near_light", near)
        _write(self._surface, "far_light", far)
        self._surface["near_texel"].value = 0.8 / NEAR.texels
        self._surface["far_texel"].value = 0.6 / FAR.texels

    def _draw_map(
        self, spec: MapSpec, clip: np.ndarray, stored: StoredWorld | None, batch: InstanceBatch, detail_px_per_m: float
    ) -> None:
        depth_map = self._maps[spec]
        depth_map.frame.use()
        depth_map.frame.clear(depth=1.0)
        _write(self._depth, "clip", clip)
        planes = clip_planes(clip)
        self._draw_models(batch, batch.cast_into(planes, detail_px_per_m), depth_only=True)
        if stored is not None:
            self._draw_world(stored, planes, None, depth_only=True)

    def _draw_models(self, batch: InstanceBatch, commands: np.ndarray, depth_only: bool) -> None:
        if len(commands):
            self._models.textures.use(_IMAGES_UNIT)
            self._models.pool.draw(commands, depth_only)

    def _draw_world(self, stored: StoredWorld, planes: np.ndarray, eye: np.ndarray | None, depth_only: bool) -> None:
        chunks = stored.chunks
        drawn = np.flatnonzero(boxes_inside(planes, chunks.low, chunks.high))
        if eye is not None:
            nearest = np.clip(eye, chunks.low[drawn], chunks.high[drawn])
            drawn = drawn[np.argsort(((nearest - eye) ** 2).sum(1), kind="stable")]
        stored.textures.use(_IMAGES_UNIT)
        commands = draw_commands(chunks.firsts[drawn], chunks.counts[drawn], np.zeros(len(drawn)))
        stored.pool.draw(commands, depth_only)

    def _set_weather(self, program: moderngl.Program, weather: Weather, eye: np.ndarray) -> None:
        program["eye"].value = tuple(eye)
        program["sun_direction"].value = weather.sun_direction
        program["sun_colour"].value = weather.sun_colour
        for name in ("zenith", "horizon", "ground", "fog_per_m"):
            program[name].value = getattr(weather, name)
        share = (weather.cloud - _OVERCAST_FROM) / (_OVERCAST_FULL - _OVERCAST_FROM)
        program["overcast"].value = float(np.clip(share, 0.0, 1.0))

    def _target(self, camera: Camera) -> Target:
        size = (camera.width, camera.height)
        if size not in self._targets:
            self._targets[size] = Target(self._gl, *size)
        return self._targets[size]


@dataclass(frozen=True)
class _FarShadow:
    """What the far shadow map shows."""

    world_key: str | None
    centre: tuple[float, ...]
    sun: tuple[float, ...]
    batch: InstanceBatch

    def differs(self, other: _FarShadow) -> bool:
        """Whether the other map would look clearly different."""
        if (self.world_key, self.centre, self.sun) != (other.world_key, other.centre, other.sun):
            return True
        return self.batch.moved_more_than(other.batch, _FAR_STALE_M)


def _write(program: moderngl.Program, name: str, matrix: np.ndarray) -> None:
    program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())
