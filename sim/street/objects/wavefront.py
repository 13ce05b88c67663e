"""Wavefront OBJ and MTL files to arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Material:
    """What the renderer uses of an MTL material: sRGB colours 0..1, opacity 0..1, texture file name."""

    name: str
    diffuse: tuple[float, float, float] = (0.7, 0.7, 0.7)
    specular: tuple[float, float, float] = (0.0, 0.0, 0.0)
    opacity: float = 1.0
    texture: str | None = None


@dataclass(frozen=True)
class WavefrontMesh:
    """Triangles of an OBJ file.

    ``positions`` float64 [v, 3]; ``uvs`` [t, 2] and ``normals`` [n, 3] may be empty. ``corners`` int64
    [triangles, 3, 3] holds position, uv and normal index of each corner, -1 where it has none.
    ``polygon`` int64 [triangles] numbers the face a triangle was cut from, ``material`` indexes ``materials``.
    """

    positions: np.ndarray
    uvs: np.ndarray
    normals: np.ndarray
    corners: np.ndarray
    polygon: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]


@dataclass
class _Lines:
    positions: list[bytes] = field(default_factory=list)
    uvs: list[bytes] = field(default_factory=list)
    normals: list[bytes] = field(default_factory=list)
    faces: list[bytes] = field(default_factory=list)
    face_counts: list[tuple[int, int, int]] = field(default_factory=list)
    material_starts: list[tuple[int, str]] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)


def read_wavefront(text: bytes, read_file: Callable[[str], bytes | None]) -> WavefrontMesh:
    """Parse an OBJ file; ``read_file`` gives the MTL files it names.

    Raises:
        ValueError: no face, or a face points to a vertex that does not exist.
    """
    lines = _sort_lines(text)
    if not lines.faces or not lines.positions:
        raise ValueError(f"OBJ without geometry: {len(lines.positions)} vertices, {len(lines.faces)} faces")
    positions, uvs, normals = _numbers(lines.positions, 3), _numbers(lines.uvs, 2), _numbers(lines.normals, 3)
    indices, sizes = _face_indices(lines, (len(positions), len(uvs), len(normals)))
    for column, count in enumerate((len(positions), len(uvs), len(normals))):
        if indices[:, column].max() >= count:
            raise ValueError(f"OBJ face points to vertex {indices[:, column].max() + 1} of {count}")
    corners, polygon = _triangulate(indices, sizes)
    materials, face_material = _materials(lines, read_file)
    return WavefrontMesh(positions, uvs, normals, corners, polygon, face_material[polygon], materials)


def _sort_lines(text: bytes) -> _Lines:
    lines = _Lines()
    for line in text.splitlines():
        head, _, rest = line.strip().partition(b" ")
        if head == b"v":
            lines.positions.append(rest)
        elif head == b"vt":
            lines.uvs.append(rest)
        elif head == b"vn":
            lines.normals.append(rest)
        elif head == b"f":
            lines.faces.append(rest)
            lines.face_counts.append((len(lines.positions), len(lines.uvs), len(lines.normals)))
        elif head == b"usemtl":
            lines.material_starts.append((len(lines.faces), rest.decode("latin1").strip()))
        elif head == b"mtllib":
            lines.libraries.append(rest.decode("latin1").strip())
    return lines


def _numbers(rows: list[bytes], columns: int) -> np.ndarray:
    """float64 [rows, columns] of the first ``columns`` numbers of each row."""
    if not rows:
        return np.zeros((0, columns))
    width = len(rows[0].split())
    values = np.array(b" ".join(rows).split(), dtype=np.float64) if width else np.zeros(0)
    if values.size == width * len(rows) and width >= columns:
        return values.reshape(len(rows), width)[:, :columns]
    padded = np.zeros((len(rows), columns))
    for i, row in enumerate(rows):
        found = [float(x) for x in row.split()[:columns]]
        padded[i, : len(found)] = found
    return padded


def _face_indices(lines: _Lines, counts: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Zero-based int64 [corners, 3] (-1: none) and int64 [faces] corners of each face."""
    sizes = np.array([len(face.split()) for face in lines.faces], np.int64)
    raw = np.zeros((int(sizes.sum()), 3), np.int64)
    for columns, faces in _faces_by_format(lines.faces, sizes).items():
        text = b" ".join(lines.faces[i] for i in faces)
        chosen = np.zeros(len(sizes), bool)
        chosen[faces] = True
        rows = np.flatnonzero(np.repeat(chosen, sizes))
        if columns is None:
            raw[rows] = [_corner(token) for token in text.split()]
        else:
            flat = np.array(text.replace(b"/", b" ").split(), dtype=np.int64)
            raw[rows[:, None], np.array(columns)] = flat.reshape(len(rows), len(columns))
    if (raw < 0).any():
        # Negative indices count back from the vertices read so far.
        seen = np.repeat(np.array(lines.face_counts, np.int64), sizes, axis=0)
        raw = np.where(raw < 0, raw + seen + 1, raw)
    indices = raw - 1
    for column in (1, 2):
        if counts[column] == 0:
            indices[:, column] = -1
    return indices, sizes


def _faces_by_format(faces: list[bytes], sizes: np.ndarray) -> dict[tuple[int, ...] | None, list[int]]:
    """Faces by the columns that their corners name; None for those whose corners differ in format."""
    groups: dict[tuple[int, ...] | None, list[int]] = {}
    for i, (face, size) in enumerate(zip(faces, sizes.tolist(), strict=True)):
        slashes, double = face.count(b"/"), face.count(b"//")
        columns: tuple[int, ...] | None = None
        if slashes == 0:
            columns = (0,)
        elif slashes == size and not double:
            columns = (0, 1)
        elif slashes == 2 * size and double in (0, size):
            columns = (0, 2) if double else (0, 1, 2)
        if b"/ " in face or face.endswith(b"/"):
            columns = None
        groups.setdefault(columns, []).append(i)
    return groups


def _corner(token: bytes) -> tuple[int, int, int]:
    parts = [int(p) if p else 0 for p in token.split(b"/")] + [0, 0]
    return parts[0], parts[1], parts[2]


def _triangulate(indices: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fans of the faces: corners [triangles, 3, 3] and the face of each triangle."""
    per_face = np.maximum(sizes - 2, 0)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    polygon = np.repeat(np.arange(len(sizes)), per_face)
    first = np.concatenate([[0], np.cumsum(per_face)[:-1]])
    step = np.arange(len(polygon)) - first[polygon]
    base = starts[polygon]
    return indices[np.stack([base, base + step + 1, base + step + 2], axis=1)], polygon


def _materials(lines: _Lines, read_file: Callable[[str], bytes | None]) -> tuple[tuple[Material, ...], np.ndarray]:
    known: dict[str, Material] = {}
    for name in lines.libraries:
        content = read_file(name)
        if content is not None:
            known.update(read_materials(content.decode("latin1")))
    names: dict[str, int] = {}
    face_material = np.zeros(len(lines.faces), np.int64)
    starts = [(0, ""), *lines.material_starts]
    for i, (start, name) in enumerate(starts):
        stop = starts[i + 1][0] if i + 1 < len(starts) else len(lines.faces)
        if stop > start:
            face_material[start:stop] = names.setdefault(name, len(names))
    return tuple(known.get(name, Material(name)) for name in names), face_material


def read_materials(text: str) -> dict[str, Material]:
    """Materials of an MTL file by name."""
    materials: dict[str, Material] = {}
    current: Material | None = None
    for line in text.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        values = rest.split()
        if keyword == "newmtl":
            current = materials[rest] = Material(rest)
        elif current is None or not values:
            continue
        elif keyword == "Kd":
            current.diffuse = (float(values[0]), float(values[1]), float(values[2]))
        elif keyword == "Ks":
            current.specular = (float(values[0]), float(values[1]), float(values[2]))
        elif keyword == "d":
            current.opacity = float(values[-1])
        elif keyword == "map_Kd":
            current.texture = values[-1] if rest.startswith("-") else rest
    return materials
