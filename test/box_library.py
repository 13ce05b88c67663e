"""A model library without files: the catalogue's names and specs, and a plain box for every model."""

from __future__ import annotations

from functools import cache

import numpy as np

from ros_anomaly_sim.street.mesh import VERTEX_FLOATS, Mesh, Model, columns
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.spec import ObjectKind

_SIZES_M = {
    ObjectKind.CAR: (1.9, 4.4, 1.5),
    ObjectKind.PERSON: (0.5, 0.4, 1.75),
    ObjectKind.TREE: (5.0, 5.0, 7.0),
    ObjectKind.HEDGE: (1.4, 1.0, 1.2),
    ObjectKind.STREET_FURNITURE: (0.8, 0.6, 0.9),
    ObjectKind.LAMP: (0.3, 1.5, 6.0),
}
_ANOMALY_SIZE_M = (0.9, 1.4, 1.0)
_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_TRIANGLES = np.array(
    [0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3]
)


class BoxLibrary(ModelLibrary):
    """Every model a box of its kind's size, so that towns are made without the furniture package.

    Boxes are grey; with ``magenta`` those of the reserved anomalies have that colour, which ``toy_engine`` looks for.
    """

    def __init__(self, magenta: bool = False) -> None:
        super().__init__()
        self._magenta = magenta

    @cache  # noqa: B019  a library lives as long as the test session
    def load(self, name: str) -> Model:
        spec = self.spec(name)
        size = _SIZES_M.get(spec.kind, _ANOMALY_SIZE_M)
        corners = _CORNERS[_TRIANGLES] * size
        vertices = np.zeros((len(corners), VERTEX_FLOATS), np.float32)
        vertices[:, columns("position")] = corners
        middle = corners - (0, 0, size[2] / 2)
        vertices[:, columns("normal")] = middle / np.linalg.norm(middle, axis=1, keepdims=True)
        vertices[:, columns("colour")] = 0.5
        if self._magenta and spec.kind is ObjectKind.RESERVED:
            vertices[:, columns("colour")] = (1.0, 0.0, 1.0)
        vertices[:, columns("class_id")] = spec.class_id
        mesh = Mesh(vertices)
        return Model(name, spec.class_id, (mesh, mesh, mesh), (), size, "made up")
