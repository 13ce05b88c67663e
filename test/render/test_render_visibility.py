"""Culling and levels of detail."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.render.camera import Camera, world_to_camera
from ros_anomaly_sim.render.geometry import Chunks
from ros_anomaly_sim.render.matrices import boxes_inside, clip_planes, spheres_inside
from ros_anomaly_sim.render.visibility import levels_of_detail
from ros_anomaly_sim.street.mesh import VERTEX_FLOATS, columns
from ros_anomaly_sim.street.scene import CameraPose

PLANES = clip_planes(Camera().projection() @ world_to_camera(CameraPose((0, 0, 0), 0.0)))


def test_spheres():
    centres = np.array([[0, 10, 0], [0, -10, 0], [12, 10, 0], [12, 10, 0], [0, 2000, 0]], float)
    radii = np.array([1, 1, 1, 2, 1], float)
    np.testing.assert_array_equal(spheres_inside(PLANES, centres, radii), [True, False, False, True, False])


def test_boxes():
    low = np.array([[-1, 5, -1], [-1, -9, -1], [20, 5, -1], [-500, -500, -5]], float)
    high = np.array([[1, 6, 1], [1, -8, 1], [21, 10, 1], [500, 500, 5]], float)
    np.testing.assert_array_equal(boxes_inside(PLANES, low, high), [True, False, False, True])


def test_planes_agree_with_projection():
    points = np.random.default_rng(0).uniform((-40, -5, -30), (40, 60, 30), (500, 3))
    pose = CameraPose((0, 0, 0), 0.0)
    pixels, depth = Camera().project(points, pose)
    with np.errstate(invalid="ignore"):
        seen = (depth > 0.2) & (pixels >= 0).all(1) & (pixels <= (640, 360)).all(1)
    np.testing.assert_array_equal(spheres_inside(PLANES, points, np.zeros(500)), seen)


def test_small_or_simple_models_keep_their_shape():
    triangles = np.array([[6000, 1500, 350]] * 3 + [[60, 60, 60]])
    np.testing.assert_array_equal(levels_of_detail(np.array([300.0, 80.0, 10.0, 15.0]), triangles), [0, 1, 2, 0])


def test_chunks_cover_the_mesh_once():
    vertices = np.zeros((3 * 2000, VERTEX_FLOATS), np.float32)
    vertices[:, columns("position")] = np.random.default_rng(1).uniform(-1, 1, (6000, 3))
    chunks = Chunks.of(vertices, offset=30)
    assert chunks.firsts[0] == 30
    assert chunks.counts.sum() == 6000
    np.testing.assert_array_equal(chunks.firsts[1:], (chunks.firsts + chunks.counts)[:-1])
    for first, count, low, high in zip(chunks.firsts, chunks.counts, chunks.low, chunks.high, strict=True):
        part = vertices[first - 30 : first - 30 + count, columns("position")]
        np.testing.assert_allclose((low, high), (part.min(0), part.max(0)))


def test_no_triangles_no_chunks():
    assert len(Chunks.of(np.zeros((0, VERTEX_FLOATS), np.float32)).visible(PLANES)) == 0
