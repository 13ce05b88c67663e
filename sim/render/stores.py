"""What the renderer keeps on the GPU between frames: models, each once, and a few static worlds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import moderngl
import numpy as np

from ros_anomaly_sim.render.geometry import Chunks, VertexPool, VertexRange, instance_row
from ros_anomaly_sim.render.textures import TextureArray
from ros_anomaly_sim.street.mesh import Model, TextureBank
from ros_anomaly_sim.street.scene import StaticWorld

ModelLoader = Callable[[str], Model]


@dataclass(frozen=True)
class StoredModel:
    """Where a model's levels of detail lie in the pool."""

    radius_m: float
    lods: tuple[VertexRange, VertexRange, VertexRange]


class ModelStore:
    """Models by name, loaded when first placed."""

    def __init__(self, gl: moderngl.Context, surface: moderngl.Program, depth: moderngl.Program, load: ModelLoader):
        self.pool = VertexPool(gl, surface, depth)
        self.textures = TextureArray(gl)
        self._bank = TextureBank()
        self._load = load
        self._models: dict[str, StoredModel] = {}

    def require(self, names: Iterable[str]) -> None:
        """Load and upload those that are not here yet."""
        for name in set(names) - self._models.keys():
            model = self._bank.adopt(self._load(name))
            near, middle, far = (self.pool.add(mesh.vertices) for mesh in model.lods)
            self._models[name] = StoredModel(model.radius_m, (near, middle, far))
        self.textures.update(self._bank)

    def __getitem__(self, name: str) -> StoredModel:
        return self._models[name]

    def release(self) -> None:
        """Free everything on the GPU."""
        self.pool.release()
        self.textures.release()


class StoredWorld:
    """One static world on the GPU."""

    def __init__(self, gl: moderngl.Context, surface: moderngl.Program, depth: moderngl.Program, world: StaticWorld):
        self.pool = VertexPool(gl, surface, depth)
        self.pool.add(world.mesh.vertices)
        self.pool.set_instances(np.array([instance_row((0.0, 0.0, 0.0), 1.0, 0.0, -1, 0, None)], np.float32))
        self.chunks = Chunks.of(world.mesh.vertices)
        self.textures = TextureArray(gl)
        self.textures.update(world.textures)

    def release(self) -> None:
        """Free everything on the GPU."""
        self.pool.release()
        self.textures.release()


class WorldStore:
    """The most recently drawn worlds; the oldest is released when there are more than ``capacity``."""

    def __init__(self, gl: moderngl.Context, surface: moderngl.Program, depth: moderngl.Program, capacity: int = 4):
        if capacity < 1:
            raise ValueError(f"world capacity: expected at least 1, found {capacity}")
        self._make = lambda world: StoredWorld(gl, surface, depth, world)
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
