"""Hand-made meshes, so that the renderer is tested without the Debian models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, VERTEX_FLOATS, Mesh, Model, TextureBank, columns
from ros_anomaly_sim.street.scene import StaticWorld

_QUAD = (0, 1, 2, 0, 2, 3)
ROAD, SIDEWALK, CAR = 7, 8, 10


def quad(corners: np.ndarray, class_id: int, colour=(0.5, 0.5, 0.5), layer: int = 0, paint: float = 0.0) -> np.ndarray:
    """Two triangles [6, VERTEX_FLOATS] of four corners [4, 3]."""
    corners = np.asarray(corners, float)
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    vertices = np.zeros((6, VERTEX_FLOATS), np.float32)
    vertices[:, columns("position")] = corners[list(_QUAD)]
    vertices[:, columns("normal")] = normal / np.linalg.norm(normal)
    vertices[:, columns("uv")] = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])[list(_QUAD)]
    vertices[:, columns("layer")] = layer
    vertices[:, columns("colour")] = colour
    vertices[:, columns("class_id")] = class_id
    vertices[:, columns("paint")] = paint
    return vertices


def box(width: float, length: float, height: float, **surface) -> Mesh:
    """A box on the ground without its bottom."""
    a, b, h = width / 2, length / 2, height
    ring = [(-a, -b), (a, -b), (a, b), (-a, b)]
    sides = [
        quad([(*ring[i], 0), (*ring[(i + 1) % 4], 0), (*ring[(i + 1) % 4], h), (*ring[i], h)], **surface)
        for i in range(4)
    ]
    return Mesh(np.concatenate([*sides, quad([(*p, h) for p in ring], **surface)]))


def load_model(name: str) -> Model:
    """``box``: 2 x 1 x 1 m, painted; ``sieve``: the same, its texture transparent."""
    size = (2.0, 1.0, 1.0)
    if name == "box":
        mesh = box(*size, class_id=CAR, paint=1.0)
        return Model(name, CAR, (mesh, mesh, mesh), (), size, "made by hand")
    if name == "sieve":
        mesh = box(*size, class_id=CAR, layer=0)
        holes = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE, 4), np.uint8)
        return Model(name, CAR, (mesh, mesh, mesh), (holes,), size, "made by hand")
    raise KeyError(name)


def ground_world(key: str = "ground") -> StaticWorld:
    """A road 8 m wide between sidewalks, level and 400 m long."""
    parts = [
        quad([(x0, -50, 0), (x1, -50, 0), (x1, 350, 0), (x0, 350, 0)], class_id)
        for x0, x1, class_id in ((-4, 4, ROAD), (4, 60, SIDEWALK), (-60, -4, SIDEWALK))
    ]
    return StaticWorld(key, Mesh(np.concatenate(parts)), TextureBank())


@pytest.fixture(scope="module")
def renderer() -> Iterator[StreetRenderer]:
    """A renderer, 320 x 180; without EGL the test is skipped with the packages' names."""
    try:
        made = StreetRenderer(Camera(320, 180), load_model, world_capacity=2)
    except MissingEglError as error:
        pytest.skip(str(error))
    with made:
        yield made


@pytest.fixture(scope="session")
def make_world():
    """``ground_world``: worlds by key."""
    return ground_world


@pytest.fixture(scope="session")
def ground() -> StaticWorld:
    """A road between sidewalks."""
    return ground_world()


@pytest.fixture(scope="session")
def box_model() -> Model:
    """The hand-made box."""
    return load_model("box")


@pytest.fixture(scope="session")
def sieve_model() -> Model:
    """The hand-made box with an invisible texture."""
    return load_model("sieve")
