"""What the renderer keeps on the GPU between frames: models, each once, and a few static worlds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import moderngl
import numpy as np

from ros_anomaly_sim.render.geometry import Chunks, Programs, VertexPool, instance_row, solid_first
from ros_anomaly_sim.render.textures import TextureArray
from ros_anomaly_sim.street.mesh import Mesh, Model, TextureBank, columns
from ros_anomaly_sim.street.scene import StaticWorld

ModelLoader = Callable[[str], Model]

_CASTER_HEIGHT_M = 0.3
"""Lower triangles of a static world are ground: they cast no shadow worth drawing, and would fill the depth maps."""


@dataclass(frozen=True)
class StoredModel:
    """Where a model's levels of detail lie in the pool: first vertex, vertices, and how many of them are opaque."""

    radius_m: float
    firsts: tuple[int, ...]
    counts: tuple[int, ...]
    solid_counts: tuple[int, ...]


class ModelStore:
    """Models by name, loaded when first placed."""

    def __init__(self, gl: moderngl.Context, programs: Programs, load: ModelLoader):
        self.pool = VertexPool(gl, programs)
        self.textures = TextureArray(gl)
        self._bank = TextureBank()
        self._load = load
        self._models: dict[str, StoredModel] = {}
        self._solid_layers = np.zeros(0, bool)

    def require(self, names: Iterable[str]) -> None:
        """Load and upload those that are not here yet."""
        for name in set(names) - self._models.keys():
            model = self._bank.adopt(self._load(name))
            self._solid_layers = _solid_layers(self._bank, self._solid_layers)
            self._models[name] = self._upload(model)
        self.textures.update(self._bank)

    def _upload(self, model: Model) -> StoredModel:
        parts = [solid_first(mesh.vertices, self._solid_layers) for mesh in model.lods]
        firsts = tuple(self.pool.add(vertices) for vertices, _ in parts)
        counts = tuple(len(vertices) for vertices, _ in parts)
        return StoredModel(model.radius_m, firsts, counts, tuple(solid for _, solid in parts))

    def __getitem__(self, name: str) -> StoredModel:
        return self._models[name]

    def release(self) -> None:
        """Free everything on the GPU."""
        self.pool.release()
        self.textures.release()


class StoredWorld:
    """One static world on the GPU, in runs of triangles: ``all``; ``solid`` and ``cutout`` cast shadows."""

    def __init__(self, gl: moderngl.Context, programs: Programs, world: StaticWorld):
        self.pool = VertexPool(gl, programs)
        self.pool.set_instances(np.array([instance_row((0.0, 0.0, 0.0), 1.0, 0.0, -1, 0, None)], np.float32))
        ground, solid, cutout = _split(world.mesh, _solid_layers(world.textures, np.zeros(0, bool)))
        floor, self.solid, self.cutout = (Chunks.of(part, self.pool.add(part)) for part in (ground, solid, cutout))
        self.all = floor.joined(self.solid).joined(self.cutout)
        self.textures = TextureArray(gl)
        self.textures.update(world.textures)

    def release(self) -> None:
        """Free everything on the GPU."""
        self.pool.release()
        self.textures.release()


def _split(mesh: Mesh, solid_layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices of the ground, of opaque triangles and of those whose texture has holes, each in the mesh's order."""
    height = mesh.vertices[:, columns("position").start + 2].reshape(-1, 3).max(1)
    on_ground = np.repeat(height < _CASTER_HEIGHT_M, 3)
    casters, solid = solid_first(mesh.vertices[~on_ground], solid_layers)
    return mesh.vertices[on_ground], casters[:solid], casters[solid:]


def _solid_layers(bank: TextureBank, known: np.ndarray) -> np.ndarray:
    """Bool [layers]: textures without transparent texels; ``known`` holds the first ones' answers."""
    fresh = [bool((image[..., 3] >= 128).all()) for image in bank.images[len(known) :]]
    return np.concatenate([known, np.array(fresh, bool)])


class WorldStore:
    """The most recently drawn worlds; the oldest is released when there are more than ``capacity``."""

    def __init__(self, gl: moderngl.Context, programs: Programs, capacity: int = 4):
        if capacity < 1:
            raise ValueError(f"world capacity: expected at least 1, found {capacity}")
        self._make = lambda world: StoredWorld(gl, programs, world)
        self._capacity = capacity
        self._worlds: OrderedDict[str, StoredWorld] = OrderedDict()

    def __len__(self) -> int:
        return len(self._worlds)

    def require(self, world: StaticWorld) -> StoredWorld:
        """The world on the GPU, uploaded if its key is new."""
        stored = self._worlds.get(world.key)
        if stored is None:
            stored = self._worlds[world.key] = self._make(world)
            while len(self._worlds) > self._capacity:
                self._worlds.popitem(last=False)[1].release()
        self._worlds.move_to_end(world.key)
        return stored

    def release(self) -> None:
        """Free all worlds."""
        while self._worlds:
            self._worlds.popitem()[1].release()
