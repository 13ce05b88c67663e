"""Junctions seen from the driver's seat and from above: asphalt all the way across, and no gap in the ground."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from box_networks import LIBRARY, box_network

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.render.camera import Camera, street_pose
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.network.road_map import Turn
from ros_anomaly_sim.street.scene import CameraPose, Scene
from ros_anomaly_sim.street.weather import preset

DRIVABLE = (StreetClass.ROAD, StreetClass.ROAD_LINE)


@pytest.fixture(scope="module")
def renderer() -> Iterator[StreetRenderer]:
    try:
        made = StreetRenderer(Camera(width=320, height=180), LIBRARY.load)
    except MissingEglError as error:
        pytest.skip(str(error))
    with made:
        yield made


@pytest.mark.parametrize("turn", Turn)
def test_the_way_through_a_junction_is_road(renderer: StreetRenderer, turn: Turn):
    town = box_network(8)
    lane = next(lane for lane in town.lanes if lane.turn is turn)
    pose = lane.curve.pose(lane.length_m * 0.2)
    camera = street_pose(pose.x_m, pose.y_m, pose.heading_rad)
    scene = Scene(town.world, town.near(pose.x_m, pose.y_m, 120.0), preset("noon"))
    rendered = renderer.render(scene, camera)
    path = [lane.curve.pose(float(s)) for s in np.linspace(lane.length_m * 0.4, lane.length_m, 8)]
    points = np.array([(p.x_m, p.y_m, 0.0) for p in path])
    pixels, depth = renderer.camera.project(points, camera)
    seen = 0
    for (x, y), z in zip(pixels, depth, strict=True):
        column, row = round(float(x)), round(float(y))
        if z > 2.0 and 0 <= column < 320 and 0 <= row < 180:
            assert rendered.class_ids[row, column] in DRIVABLE, (turn, column, row)
            assert rendered.depth_m[row, column] == pytest.approx(z, rel=0.15)
            seen += 1
    assert seen >= 2
    present = set(np.unique(rendered.class_ids).tolist())
    assert {StreetClass.ROAD, StreetClass.SIDEWALK} <= present
    assert np.median(rendered.image) > 10


@pytest.mark.parametrize("number", range(3))
def test_no_gap_where_streets_and_junction_meet(renderer: StreetRenderer, number: int):
    town = box_network(8)
    junction = town.junctions[number]
    x, y = (float(v) for v in junction.centre)
    above = CameraPose((x, y, 40.0), 0.0, -np.pi / 2)
    rendered = renderer.render(Scene(town.world, (), preset("noon")), above, Camera(240, 240, np.radians(50)))
    assert np.isfinite(rendered.depth_m).all(), "a hole"
    assert rendered.depth_m.max() < 40.03, "only the bed of the junction lies lower than the road"
    middle = rendered.class_ids[100:140, 100:140]
    assert np.isin(middle, DRIVABLE).all()
