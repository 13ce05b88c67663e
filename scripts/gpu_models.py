"""Object models small enough to be carried to a machine that can download nothing.

    gpu_models.py pack FILE                     from this machine's model cache
    gpu_models.py unpack FILE CACHE FURNITURE   what ROS_ANOMALY_CACHE and SWEETHOME3D_FURNITURE then point to

The cache holds 244 MB; the pack is less than a tenth of it. It is lossy, by less than a camera sees: positions to half
a millimetre (or 1/65535 of the object), normals to half a degree, colours to 8 bits, opaque textures as WebP of quality
90. Frames rendered from it are therefore not bit for bit those of the original models.
"""

from __future__ import annotations

import io
import json
import lzma
import sys
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly_sim.street.mesh import Mesh, Model, columns
from ros_anomaly_sim.street.objects.furniture import furniture_directory
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.store import ModelStore
from ros_anomaly_sim.street.objects.table import OBJECTS

FORMAT = "ros_anomaly-models-1"
CATALOGUE = "PluginFurnitureCatalog.properties"
POSITION_STEP_M = 0.0005
UV_STEP = 1 / 2048
WEBP_QUALITY = 90
_NO_OBJ_FILE = "absent"  # the identity of a catalogue entry whose archive holds nothing but the catalogue
_UNIT_FIELDS = ("colour", "gloss", "paint")  # 0..1
_WHOLE_FIELDS = ("layer", "class_id")  # 0..255


class PackError(ValueError):
    """A file is no pack of models, or a model cannot be packed."""


@dataclass(frozen=True)
class _Steps:
    """Whole numbers up to 65535 for a column of floats."""

    low: float
    step: float

    @classmethod
    def of(cls, values: np.ndarray, finest: float) -> _Steps:
        low, high = float(values.min()), float(values.max())
        return cls(low, max(finest, (high - low) / 65535))

    def encode(self, values: np.ndarray) -> np.ndarray:
        return np.clip(np.round((values.astype(np.float64) - self.low) / self.step), 0, 65535).astype(np.uint16)

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        return (numbers * self.step + self.low).astype(np.float32)


def encode(models: Sequence[Model], catalogues: dict[str, bytes]) -> bytes:
    """The pack of some models and of the catalogues (file name → text) that name them.

    Raises:
        PackError: a column has values that its packed form has no room for.
    """
    entries, streams = [], {"index": bytearray(), "columns": bytearray(), "textures": bytearray()}
    for model in models:
        textures = [_encode_texture(texture) for texture in model.textures]
        streams["textures"] += b"".join(textures)
        entries.append(
            {
                "name": model.name,
                "class_id": model.class_id,
                "size_m": model.size_m,
                "credit": model.credit,
                "textures": [len(texture) for texture in textures],
                "lods": [_encode_mesh(model.name, mesh, streams) for mesh in model.lods],
            }
        )
    head = {"format": FORMAT, "models": entries, "catalogues": {n: t.decode("latin1") for n, t in catalogues.items()}}
    arrays = {name: np.frombuffer(bytes(stream), np.uint8) for name, stream in streams.items()}
    buffer = io.BytesIO()
    np.savez(buffer, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    return lzma.compress(buffer.getvalue(), preset=6)


def decode(pack: bytes) -> tuple[list[Model], dict[str, bytes]]:
    """Models and catalogues of a pack. PackError where it is none."""
    try:
        with np.load(io.BytesIO(lzma.decompress(pack)), allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            streams = {name: arrays[name] for name in ("index", "columns", "textures")}
    except (lzma.LZMAError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise PackError(f"expected a pack of models, found something else ({error})") from error
    if head.get("format") != FORMAT:
        raise PackError(f"expected a pack of format {FORMAT}, found {head.get('format')}")
    at = dict.fromkeys(streams, 0)

    def take(stream: str, count: int) -> np.ndarray:
        at[stream] += count
        return streams[stream][at[stream] - count : at[stream]]

    models = []
    for entry in head["models"]:
        textures = tuple(_decode_texture(take("textures", size)) for size in entry["textures"])
        near, middle, far = (_decode_mesh(lod, take) for lod in entry["lods"])
        width, depth, height = entry["size_m"]
        size = (width, depth, height)
        models.append(Model(entry["name"], entry["class_id"], (near, middle, far), textures, size, entry["credit"]))
    return models, {name: text.encode("latin1") for name, text in head["catalogues"].items()}


def _encode_mesh(name: str, mesh: Mesh, streams: dict[str, bytearray]) -> dict:
    vertices = mesh.vertices
    steps = [_Steps.of(vertices[:, c], POSITION_STEP_M) for c in _numbers("position")]
    steps += [_Steps.of(vertices[:, c], UV_STEP) for c in _numbers("uv")]
    coded = [s.encode(vertices[:, c]) for s, c in zip(steps, _numbers("position") + _numbers("uv"), strict=True)]
    coded += [(np.round(vertices[:, c] * 127).astype(np.int8)).view(np.uint8) for c in _numbers("normal")]
    for field in _UNIT_FIELDS:
        coded += [_bytes(name, field, vertices[:, c] * 255) for c in _numbers(field)]
    for field in _WHOLE_FIELDS:
        coded += [_bytes(name, field, vertices[:, c]) for c in _numbers(field)]
    table = np.stack([column.astype(np.uint16) for column in coded], axis=1)
    # Corners that are equal share a row. Rows stand in the order of their first use, so that an index is mostly the
    # next new row or one of the last: small numbers, as differences of neighbouring rows are.
    packed = np.ascontiguousarray(table).view(f"V{table.shape[1] * 2}").ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    index, rows = rank[inverse.ravel()], table[first[order]]
    newest = np.maximum.accumulate(np.concatenate([[-1], index[:-1]]))
    streams["index"] += _planes((newest + 1 - index).astype(np.uint32))
    for column in np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint16)).T:
        streams["columns"] += _planes(np.ascontiguousarray(column))
    return {"corners": len(vertices), "rows": len(rows), "steps": [(s.low, s.step) for s in steps]}


def _decode_mesh(lod: dict, take) -> Mesh:
    corners, rows = lod["corners"], lod["rows"]
    steps = [_Steps(low, step) for low, step in lod["steps"]]
    back = _from_planes(take("index", 4 * corners), np.uint32).astype(np.int64)
    # The newest row before a corner is one less than the number of corners so far that brought a new one.
    fresh = np.concatenate([[0], np.cumsum(back == 0)[:-1]])
    index = fresh - back
    fields = ["position", "uv", "normal", *_UNIT_FIELDS, *_WHOLE_FIELDS]
    wanted = [c for field in fields for c in _numbers(field)]
    vertices = np.empty((rows, len(wanted)), np.float32)
    for place, column in enumerate(wanted):
        numbers = np.cumsum(_from_planes(take("columns", 2 * rows), np.uint16), dtype=np.uint16)
        if place < len(steps):
            vertices[:, column] = steps[place].decode(numbers)
        elif column in _numbers("normal"):
            vertices[:, column] = numbers.astype(np.uint8).view(np.int8) / np.float32(127)
        elif any(column in _numbers(field) for field in _UNIT_FIELDS):
            vertices[:, column] = numbers / np.float32(255)
        else:
            vertices[:, column] = numbers
    return Mesh(vertices[index])


def _numbers(field: str) -> list[int]:
    """The columns of a vertex field."""
    place = columns(field)
    return list(range(place.start, place.stop))


def _bytes(name: str, field: str, values: np.ndarray) -> np.ndarray:
    rounded = np.round(values)
    if len(rounded) and not 0 <= rounded.min() <= rounded.max() <= 255:
        raise PackError(f"model {name}, {field}: expected 0 to 255, found {rounded.min()} to {rounded.max()}")
    return rounded.astype(np.uint8)


def _planes(numbers: np.ndarray) -> bytes:
    """All lowest bytes, then all second ones, ...: each plane compresses for itself."""
    return numbers.astype(numbers.dtype.newbyteorder("<")).view(np.uint8).reshape(len(numbers), -1).T.tobytes()


def _from_planes(data: np.ndarray, dtype: type) -> np.ndarray:
    size = np.dtype(dtype).itemsize
    return np.ascontiguousarray(data.reshape(size, -1).T).view(np.dtype(dtype).newbyteorder("<")).ravel()


def _encode_texture(texture: np.ndarray) -> bytes:
    # WebP does not keep colours where alpha is 0, and filtering mixes these into the edges of leaves.
    opaque = bool((texture[..., 3] == 255).all())
    if opaque:
        kind, options = ".webp", [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
        pixels = cv2.cvtColor(texture, cv2.COLOR_RGBA2BGR)
    else:
        kind, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 9]
        pixels = cv2.cvtColor(texture, cv2.COLOR_RGBA2BGRA)
    done, data = cv2.imencode(kind, pixels, options)
    if not done:
        raise PackError(f"a texture could not be written as {kind}")
    return data.tobytes()


def _decode_texture(data: np.ndarray) -> np.ndarray:
    pixels = cv2.imdecode(np.ascontiguousarray(data), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise PackError("expected a texture, found something unreadable")
    how = cv2.COLOR_BGR2RGBA if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(pixels, how)


def pack(path: Path, library: ModelLibrary | None = None, names: Sequence[str] | None = None) -> None:
    """Write the models of ``names`` (default: all) and the catalogues of this machine's furniture libraries."""
    library = library or ModelLibrary()
    catalogues = {}
    for archive in sorted(furniture_directory().glob("*.sh3f")):
        with zipfile.ZipFile(archive) as file:
            catalogues[archive.name] = file.read(CATALOGUE)
    path.write_bytes(encode([library.load(name) for name in names or OBJECTS], catalogues))


def unpack(path: Path, cache: Path, furniture: Path, workers: int = 8) -> int:
    """Fill a cache, and a folder of furniture libraries that hold their catalogues alone; returns the models' number.

    Raises:
        PackError: ``path`` is no pack of models.
    """
    try:
        models, catalogues = decode(path.read_bytes())
    except PackError as error:
        raise PackError(f"{path}: {error}") from error
    furniture.mkdir(parents=True, exist_ok=True)
    for name, text in catalogues.items():
        with zipfile.ZipFile(furniture / name, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(CATALOGUE, text)
    folder = cache / "models"
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_store, models, [folder] * len(models)))
    return len(models)


def _store(model: Model, folder: Path) -> None:
    spec = OBJECTS[model.name]
    ModelStore(folder).write(model, spec, spec.source if spec.is_computed else _NO_OBJ_FILE)


def main(arguments: Sequence[str]) -> int:
    match list(arguments):
        case ["pack", path]:
            pack(Path(path))
        case ["unpack", path, cache, furniture]:
            print(f"{unpack(Path(path), Path(cache), Path(furniture))} models", file=sys.stderr)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except (PackError, OSError) as error:
        print(f"gpu_models.py: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
