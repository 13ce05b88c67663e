"""A tiny world of boxes, so that the renderer is tested without the Debian models."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.mesh import Mesh, Model, TextureBank
from ros_anomaly_sim.street.scene import StaticWorld

_SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1))


def _quad(points: list[tuple[float, float, float]], class_id: int, paint: float) -> np.ndarray:
    p = np.array(points, np.float32)
    normal = np.cross(p[1] - p[0], p[3] - p[0])
    normal /= np.linalg.norm(normal)
    rows = [[*p[i], *normal, *_SQUARE[i], 0, 0.6, 0.6, 0.6, 0.1, class_id, paint] for i in (0, 1, 2, 0, 2, 3)]
    return np.array(rows, np.float32)


def _box(width: float, length: float, height: float, class_id: int) -> np.ndarray:
    a, b, h = width / 2, length / 2, height
    faces = [
        [(-a, -b, 0), (a, -b, 0), (a, -b, h), (-a, -b, h)],
        [(a, b, 0), (-a, b, 0), (-a, b, h), (a, b, h)],
        [(a, -b, 0), (a, b, 0), (a, b, h), (a, -b, h)],
        [(-a, b, 0), (-a, -b, 0), (-a, -b, h), (-a, b, h)],
        [(-a, -b, h), (a, -b, h), (a, b, h), (-a, b, h)],
    ]
    return np.concatenate([_quad(face, class_id, 1.0) for face in faces])


def _load(name: str) -> Model:
    mesh = Mesh(_box(2.0, 4.0, 1.5, StreetClass.CAR))
    return Model(name, int(StreetClass.CAR), (mesh, mesh, mesh), (), (2.0, 4.0, 1.5), "made here")


@pytest.fixture
def load_box() -> Callable[[str], Model]:
    """Loader of a 2 x 4 x 1.5 m box of class CAR, whatever the name."""
    return _load


@pytest.fixture
def plane() -> StaticWorld:
    """A road 12 m wide along +y between sidewalks."""
    strips = [((-60, -6), StreetClass.SIDEWALK), ((-6, 6), StreetClass.ROAD), ((6, 60), StreetClass.SIDEWALK)]
    quads = [
        _quad([(x0, -40, 0), (x1, -40, 0), (x1, 200, 0), (x0, 200, 0)], class_id, 0.0) for (x0, x1), class_id in strips
    ]
    return StaticWorld("plane", Mesh(np.concatenate(quads)), TextureBank())


@pytest.fixture
def renderer() -> Iterator[StreetRenderer]:
    """A small renderer; without EGL the test is skipped with the packages' names."""
    try:
        made = StreetRenderer(Camera(320, 180), _load)
    except MissingEglError as error:
        pytest.skip(str(error))
    with made:
        yield made
