"""Vertices on the GPU, and the instanced multi-draws over them."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np

from ros_anomaly_sim.street.mesh import VERTEX_FIELDS, VERTEX_FLOATS, columns

INSTANCE_FLOATS = 12
_CHUNK_TRIANGLES = 768
_FLOAT_BYTES = 4
_DEPTH_FIELDS = ("position", "uv", "layer")


@dataclass(frozen=True)
class VertexRange:
    """Consecutive vertices of a buffer."""

    first: int
    count: int


def instance_row(
    position: tuple[float, float, float],
    scale: float,
    yaw_rad: float,
    class_id: int,
    instance_id: int,
    paint: tuple[float, float, float] | None,
) -> tuple[float, ...]:
    """The INSTANCE_FLOATS numbers that the vertex shader takes for one placement; class -1 keeps the vertices'."""
    coat = (0.0, 0.0, 0.0, 0.0) if paint is None else (*paint, 1.0)
    return (*position, scale, float(np.cos(yaw_rad)), float(np.sin(yaw_rad)), class_id, instance_id, *coat)


def draw_commands(firsts: np.ndarray, counts: np.ndarray, instances: np.ndarray) -> np.ndarray:
    """DrawArraysIndirect commands, uint32 [n, 5] (moderngl's stride), one instance each."""
    commands = np.zeros((len(firsts), 5), np.uint32)
    commands[:, 0] = counts
    commands[:, 1] = 1
    commands[:, 2] = firsts
    commands[:, 3] = instances
    return commands


class VertexPool:
    """A growing vertex buffer with an instance buffer beside it, drawn by a surface and a depth program."""

    def __init__(self, gl: moderngl.Context, surface: moderngl.Program, depth: moderngl.Program) -> None:
        self._gl = gl
        self._programs = (surface, depth)
        self._used = 0
        self._vertices: moderngl.Buffer | None = None
        self._instances = gl.buffer(reserve=INSTANCE_FLOATS * _FLOAT_BYTES * 512, dynamic=True)
        self._commands = gl.buffer(reserve=20 * 512, dynamic=True)
        self._arrays: list[moderngl.VertexArray] = []

    def add(self, vertices: np.ndarray) -> VertexRange:
        """Upload float32 [n, VERTEX_FLOATS]; the buffer doubles when it is full."""
        if vertices.ndim != 2 or vertices.shape[1] != VERTEX_FLOATS:
            raise ValueError(f"vertices: expected shape [n, {VERTEX_FLOATS}], found {list(vertices.shape)}")
        data = np.ascontiguousarray(vertices, np.float32)
        row = VERTEX_FLOATS * _FLOAT_BYTES
        needed = (self._used + len(data)) * row
        if self._vertices is None or needed > self._vertices.size:
            old = self._vertices
            size = max(needed, 2 * old.size) if old is not None else max(needed, row)
            self._vertices = self._gl.buffer(reserve=size)
            if old is not None:
                self._gl.copy_buffer(self._vertices, old, size=self._used * row)
                old.release()
            self._bind()
        if len(data):
            self._vertices.write(data.tobytes(), offset=self._used * row)
        added = VertexRange(self._used, len(data))
        self._used += len(data)
        return added

    def set_instances(self, rows: np.ndarray) -> None:
        """Instances of the following draws, float32 [n, INSTANCE_FLOATS]."""
        data = np.ascontiguousarray(rows, np.float32)
        if data.nbytes > self._instances.size:
            self._instances.release()
            self._instances = self._gl.buffer(reserve=2 * data.nbytes, dynamic=True)
            self._bind()
        if len(data):
            self._instances.write(data.tobytes())

    def draw(self, commands: np.ndarray, depth_only: bool) -> None:
        """Run ``draw_commands`` in their order."""
        if not len(commands):
            return
        if commands.nbytes > self._commands.size:
            self._commands.release()
            self._commands = self._gl.buffer(reserve=2 * commands.nbytes, dynamic=True)
        self._commands.write(commands.tobytes())
        self._arrays[1 if depth_only else 0].render_indirect(self._commands, moderngl.TRIANGLES, count=len(commands))

    def release(self) -> None:
        """Free the buffers."""
        for thing in (*self._arrays, self._vertices, self._instances, self._commands):
            if thing is not None:
                thing.release()
        self._arrays = []

    def _bind(self) -> None:
        for array in self._arrays:
            array.release()
        if self._vertices is None:
            return
        surface, depth = self._programs
        surface_format = " ".join(f"{count}f" for _, count in VERTEX_FIELDS)
        names = [name for name, _ in VERTEX_FIELDS]
        self._arrays = [
            self._gl.vertex_array(
                surface,
                [
                    (self._vertices, surface_format, *names),
                    (self._instances, "4f 4f 4f/i", "place", "turn", "coat"),
                ],
            ),
            self._gl.vertex_array(
                depth,
                [(self._vertices, _depth_format(), *_DEPTH_FIELDS), (self._instances, "4f 4f 16x/i", "place", "turn")],
            ),
        ]


def _depth_format() -> str:
    parts = []
    for name, count in VERTEX_FIELDS:
        parts.append(f"{count}f" if name in _DEPTH_FIELDS else f"{count * _FLOAT_BYTES}x")
    return " ".join(parts)


@dataclass(frozen=True)
class Chunks:
    """Runs of a static mesh's triangles with their bounding boxes: firsts, counts [n]; low, high [n, 3]."""

    firsts: np.ndarray
    counts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def of(vertices: np.ndarray) -> Chunks:
        """Cut a mesh (whose triangles lie in spatial order) into runs of equal length."""
        firsts = np.arange(0, len(vertices), 3 * _CHUNK_TRIANGLES)
        positions = vertices[:, columns("position")]
        if not len(firsts):
            return Chunks(firsts, firsts, np.zeros((0, 3)), np.zeros((0, 3)))
        counts = np.diff(np.append(firsts, len(vertices)))
        low = np.minimum.reduceat(positions, firsts, axis=0)
        high = np.maximum.reduceat(positions, firsts, axis=0)
        return Chunks(firsts, counts, low.astype(float), high.astype(float))
