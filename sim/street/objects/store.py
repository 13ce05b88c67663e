"""Processed models on disk: one compact file a model, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, VERTEX_FLOATS, Mesh, Model
from ros_anomaly_sim.street.objects.spec import ObjectSpec

FORMAT_VERSION = 5
CACHE_VARIABLE = "ROS_ANOMALY_CACHE"
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error)


def cache_directory() -> Path:
    """Folder of processed models: ``$ROS_ANOMALY_CACHE/models``, or ``~/.cache/ros_anomaly/models``."""
    base = os.environ.get(CACHE_VARIABLE)
    return (Path(base) if base else Path.home() / ".cache" / "ros_anomaly") / "models"


class ModelStore:
    """Reads and writes processed models below ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, spec: ObjectSpec, source: str) -> Path:
        """File of a model: its name tells apart versions of the format, the source file and the spec."""
        key = f"{FORMAT_VERSION}|{source}|{spec!r}"
        return self.directory / f"{spec.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"

    def read(self, spec: ObjectSpec, source: str) -> Model | None:
        """The stored model; None where there is none, or what is there cannot be read."""
        try:
            with np.load(self.path(spec, source), allow_pickle=False) as data:
                return _unpack(spec, data)
        except _UNREADABLE:
            # Absent, cut short or damaged: whatever it is, the model is built anew from its source.
            return None

    def write(self, model: Model, spec: ObjectSpec, source: str) -> None:
        """Store a model under its final name only once it is complete."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.path(spec, source)
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=f".{spec.name}-", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, allow_pickle=False, **_pack(model))
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _pack(model: Model) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for level, mesh in enumerate(model.lods):
        # Corners repeat from triangle to triangle, so rows and their indices take a third of the room.
        rows = np.ascontiguousarray(mesh.vertices, np.float32)
        packed = rows.view(f"V{rows.itemsize * VERTEX_FLOATS}")
        _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
        arrays[f"rows{level}"] = rows[first]
        arrays[f"index{level}"] = inverse.ravel().astype(np.uint32)
    for i, texture in enumerate(model.textures):
        arrays[f"texture{i}"] = np.frombuffer(zlib.compress(texture.tobytes(), 3), np.uint8)
    head = {"textures": len(model.textures), "size_m": model.size_m, "credit": model.credit}
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    return arrays


def _unpack(spec: ObjectSpec, data: np.lib.npyio.NpzFile) -> Model:
    head = json.loads(data["head"].tobytes())
    meshes = [Mesh(data[f"rows{level}"][data[f"index{level}"]]) for level in range(3)]
    shape = (TEXTURE_SIZE, TEXTURE_SIZE, 4)
    textures = tuple(
        np.frombuffer(zlib.decompress(data[f"texture{i}"].tobytes()), np.uint8).reshape(shape)
        for i in range(head["textures"])
    )
    near, middle, far = meshes
    width, depth, height = head["size_m"]
    return Model(spec.name, spec.class_id, (near, middle, far), textures, (width, depth, height), head["credit"])
