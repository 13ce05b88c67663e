"""Road coordinates and the world."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import MeshBuilder, Surface
from ros_anomaly_sim.street.mesh import columns
from ros_anomaly_sim.street.track import Track


@pytest.fixture(params=range(4))
def track(request: pytest.FixtureRequest) -> Track:
    return Track.generate(np.random.default_rng(request.param), 700.0)


def test_starts_at_the_origin_along_y(track: Track):
    assert track.position(0.0, 0.0) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert track.heading_rad(0.0) == pytest.approx(0.0, abs=1e-9)
    assert track.position(0.0, 2.0) == pytest.approx((2.0, 0.0), abs=1e-9)


def test_project_inverts_position(track: Track):
    for s in (-50.0, 3.3, 210.7, 699.0):
        for d in (-9.0, 0.0, 4.2):
            assert track.project(*track.position(s, d)) == pytest.approx((s, d), abs=0.02)


def test_bends_are_gentle(track: Track):
    s = np.arange(-300.0, 1000.0, 5.0)
    assert max(abs(track.curvature_per_m(float(v))) for v in s) < 1 / 165.0


def test_s_is_arc_length(track: Track):
    points = track.positions(np.arange(0.0, 700.0), np.zeros(700))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    np.testing.assert_allclose(steps, 1.0, atol=1e-3)


def test_mesh_follows_the_bend(track: Track):
    builder = MeshBuilder()
    builder.ground((-1.0, 1.0), (600.0, 606.0), 0.0, Surface(0, StreetClass.ROAD))
    builder.box((3.0, 603.0, 0.0), (1.0, 1.0, 2.0), Surface(0, StreetClass.WALL))
    vertices = builder.mesh(track).vertices
    positions, normals = vertices[:, columns("position")], vertices[:, columns("normal")]
    coordinates = np.array([track.project(float(x), float(y)) for x, y, _ in positions])
    assert coordinates[:, 0].min() == pytest.approx(600.0, abs=0.05)
    assert coordinates[:, 1].max() == pytest.approx(3.5, abs=0.05)
    ground = vertices[:, columns("class_id")][:, 0] == StreetClass.ROAD
    np.testing.assert_allclose(normals[ground, 2], 1.0)
    # Walls of the box look outwards: along the offset from its middle.
    walls = np.abs(normals[:, 2]) < 0.5
    middle = np.array(track.position(603.0, 3.0))
    outward = (positions[walls, :2] - middle) * normals[walls, :2]
    assert (outward.sum(1) > 0).all()
