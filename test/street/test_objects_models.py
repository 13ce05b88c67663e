"""The models themselves, as built from the Debian package's libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, Mesh, columns
from ros_anomaly_sim.street.objects.build import LOD_TRIANGLES
from ros_anomaly_sim.street.objects.credits import BEGIN, replace_credits
from ros_anomaly_sim.street.objects.furniture import furniture_directory, read_catalogue
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.table import OBJECTS

pytestmark = pytest.mark.skipif(
    not list(furniture_directory().glob("*.sh3f")), reason="the Debian package sweethome3d-furniture is not installed"
)

SAMPLE = (
    "smart",
    "bicycle",
    "boy",
    "poplar",
    "box_hedge",
    "bench_green",
    "classic_lamp",
    "wheelchair",
    "horse",
    "deer",
)
LIBRARY = ModelLibrary()
ROOT = Path(__file__).resolve().parents[2]


def _positions(mesh: Mesh) -> np.ndarray:
    return mesh.vertices[:, columns("position")]


def _area_m2(mesh: Mesh) -> float:
    p = _positions(mesh).reshape(-1, 3, 3)
    return float(np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1).sum() / 2)


def test_every_source_is_in_the_catalogue() -> None:
    catalogue = read_catalogue(furniture_directory())
    assert [s.name for s in OBJECTS.values() if not s.is_computed and s.source not in catalogue] == []


@pytest.mark.parametrize("name", SAMPLE)
def test_model_keeps_its_contract(name: str) -> None:
    model = LIBRARY.load(name)
    for mesh, budget in zip(model.lods, LOD_TRIANGLES, strict=True):
        vertices = mesh.vertices
        assert vertices.dtype == np.float32 and np.isfinite(vertices).all()
        assert 0 < mesh.triangles <= budget * 1.02 + 20
        assert (vertices[:, columns("class_id")] == OBJECTS[name].class_id).all()
        layers = vertices[:, columns("layer")]
        assert layers.min() >= 0 and layers.max() < len(model.textures)
        normals = np.linalg.norm(vertices[:, columns("normal")], axis=1)
        assert np.percentile(normals, 2) > 0.9 and normals.max() < 1.01
    assert all(t.shape == (TEXTURE_SIZE, TEXTURE_SIZE, 4) and t.dtype == np.uint8 for t in model.textures)
    low, high = _positions(model.lods[0]).min(axis=0), _positions(model.lods[0]).max(axis=0)
    assert abs(low[2]) < 0.06 and np.abs(low + high)[:2].max() < 0.35
    assert model.size_m == pytest.approx(tuple(high - low), abs=1e-3)
    assert model.credit and "(" in model.credit


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize(("level", "bounds"), [(1, (0.55, 1.35)), (2, (0.35, 1.6))])
def test_area_of_the_levels_of_detail(name: str, level: int, bounds: tuple[float, float]) -> None:
    model = LIBRARY.load(name)
    ratio = _area_m2(model.lods[level]) / _area_m2(model.lods[0])
    assert bounds[0] < ratio < bounds[1]


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("level", [1, 2])
def test_levels_of_detail_keep_their_extent(name: str, level: int) -> None:
    model = LIBRARY.load(name)
    near, other = np.ptp(_positions(model.lods[0]), axis=0), np.ptp(_positions(model.lods[level]), axis=0)
    assert (np.abs(other / near - 1.0) < 0.25).all(), f"{near} against {other}"


@pytest.mark.parametrize(
    ("name", "width_m", "length_m", "height_m"),
    [
        ("seat_leon", (1.7, 2.1), (4.0, 4.5), (1.3, 1.6)),
        ("van", (1.9, 2.5), (5.5, 6.3), (2.3, 2.8)),
        ("man_suit", (0.4, 0.7), (0.2, 0.6), (1.7, 1.95)),
        ("horse", (0.4, 0.9), (2.0, 2.6), (1.6, 2.1)),
        ("deer", (0.3, 0.9), (0.8, 1.5), (1.9, 2.2)),
        ("fork_lift", (1.0, 1.6), (3.3, 3.6), (1.8, 2.5)),
    ],
)
def test_sizes(
    name: str, width_m: tuple[float, float], length_m: tuple[float, float], height_m: tuple[float, float]
) -> None:
    found = LIBRARY.load(name).size_m
    for value, (least, most) in zip(found, (width_m, length_m, height_m), strict=True):
        assert least <= value <= most, f"{name}: {found}"


def test_the_lorry_drives_cabin_first() -> None:
    lorry = LIBRARY.load("lorry")
    painted = lorry.lods[0].vertices[:, columns("paint")].ravel() > 0.5
    cabin = _positions(lorry.lods[0])[painted].mean(axis=0)
    assert cabin[1] > 1.0, "the painted cabin is not at the front (+y)"


@pytest.mark.parametrize("name", ["peugeot_308", "suv", "van", "seat_leon", "chevrolet", "renault_scenic"])
def test_cars_have_a_body_to_paint(name: str) -> None:
    for mesh in LIBRARY.load(name).lods:
        corners = mesh.vertices.reshape(-1, 3, mesh.vertices.shape[1])
        painted = corners[:, 0, columns("paint")].ravel() > 0.5
        assert _area_m2(Mesh(corners[painted].reshape(-1, corners.shape[2]))) / _area_m2(mesh) > 0.2


def test_attribution_lists_every_model() -> None:
    document = (ROOT / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert replace_credits(document) == document, "run: python -m ros_anomaly_sim.street.objects.credits ATTRIBUTION.md"
    for source in (s.source for s in OBJECTS.values() if not s.is_computed):
        assert f"`{source}`" in document


def test_attribution_names_the_other_works() -> None:
    document = (ROOT / "ATTRIBUTION.md").read_text(encoding="utf-8").split(BEGIN)[0]
    for work in ("EfficientNet-Lite", "Apache-2.0", "sweethome3d-furniture", "CC BY 3.0"):
        assert work in document
