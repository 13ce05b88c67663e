"""Towns of several streets: the same from the same seed, whole, with free lanes and junctions one can drive through."""

from __future__ import annotations

import numpy as np
import pytest
from box_networks import LIBRARY, box_network

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.mesh import columns
from ros_anomaly_sim.street.network.road_map import LaneKind
from ros_anomaly_sim.street.network.town import NetworkTown
from ros_anomaly_sim.street.occupancy import Footprint
from ros_anomaly_sim.street.splits import Split

MOST_TRIANGLES = 60_000
GROUND = (StreetClass.ROAD, StreetClass.ROAD_LINE)
LOWEST_MAST_ARM_M = 2.6


@pytest.fixture(scope="module", params=[8, 2005])
def town(request: pytest.FixtureRequest) -> NetworkTown:
    return box_network(request.param)


def column(town: NetworkTown, name: str) -> np.ndarray:
    return town.world.mesh.vertices[:, columns(name)]


def test_same_seed_same_town():
    one, again, other = box_network(8), NetworkTown.generate(8, LIBRARY), box_network(2005)
    assert np.array_equal(one.world.mesh.vertices, again.world.mesh.vertices)
    assert one.placements == again.placements and one.road_map == again.road_map
    assert other.world.key != one.world.key and other.road_map != one.road_map


def test_streets_and_junctions_are_of_the_promised_scale(town: NetworkTown):
    assert 4 <= len(town.streets) <= 10
    assert {len(j.arms) for j in town.junctions} <= {3, 4}
    length = sum(s.plan.length_m for s in town.streets) + sum(sum(j.mouths_m) for j in town.junctions)
    assert 600.0 < length < 2000.0
    assert max(s.curve.sharpest_per_m for s in town.streets) > 1 / 60.0, "a bend"


def test_crossings_and_t_junctions_both_occur(town: NetworkTown):
    assert 3 in {len(j.arms) for j in town.junctions}
    if town.seed == 8:
        assert 4 in {len(j.arms) for j in town.junctions}


def test_only_models_of_the_split(town: NetworkTown):
    kinds = ("tree", "hedge", "street_furniture", "car")
    assert town.split is {8: Split.TRAIN, 2005: Split.TEST}[town.seed]
    assert {p.model for p in town.placements} <= {n for kind in kinds for n in LIBRARY.names(kind, town.split)}
    assert {p.tag for p in town.placements} >= {"tree", "furniture", "parked"}


def test_mesh_is_whole(town: NetworkTown):
    vertices = town.world.mesh.vertices
    assert vertices.dtype == np.float32 and np.isfinite(vertices).all()
    assert 10_000 < town.world.mesh.triangles <= MOST_TRIANGLES
    np.testing.assert_allclose(np.linalg.norm(column(town, "normal"), axis=1), 1.0, atol=1e-3)
    layers = column(town, "layer")
    assert layers.min() >= 0 and layers.max() < len(town.world.textures.images)


def test_ground_faces_up(town: NetworkTown):
    flat = (column(town, "position")[:, 2] < 0.16).reshape(-1, 3).all(1)
    ground = np.isin(column(town, "class_id")[:, 0], [*GROUND, StreetClass.BACKGROUND]).reshape(-1, 3).all(1)
    assert column(town, "normal").reshape(-1, 3, 3)[flat & ground][:, :, 2].min() > 0.99


def test_every_lane_is_paved_at_height_zero_and_no_terrain_covers_it(town: NetworkTown):
    positions, classes = column(town, "position"), column(town, "class_id")[:, 0]
    low = (positions[:, 2] < 1.0).reshape(-1, 3).all(1)
    triangles, classes = positions.reshape(-1, 3, 3)[low], classes.reshape(-1, 3)[low][:, 0]
    middles, reach = triangles[..., :2].mean(1), np.ptp(triangles[..., :2], axis=1).max(1)
    for lane in town.lanes:
        if lane.kind is not LaneKind.DRIVING:
            continue
        for s in np.linspace(0.0, lane.length_m, 5):
            pose = lane.curve.pose(float(s))
            near = np.abs(middles - pose.position).max(1) < reach
            over = near.nonzero()[0][contains(triangles[near][..., :2], pose.position)]
            assert len(over), (lane.key, s)
            top = over[np.argmax(triangles[over][..., 2].max(1))]
            assert classes[top] in GROUND, (lane.key, s, classes[top])
            assert abs(triangles[over][..., 2].max()) < 0.02


def contains(triangles: np.ndarray, point: np.ndarray) -> np.ndarray:
    edges = np.roll(triangles, -1, 1) - triangles
    to_point = point - triangles
    sides = edges[..., 0] * to_point[..., 1] - edges[..., 1] * to_point[..., 0]
    return (sides >= -1e-3).all(1) | (sides <= 1e-3).all(1)


def test_nothing_stands_in_a_lane(town: NetworkTown):
    solid = ~np.isin(column(town, "class_id")[:, 0], [*GROUND, StreetClass.SIDEWALK, StreetClass.BACKGROUND])
    positions = column(town, "position")
    low = np.unique(positions[solid & (positions[:, 2] < LOWEST_MAST_ARM_M)][:, :2].round(2), axis=0)
    for lane in town.lanes:
        if lane.kind is not LaneKind.DRIVING:
            continue
        xy, headings = lane.curve.poses(np.arange(0.0, lane.length_m, 1.0))
        near = low[((low > xy.min(0) - 4.0) & (low < xy.max(0) + 4.0)).all(1)]
        square = ((near[:, None] - xy) ** 2).sum(2)
        assert square.min(initial=np.inf) > (lane.width_start_m / 2 - 0.1) ** 2, lane.key
        for (x, y), heading in zip(xy[::4], headings[::4], strict=True):
            assert town.occupied.is_free(Footprint(float(x), float(y), 1.0, 2.0, float(heading))), (lane.key, x, y)


def test_ground_height(town: NetworkTown):
    junction = town.junctions[0]
    assert town.ground_height_m(*junction.centre) == 0.0
    kerb, front = junction.corners[0].kerb[4], junction.corners[0].front[4]
    assert town.ground_height_m(*(kerb + front) / 2) == pytest.approx(0.15)
    street = town.streets[0]
    middle = street.plan.length_m / 2
    assert town.ground_height_m(*street.track.position(middle, 1.0)) == 0.0
    assert town.ground_height_m(*street.track.position(middle, street.plan.profile.edge_m(1) + 0.5)) == pytest.approx(
        0.15
    )
    beyond = street.plan.profile.frontage_m(1) + 3.0
    assert town.ground_height_m(*street.track.position(middle, beyond)) == pytest.approx(0.13)


def test_instance_ids_are_unique_and_below_those_of_actors(town: NetworkTown):
    ids = [p.instance_id for p in town.placements]
    assert len(set(ids)) == len(ids) and min(ids) >= 1 and max(ids) < 20001


def test_near_gives_what_is_near(town: NetworkTown):
    x, y = town.junctions[0].centre
    near = town.near(float(x), float(y), 50.0)
    assert 0 < len(near) < len(town.placements)
    assert all(np.hypot(p.position[0] - x, p.position[1] - y) < 50.0 for p in near)
    (x0, y0), (x1, y1) = town.bounds
    assert x0 < x < x1 and y0 < y < y1


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="1500 belongs to no split"):
        NetworkTown.generate(1500, LIBRARY)
    with pytest.raises(ValueError, match=r"expected 0..1, found 1.5"):
        NetworkTown.generate(8, LIBRARY, parked_share=1.5)
