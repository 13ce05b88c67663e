"""From a row of the object table to a model with three levels of detail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ros_anomaly_sim.street.mesh import VERTEX_FLOATS, Model, columns
from ros_anomaly_sim.street.objects.foliage import thin_foliage
from ros_anomaly_sim.street.objects.furniture import Entry, ModelFiles
from ros_anomaly_sim.street.objects.simplify import simplify
from ros_anomaly_sim.street.objects.spec import ObjectSpec
from ros_anomaly_sim.street.objects.surface import Surface, shading_normals, welded, without_slivers
from ros_anomaly_sim.street.objects.textures import decode_texture
from ros_anomaly_sim.street.objects.visibility import visible_from_outside
from ros_anomaly_sim.street.objects.wavefront import Material, WavefrontMesh, read_wavefront

LOD_TRIANGLES: tuple[int, int, int] = (6000, 1500, 350)
_INVISIBLE = 0.05
_GLASS = 0.9
_GLASS_DARKENING = 0.25
_GLASS_GLOSS = 0.8
_GLOSS_OF_SPECULAR = 0.6


def build_catalogue_model(spec: ObjectSpec, entry: Entry) -> Model:
    """Read, scale, turn and simplify the catalogue entry of a spec.

    Raises:
        ValueError: the model's files cannot be read; the message names the object.
    """
    try:
        with ModelFiles(entry) as files:
            content = files.read(files.obj_name)
            if content is None:
                raise ValueError(f"{entry.obj_path} is not in {entry.archive.name}")
            mesh = read_wavefront(content, files.read)
            textures, layers = _load_textures(mesh.materials, files.read)
    except ValueError as error:
        raise ValueError(f"object {spec.name} ({spec.source}): {error}") from error
    surface = _placed(_surface(mesh, spec, layers), mesh, entry)
    return model_of_surface(spec, surface, textures, entry.credit)


def model_of_surface(spec: ObjectSpec, surface: Surface, textures: tuple[np.ndarray, ...], credit: str) -> Model:
    """Turn and scale a surface (metres, z up, front along +y at yaw 0) as its spec says, and simplify it."""
    surface = _scaled(_turned(surface, np.deg2rad(spec.yaw_deg)), spec.length_m)
    surface.corners[:, :, columns("class_id")] = spec.class_id
    surface = without_slivers(welded(surface))
    reduce = thin_foliage if surface.leaf.any() else simplify
    if reduce is simplify and len(surface.triangles) > LOD_TRIANGLES[1]:
        surface = surface.select(visible_from_outside(surface))
    near = reduce(surface, LOD_TRIANGLES[0])
    # Leaves are always thinned from the whole tree: growing what was grown already would add up.
    middle = reduce(surface if reduce is thin_foliage else near, LOD_TRIANGLES[1])
    far = reduce(surface if reduce is thin_foliage else middle, LOD_TRIANGLES[2])
    low, high = near.bounds()
    width, depth, height = (float(x) for x in high - low)
    lods = (near.to_mesh(), middle.to_mesh(), far.to_mesh())
    return Model(spec.name, spec.class_id, lods, textures, (width, depth, height), credit)


def _load_textures(
    materials: tuple[Material, ...], read_file: Callable[[str], bytes | None]
) -> tuple[tuple[np.ndarray, ...], list[int]]:
    """Textures of the materials, white first, and the layer of each material."""
    white = np.full((256, 256, 4), 255, np.uint8)
    textures, layers, known = [white], [], {"": 0}
    for material in materials:
        name = material.texture or ""
        if name not in known:
            content = read_file(name)
            known[name] = len(textures) if content is not None else 0
            if content is not None:
                textures.append(decode_texture(content))
        layers.append(known[name])
    return tuple(textures), layers


def _surface(mesh: WavefrontMesh, spec: ObjectSpec, layers: list[int]) -> Surface:
    table = np.zeros((len(mesh.materials), VERTEX_FLOATS), np.float32)
    leaf = np.zeros(len(mesh.materials), bool)
    visible = np.ones(len(mesh.materials), bool)
    for row, material in enumerate(mesh.materials):
        is_glass = material.opacity < _GLASS and not layers[row]
        colour = np.ones(3) if layers[row] else np.clip(material.diffuse, 0.0, 1.0)
        gloss = _GLASS_GLOSS if is_glass else min(1.0, float(np.mean(material.specular)) * _GLOSS_OF_SPECULAR)
        table[row, columns("colour")] = colour * (_GLASS_DARKENING if is_glass else 1.0)
        table[row, columns("gloss")] = gloss
        table[row, columns("layer")] = layers[row]
        table[row, columns("paint")] = material.name in spec.paint
        leaf[row] = material.name in spec.leaves
        visible[row] = material.opacity > _INVISIBLE
    keep = visible[mesh.material]
    if not keep.any():
        raise ValueError(f"object {spec.name} ({spec.source}): every material is invisible")
    corners = np.repeat(table[mesh.material], 3, axis=0).reshape(-1, 3, VERTEX_FLOATS)
    corners[:, :, columns("uv")] = _looked_up(mesh.uvs, mesh.corners[:, :, 1], missing=0.0)
    corners[:, :, columns("normal")] = _looked_up(mesh.normals, mesh.corners[:, :, 2], missing=np.nan)
    whole = Surface(mesh.positions, mesh.corners[:, :, 0], corners, leaf[mesh.material], mesh.polygon)
    return whole.select(keep)


def _looked_up(rows: np.ndarray, index: np.ndarray, missing: float) -> np.ndarray:
    """``rows[index]`` with ``missing`` where the index is -1."""
    with_missing = np.vstack([rows, np.full((1, rows.shape[1]), missing)])
    return with_missing[index]


def _placed(surface: Surface, mesh: WavefrontMesh, entry: Entry) -> Surface:
    """The surface in metres at the catalogue's size, on the ground about the origin, front along +y, with normals."""
    # The catalogue is y up with its front along +z.
    upright = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    linear = upright @ np.array(entry.rotation).reshape(3, 3)
    low, high = surface.moved(mesh.positions @ linear.T).bounds()
    size = np.array([entry.width_m, entry.depth_m, entry.height_m])
    linear = linear * (size / np.maximum(high - low, 1e-9))[:, None]
    surface = welded(_grounded(surface.moved(mesh.positions @ linear.T)))
    given = surface.corners[:, :, columns("normal")] @ np.linalg.inv(linear)
    length = np.linalg.norm(given, axis=2, keepdims=True)
    has_normal = np.isfinite(length) & (length > 1e-9)
    unit = given / np.where(has_normal, length, 1.0)
    surface.corners[:, :, columns("normal")] = np.where(has_normal, unit, shading_normals(surface))
    return surface


def _grounded(surface: Surface) -> Surface:
    low, high = surface.bounds()
    return surface.moved(surface.points - np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]))


def _turned(surface: Surface, yaw_rad: float) -> Surface:
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    surface.corners[:, :, columns("normal")] = surface.corners[:, :, columns("normal")] @ turn.T
    return _grounded(surface.moved(surface.points @ turn.T))


def _scaled(surface: Surface, length_m: float | None) -> Surface:
    if length_m is None:
        return surface
    low, high = surface.bounds()
    return surface.moved(surface.points * (length_m / float((high - low).max())))
