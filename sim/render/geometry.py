"""Vertices on the GPU, and the instanced multi-draws over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import moderngl
import numpy as np

from ros_anomaly_sim.render.matrices import boxes_inside
from ros_anomaly_sim.street.mesh import VERTEX_FIELDS, VERTEX_FLOATS, columns

INSTANCE_FLOATS = 12
_CHUNK_TRIANGLES = 768
_FLOAT_BYTES = 4
_INSTANCE = (("place", 4), ("turn", 4), ("coat", 4))


class Pass(Enum):
    """What a draw is for: the image, or depth of opaque or of cut-out triangles."""

    SURFACE = "surface"
    SOLID_DEPTH = "solid depth"
    CUTOUT_DEPTH = "cutout depth"


Programs = Mapping[Pass, moderngl.Program]


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
    """A growing vertex buffer with an instance buffer beside it, drawn by any of the programs."""

    def __init__(self, gl: moderngl.Context, programs: Programs) -> None:
        self._gl = gl
        self._programs = programs
        self._used = 0
        self._vertices: moderngl.Buffer | None = None
        self._instances = gl.buffer(reserve=INSTANCE_FLOATS * _FLOAT_BYTES * 512, dynamic=True)
        self._commands = gl.buffer(reserve=20 * 512, dynamic=True)
        self._arrays: dict[Pass, moderngl.VertexArray] = {}

    def add(self, vertices: np.ndarray) -> int:
        """Upload float32 [n, VERTEX_FLOATS] and give the first one's index; the buffer doubles when it is full."""
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
        self._used += len(data)
        return self._used - len(data)

    def set_instances(self, rows: np.ndarray) -> None:
        """Instances of the following draws, float32 [n, INSTANCE_FLOATS]."""
        data = np.ascontiguousarray(rows, np.float32)
        if data.nbytes > self._instances.size:
            self._instances.release()
            self._instances = self._gl.buffer(reserve=2 * data.nbytes, dynamic=True)
            self._bind()
        if len(data):
            self._instances.write(data.tobytes())

    def draw(self, commands: np.ndarray, drawn_by: Pass) -> None:
        """Run ``draw_commands`` in their order."""
        if not len(commands):
            return
        if commands.nbytes > self._commands.size:
            self._commands.release()
            self._commands = self._gl.buffer(reserve=2 * commands.nbytes, dynamic=True)
        self._commands.write(commands.tobytes())
        self._arrays[drawn_by].render_indirect(self._commands, moderngl.TRIANGLES, count=len(commands))

    def release(self) -> None:
        """Free the buffers."""
        for thing in (*self._arrays.values(), self._vertices, self._instances, self._commands):
            if thing is not None:
                thing.release()
        self._arrays = {}

    def _bind(self) -> None:
        for array in self._arrays.values():
            array.release()
        if self._vertices is None:
            return
        self._arrays = {
            key: self._gl.vertex_array(
                program,
                [
                    _source(program, self._vertices, VERTEX_FIELDS, ""),
                    _source(program, self._instances, _INSTANCE, "/i"),
                ],
            )
            for key, program in self._programs.items()
        }


def _source(
    program: moderngl.Program, buffer: moderngl.Buffer, fields: tuple[tuple[str, int], ...], rate: str
) -> tuple[moderngl.Buffer | str, ...]:
    """Buffer, format and names for a vertex array: fields that the program does not read are skipped."""
    read = [name for name, _ in fields if name in program]
    parts = [f"{count}f" if name in read else f"{count * _FLOAT_BYTES}x" for name, count in fields]
    return (buffer, " ".join(parts) + rate, *read)


def solid_first(vertices: np.ndarray, solid_layers: np.ndarray) -> tuple[np.ndarray, int]:
    """Triangles, those of ``solid_layers`` (bool [layers]) first, and how many vertices these are."""
    layers = vertices[::3, columns("layer").start].astype(int)
    solid = np.repeat(solid_layers[layers], 3)
    return np.concatenate([vertices[solid], vertices[~solid]]), int(solid.sum())


@dataclass(frozen=True)
class Chunks:
    """Runs of a mesh's triangles with their bounding boxes: firsts, counts [n]; low, high [n, 3]."""

    firsts: np.ndarray
    counts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def of(vertices: np.ndarray, offset: int = 0) -> Chunks:
        """Cut triangles in spatial order, which lie at ``offset`` of a buffer, into runs of equal length."""
        firsts = np.arange(0, len(vertices), 3 * _CHUNK_TRIANGLES)
        positions = vertices[:, columns("position")]
        if not len(firsts):
            return Chunks(firsts, firsts, np.zeros((0, 3)), np.zeros((0, 3)))
        counts = np.diff(np.append(firsts, len(vertices)))
        low = np.minimum.reduceat(positions, firsts, axis=0)
        high = np.maximum.reduceat(positions, firsts, axis=0)
        return Chunks(firsts + offset, counts, low.astype(float), high.astype(float))

    def visible(self, planes: np.ndarray, eye: np.ndarray | None = None) -> np.ndarray:
        """Draw commands of the runs inside the clip planes, nearest to ``eye`` first where it is given."""
        drawn = np.flatnonzero(boxes_inside(planes, self.low, self.high))
        if eye is not None:
            nearest = np.clip(eye, self.low[drawn], self.high[drawn])
            drawn = drawn[np.argsort(((nearest - eye) ** 2).sum(1), kind="stable")]
        return draw_commands(self.firsts[drawn], self.counts[drawn], np.zeros(len(drawn)))

    def joined(self, other: Chunks) -> Chunks:
        """Both sets of runs."""
        return Chunks(
            np.concatenate([self.firsts, other.firsts]),
            np.concatenate([self.counts, other.counts]),
            np.concatenate([self.low, other.low]),
            np.concatenate([self.high, other.high]),
        )
