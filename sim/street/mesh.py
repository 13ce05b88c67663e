"""Triangle meshes and the texture bank that the renderer draws from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

TEXTURE_SIZE = 256

VERTEX_FIELDS: tuple[tuple[str, int], ...] = (
    ("position", 3),
    ("normal", 3),
    ("uv", 2),
    ("layer", 1),
    ("colour", 3),
    ("gloss", 1),
    ("class_id", 1),
    ("paint", 1),
)
VERTEX_FLOATS = sum(n for _, n in VERTEX_FIELDS)


def columns(name: str) -> slice:
    """Columns of a vertex field in a ``[n, VERTEX_FLOATS]`` array; KeyError for an unknown name."""
    start = 0
    for field_name, count in VERTEX_FIELDS:
        if field_name == name:
            return slice(start, start + count)
        start += count
    raise KeyError(f"no vertex field {name!r}; fields are {[n for n, _ in VERTEX_FIELDS]}")


@dataclass(frozen=True)
class Mesh:
    """Triangle soup: ``vertices`` float32 [3 * triangles, VERTEX_FLOATS].

    Metres, x right/east, y forward/north, z up, model origin on the ground under its centre. Colour is sRGB 0..1 and
    multiplies the texture; ``layer`` indexes the texture bank; ``paint`` 1 takes the placement's paint
    colour instead of ``colour``.
    """

    vertices: np.ndarray

    @property
    def triangles(self) -> int:
        return len(self.vertices) // 3


@dataclass(frozen=True)
class Model:
    """A placeable object: three levels of detail (near, middle, far) of one thing.

    ``textures`` are uint8 [TEXTURE_SIZE, TEXTURE_SIZE, 4]; the meshes' ``layer`` column indexes them until
    ``TextureBank.adopt`` re-bases it. ``forward`` of every model is +y.
    """

    name: str
    class_id: int
    lods: tuple[Mesh, Mesh, Mesh]
    textures: tuple[np.ndarray, ...]
    size_m: tuple[float, float, float]
    credit: str

    @property
    def radius_m(self) -> float:
        """Radius of the sphere about the origin that holds the model."""
        return float(np.linalg.norm(self.lods[0].vertices[:, columns("position")], axis=1).max())


@dataclass
class TextureBank:
    """Layers of one texture array; layer 0 is white."""

    images: list[np.ndarray] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add("white", np.full((TEXTURE_SIZE, TEXTURE_SIZE, 4), 255, np.uint8))

    def add(self, key: str, image: np.ndarray) -> int:
        """Layer of ``image``, uint8 [256, 256, 4] with row 0 at v = 0; a known key keeps its layer."""
        if key in self._index:
            return self._index[key]
        expected = (TEXTURE_SIZE, TEXTURE_SIZE, 4)
        if image.shape != expected or image.dtype != np.uint8:
            raise ValueError(f"texture {key!r}: expected uint8 {expected}, found {image.dtype} {image.shape}")
        self.images.append(image)
        self._index[key] = len(self.images) - 1
        return self._index[key]

    def adopt(self, model: Model) -> Model:
        """The model with its textures in this bank and its layers re-based to it."""
        layers = np.array([self.add(f"{model.name}/{i}", t) for i, t in enumerate(model.textures)] or [0], np.float32)
        lods = []
        for mesh in model.lods:
            vertices = mesh.vertices.copy()
            column = columns("layer")
            vertices[:, column] = layers[vertices[:, column].astype(int)]
            lods.append(Mesh(vertices))
        near, middle, far = lods
        return Model(model.name, model.class_id, (near, middle, far), (), model.size_m, model.credit)
