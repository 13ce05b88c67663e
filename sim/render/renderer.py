"""The street renderer: a scene and a camera pose in, colour, class ids, instance ids and depth out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import moderngl
import numpy as np

from ros_anomaly_sim.render import shaders
from ros_anomaly_sim.render.batch import InstanceBatch
from ros_anomaly_sim.render.camera import Camera, world_to_camera
from ros_anomaly_sim.render.context import RenderContext
from ros_anomaly_sim.render.geometry import Pass
from ros_anomaly_sim.render.matrices import clip_planes
from ros_anomaly_sim.render.shadows import FAR, NEAR, OVERHEAD, DepthMap, MapSpec, centre_ahead, overhead_clip, sun_clip
from ros_anomaly_sim.render.stores import ModelLoader, ModelStore, StoredWorld, WorldStore
from ros_anomaly_sim.render.targets import Target
from ros_anomaly_sim.render.uniforms import set_uniform
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

    ``load_model`` gives a model by name; ``world_capacity`` is how many static worlds stay on the GPU;
    ``supersampling`` averages that many samples in x and y for each pixel's colour. Raises MissingEglError or
    RendererInUseError.
    """

    def __init__(
        self, camera: Camera, load_model: ModelLoader, world_capacity: int = 4, supersampling: int = 1
    ) -> None:
        if not 1 <= supersampling <= 4:
            raise ValueError(f"supersampling: expected 1 to 4, found {supersampling}")
        self.camera = camera
        self._supersampling = supersampling
        self.context = RenderContext()
        gl = self._gl = self.context.gl
        self._surface = gl.program(shaders.SURFACE_VERTEX, shaders.SURFACE_FRAGMENT)
        self._sky = gl.program(shaders.SKY_VERTEX, shaders.SKY_FRAGMENT)
        self._solid = gl.program(shaders.SOLID_VERTEX, shaders.SOLID_FRAGMENT)
        self._cutout = gl.program(shaders.CUTOUT_VERTEX, shaders.CUTOUT_FRAGMENT)
        programs = {Pass.SURFACE: self._surface, Pass.SOLID_DEPTH: self._solid, Pass.CUTOUT_DEPTH: self._cutout}
        corners = np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32)
        self._sky_quad = gl.vertex_array(self._sky, [(gl.buffer(corners.tobytes()), "2f", "corner")])
        self._models = ModelStore(gl, programs, load_model)
        self._worlds = WorldStore(gl, programs, world_capacity)
        self._maps = {spec: DepthMap(gl, spec.texels) for spec in (NEAR, FAR, OVERHEAD)}
        self._far_drawn: _FarShadow | None = None
        self._targets: dict[tuple[int, int], Target] = {}
        for name, unit in (
            ("images", _IMAGES_UNIT),
            ("near_shadow", _NEAR_UNIT),
            ("far_shadow", _FAR_UNIT),
            ("overhead_depth", _OVERHEAD_UNIT),
        ):
            set_uniform(self._surface, name, unit)
        set_uniform(self._cutout, "images", _IMAGES_UNIT)

    @property
    def gl_renderer(self) -> str:
        """GL_RENDERER: what draws."""
        return self.context.renderer

    @property
    def software(self) -> bool:
        """Whether the CPU draws."""
        return self.context.software

    def prepare(self, models: Iterable[str]) -> None:
        """Upload models in one go: cheaper than one by one as scenes bring them up."""
        self._models.require(models)

    def render(self, scene: Scene, pose: CameraPose, camera: Camera | None = None) -> Rendered:
        """Draw the scene as the camera (the renderer's own unless another is given) sees it from ``pose``."""
        k = self._supersampling
        fine = _magnified(camera or self.camera, k)
        target = self._draw(scene.world, scene.placements, scene.weather, pose, fine, sky=True)
        class_ids, instance_ids = target.read_ids()
        image, depth_m = target.read_colour(), target.read_depth()
        if k > 1:
            image = np.asarray(cv2.resize(image, (fine.width // k, fine.height // k), interpolation=cv2.INTER_AREA))
            # Ids and depth never mix: they are those of one sample a pixel.
            class_ids, instance_ids, depth_m = (
                np.ascontiguousarray(a[k // 2 :: k, k // 2 :: k]) for a in (class_ids, instance_ids, depth_m)
            )
        return Rendered(np.ascontiguousarray(image[..., :3]), class_ids, instance_ids, depth_m)

    def render_object(self, placement: Placement, weather: Weather, pose: CameraPose, camera: Camera) -> np.ndarray:
        """RGBA uint8 [H, W, 4] of one placement before nothing; black with alpha 0 where it is not, else alpha 255."""
        return self._draw(None, (placement,), weather, pose, camera, sky=False).read_colour()

    def close(self) -> None:
        """Release the context and all that lives in it; rendering afterwards is an error."""
        self._models.release()
        self._worlds.release()
        for depth_map in self._maps.values():
            depth_map.release()
        for target in self._targets.values():
            target.release()
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
        set_uniform(self._surface, "wet", weather.wet)
        set_uniform(self._surface, "shadows", weather.shadows)
        set_uniform(self._surface, "clip", clip)
        planes = clip_planes(clip)
        for spec, unit in ((NEAR, _NEAR_UNIT), (FAR, _FAR_UNIT), (OVERHEAD, _OVERHEAD_UNIT)):
            self._maps[spec].texture.use(unit)
        self._draw_models(batch.seen_from(planes, eye, camera.focal_px), Pass.SURFACE)
        if stored is not None:
            stored.textures.use(_IMAGES_UNIT)
            stored.pool.draw(stored.all.visible(planes, eye), Pass.SURFACE)
        if sky:
            self._set_weather(self._sky, weather, eye)
            set_uniform(self._sky, "cloud", weather.cloud)
            set_uniform(self._sky, "unproject", np.linalg.inv(clip))
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
        alone = None if world is not None or not len(batch) else batch.centre(0)
        overhead = overhead_clip(OVERHEAD, alone if alone is not None else centre_ahead(OVERHEAD, eye, heading))
        set_uniform(self._surface, "overhead", overhead)
        set_uniform(self._surface, "overhead_step", 0.55 / OVERHEAD.width_m)
        self._draw_map(OVERHEAD, overhead, None, batch)
        if not weather.shadows:
            return
        near = sun_clip(NEAR, alone if alone is not None else centre_ahead(NEAR, eye, heading), sun)
        self._draw_map(NEAR, near, stored, batch)
        set_uniform(self._surface, "near_light", near)
        set_uniform(self._surface, "near_texel", 0.8 / NEAR.texels)
        if world is None:
            return
        wanted = _FarShadow(world.key, tuple(centre_ahead(FAR, eye, heading)), tuple(sun), batch)
        far = sun_clip(FAR, np.array(wanted.centre), sun)
        if self._far_drawn is None or wanted.differs(self._far_drawn):
            self._draw_map(FAR, far, stored, batch)
            self._far_drawn = wanted
        set_uniform(self._surface, "far_light", far)
        set_uniform(self._surface, "far_texel", 0.6 / FAR.texels)

    def _draw_map(self, spec: MapSpec, clip: np.ndarray, stored: StoredWorld | None, batch: InstanceBatch) -> None:
        depth_map = self._maps[spec]
        depth_map.frame.use()
        depth_map.frame.clear(depth=1.0)
        set_uniform(self._solid, "clip", clip)
        set_uniform(self._cutout, "clip", clip)
        planes = clip_planes(clip)
        solid, cutout = batch.cast_into(planes, 1 / spec.texel_m)
        self._draw_models(solid, Pass.SOLID_DEPTH)
        self._draw_models(cutout, Pass.CUTOUT_DEPTH)
        if stored is not None:
            stored.pool.draw(stored.solid.visible(planes), Pass.SOLID_DEPTH)
            stored.textures.use(_IMAGES_UNIT)
            stored.pool.draw(stored.cutout.visible(planes), Pass.CUTOUT_DEPTH)

    def _draw_models(self, commands: np.ndarray, drawn_by: Pass) -> None:
        if len(commands):
            self._models.textures.use(_IMAGES_UNIT)
            self._models.pool.draw(commands, drawn_by)

    def _set_weather(self, program: moderngl.Program, weather: Weather, eye: np.ndarray) -> None:
        set_uniform(program, "eye", tuple(eye))
        set_uniform(program, "sun_direction", weather.sun_direction)
        set_uniform(program, "sun_colour", weather.sun_colour)
        for name in ("zenith", "horizon", "ground", "fog_per_m"):
            set_uniform(program, name, getattr(weather, name))
        share = (weather.cloud - _OVERCAST_FROM) / (_OVERCAST_FULL - _OVERCAST_FROM)
        set_uniform(program, "overcast", float(np.clip(share, 0.0, 1.0)))

    def _target(self, camera: Camera) -> Target:
        size = (camera.width, camera.height)
        if size not in self._targets:
            self._targets[size] = Target(self._gl, *size)
        return self._targets[size]


@dataclass(frozen=True)
class _FarShadow:
    """What the far shadow map shows."""

    world_key: str
    centre: tuple[float, ...]
    sun: tuple[float, ...]
    batch: InstanceBatch

    def differs(self, other: _FarShadow) -> bool:
        """Whether the other map would look clearly different."""
        if (self.world_key, self.centre, self.sun) != (other.world_key, other.centre, other.sun):
            return True
        return self.batch.moved_more_than(other.batch, _FAR_STALE_M)


def _magnified(camera: Camera, factor: int) -> Camera:
    return Camera(camera.width * factor, camera.height * factor, camera.horizontal_fov_rad)
