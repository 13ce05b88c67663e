"""Towns: the same from the same seed, made of their split's models, whole and within their budget."""

from __future__ import annotations

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.layout import SIDES, Plan
from ros_anomaly_sim.street.mesh import columns
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import Town

MOST_TRIANGLES = 60_000
STATIC_CLASSES = {
    StreetClass.BACKGROUND,
    StreetClass.BUILDING,
    StreetClass.FENCE,
    StreetClass.POLE,
    StreetClass.ROAD_LINE,
    StreetClass.ROAD,
    StreetClass.SIDEWALK,
    StreetClass.VEGETATION,
    StreetClass.WALL,
    StreetClass.TRAFFIC_SIGN,
}


@pytest.fixture(scope="module")
def library() -> BoxLibrary:
    return BoxLibrary()


@pytest.fixture(scope="module")
def town(library: BoxLibrary) -> Town:
    return Town.generate(3, library)


def test_same_seed_same_town(town: Town, library: BoxLibrary):
    again = Town.generate(3, library)
    assert np.array_equal(town.world.mesh.vertices, again.world.mesh.vertices)
    assert town.placements == again.placements
    assert town.plan == again.plan
    assert town.world.key == again.world.key
    pairs = zip(town.world.textures.images, again.world.textures.images, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_other_seed_other_town(town: Town, library: BoxLibrary):
    other = Town.generate(4, library)
    assert other.world.key != town.world.key
    assert other.plan != town.plan
    assert other.placements != town.placements


@pytest.mark.parametrize(("seed", "split"), [(7, Split.TRAIN), (1007, Split.VALIDATION), (2007, Split.TEST)])
def test_only_models_of_the_split(library: BoxLibrary, seed: int, split: Split):
    town = Town.generate(seed, library)
    allowed = {n for kind in ("tree", "hedge", "street_furniture") for n in library.names(kind, split)}
    assert town.split is split
    assert {p.model for p in town.placements} <= allowed
    assert {p.tag for p in town.placements} >= {"tree", "furniture"}


def test_mesh_is_whole(town: Town):
    vertices = town.world.mesh.vertices
    assert vertices.dtype == np.float32 and np.isfinite(vertices).all()
    assert 5_000 < town.world.mesh.triangles <= MOST_TRIANGLES
    np.testing.assert_allclose(np.linalg.norm(vertices[:, columns("normal")], axis=1), 1.0, atol=1e-3)
    layers = vertices[:, columns("layer")]
    assert layers.min() >= 0 and layers.max() < len(town.world.textures.images)
    assert set(np.unique(vertices[:, columns("class_id")]).astype(int)) == {int(c) for c in STATIC_CLASSES}


def test_triangles_are_ordered_along_the_road(town: Town):
    middles = town.world.mesh.vertices[:, columns("position")].reshape(-1, 3, 3).mean(1)
    near = middles[np.hypot(middles[:, 0], middles[:, 1] - 350) < 600]
    s = np.array([town.track.project(float(x), float(y))[0] for x, y, _ in near[::200]])
    assert np.diff(s).min() > -12.0


def test_the_drivable_ground_is_road_at_height_zero(town: Town):
    vertices = town.world.mesh.vertices
    road = vertices[:, columns("class_id")][:, 0] == StreetClass.ROAD
    lines = vertices[:, columns("class_id")][:, 0] == StreetClass.ROAD_LINE
    assert np.abs(vertices[lines, 2]).max() < 0.02
    lane_d = town.plan.profile.lane_centre_m(1, 0)
    triangles = vertices[road][:, :2].reshape(-1, 3, 2)
    for s in np.linspace(0, town.plan.length_m, 40):
        assert _inside(triangles, town.track.position(float(s), lane_d)).any()


def _inside(triangles: np.ndarray, point: tuple[float, float]) -> np.ndarray:
    edges = np.roll(triangles, -1, 1) - triangles
    to_point = np.array(point) - triangles
    sides = edges[..., 0] * to_point[..., 1] - edges[..., 1] * to_point[..., 0]
    return (sides >= -1e-3).all(1) | (sides <= 1e-3).all(1)


def test_instance_ids_are_unique_and_below_those_of_actors(town: Town):
    ids = [p.instance_id for p in town.placements]
    assert len(set(ids)) == len(ids) and min(ids) >= 1 and max(ids) < 20001


def test_nothing_stands_on_the_carriageway(town: Town):
    profile = town.plan.profile
    for placement in town.placements:
        s, d = town.track.project(*placement.position[:2])
        assert not -profile.edge_m(-1) < d < profile.edge_m(1), (placement.model, s, d)


def test_lots_fill_both_sides_without_overlap():
    for seed in range(8):
        plan = Plan.generate(np.random.default_rng(seed), 700.0)
        assert plan.junctions
        for side in SIDES:
            lots = sorted((lot for lot in plan.lots if lot.side == side), key=lambda lot: lot.s0_m)
            assert all(a.s1_m <= b.s0_m + 1e-9 for a, b in zip(lots[:-1], lots[1:], strict=True))
            for junction in plan.junctions:
                if side in junction.sides:
                    reach = (junction.s_m - junction.reach_m, junction.s_m + junction.reach_m)
                    assert all(lot.s1_m <= reach[0] + 1e-9 or lot.s0_m >= reach[1] - 1e-9 for lot in lots)


def test_seed_of_no_split_is_refused(library: BoxLibrary):
    with pytest.raises(ValueError, match="1500 belongs to no split"):
        Town.generate(1500, library)


def test_short_town_is_refused(library: BoxLibrary):
    with pytest.raises(ValueError, match="at least 150.0 m, found 20"):
        Town.generate(3, library, length_m=20.0)
