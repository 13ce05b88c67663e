"""Scenarios put on over the real client: what stands where, what is seen of it, and that nothing is left."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from carla_stage_rig import scenario

from ros_anomaly.data.labels import ANOMALY_ID, StreetClass
from ros_anomaly_sim.scenarios.schema import Anomaly, SceneActor, Swerve

carla = pytest.importorskip("carla")

from ros_anomaly_sim.bridge.camera_rig import CameraKind, CameraPlan  # noqa: E402
from ros_anomaly_sim.bridge.stage import Stage, StageOptions  # noqa: E402
from ros_anomaly_sim.bridge.street_frame import FIRST_STAMP_NS  # noqa: E402
from ros_anomaly_sim.bridge.world_hold import MissingBlueprint, SpawnRefused  # noqa: E402

ALL_CAMERAS = CameraPlan(tuple(CameraKind), (54, 96))
UNSEEN = StageOptions(None)
AHEAD = Anomaly("static.prop.horse", distance_m=14.0, left_m=0.5, yaw_deg=30.0)


def actors_left(client) -> list[str]:
    world = client.get_world()
    world.wait_for_tick()
    own = ("spectator", "traffic.")
    return [actor.type_id for actor in world.get_actors() if not actor.type_id.startswith(own)]


def test_images_truth_and_stamps_of_one_drive(client):
    with Stage(client, scenario(AHEAD), StageOptions(ALL_CAMERAS)) as stage:
        moments = [stage.warm_up()]
        for _ in range(7):
            moments.append(stage.step(stage.scene.driver.control(8.0)))
        horse = stage.anomalies[0]
    assert [m.stamp_ns for m in moments] == [FIRST_STAMP_NS + n * 50_000_000 for n in range(8)]
    assert [m.view is not None for m in moments] == [True, False] * 4
    view = moments[-2].view
    assert view is not None and view.class_ids is not None and view.instance_ids is not None
    anomaly = view.class_ids == ANOMALY_ID
    assert anomaly.any()
    # The id of the scenario's first anomaly, all of it inside the projected box, at the distance at which it stands.
    assert np.unique(view.instance_ids[anomaly]).tolist() == [60001]
    rows, columns = np.nonzero(anomaly)
    box = view.boxes[0].grown(1, anomaly.shape)
    assert box.left <= columns.min() and columns.max() < box.right
    assert box.top <= rows.min() and rows.max() < box.bottom
    assert view.depth_m is not None
    camera_to_horse_m = horse.first_m - moments[-2].travelled_m - ALL_CAMERAS.x_m
    assert view.depth_m[anomaly].min() == pytest.approx(camera_to_horse_m, abs=0.5)
    # 17 m ahead, right of the lane's middle.
    assert view.class_ids[31, 52] == StreetClass.ROAD
    assert np.isinf(view.depth_m[0]).any()


def test_places_are_along_the_route_with_left_positive(client):
    beside = Anomaly("static.prop.dog", distance_m=20.0, left_m=-6.0)
    with Stage(client, scenario(AHEAD, beside), UNSEEN) as stage:
        horse, dog = stage.anomalies
    assert horse.first_m < 14.0 < horse.last_m and horse.right_m < 0.5 < horse.left_m
    assert (dog.right_m + dog.left_m) / 2 == pytest.approx(-6.0, abs=0.1)
    assert horse.reaches_into(1.0) and not dog.reaches_into(1.0)
    # On the ground, whatever height it was put down from.
    assert horse.corners[:, 2].min() == pytest.approx(0.0, abs=0.05)


def test_the_ego_keeps_to_its_lane_and_moves_as_odometry_says(client):
    with Stage(client, scenario(), UNSEEN) as stage:
        first = stage.warm_up()
        for _ in range(60):
            moment = stage.step(stage.scene.driver.control(8.0))
        location = stage.scene.ego.get_location()
        _, left_m = stage.scene.driver.route.project(location.x, location.y)
    assert abs(left_m) < 0.2
    assert moment.motion.speed_mps == pytest.approx(8.0, abs=0.3)
    gone = np.subtract(moment.motion.ego[:2], first.motion.ego[:2])
    assert math.hypot(*gone) == pytest.approx(moment.travelled_m, rel=0.01)
    # The yaw is counted from +y, counter-clockwise: the car went where it points.
    yaw = first.motion.ego[2]
    assert np.dot(gone, (-math.sin(yaw), math.cos(yaw))) == pytest.approx(moment.travelled_m, rel=0.02)


def test_the_ego_goes_around_what_it_is_told_to(client):
    straight = scenario(route_m=60.0)
    around = replace(straight, ego=replace(straight.ego, swerves=(Swerve(32.0, 4.0, 1.4),)))
    left_m = {}
    with Stage(client, around, UNSEEN) as stage:
        lanes = client.get_world().get_map()
        moment = stage.warm_up()
        while moment.travelled_m < 62.0:
            moment = stage.step(stage.scene.driver.control(8.0))
            left_m[moment.travelled_m] = left_of_its_lane(lanes, stage.scene.ego)
    assert max(abs(left) for at_m, left in left_m.items() if at_m < 3.0 or at_m > 61.0) < 0.15
    assert all(1.2 < left < 1.6 for at_m, left in left_m.items() if 29.0 < at_m < 35.0)


def left_of_its_lane(lanes, vehicle) -> float:
    place = lanes.get_waypoint(vehicle.get_location()).transform
    right, offset = place.get_right_vector(), vehicle.get_location() - place.location
    return -(right.x * offset.x + right.y * offset.y)


def test_traffic_moves(client):
    actors = (
        SceneActor("vehicle.audi.a2", distance_m=40.0, left_m=3.5, yaw_deg=180.0, speed_kmh=30.0),
        SceneActor("walker.pedestrian.0001", distance_m=15.0, left_m=-6.0, speed_kmh=4.0),
        SceneActor("vehicle.nissan.micra", distance_m=25.0, left_m=3.5, yaw_deg=180.0),
    )
    with Stage(client, scenario(actors=actors[:2]), UNSEEN) as stage:
        stage.warm_up()
        found = {a.type_id: a for a in client.get_world().get_actors()}
        before = {name: found[name].get_location() for name in ("vehicle.audi.a2", "walker.pedestrian.0001")}
        for _ in range(40):
            stage.step(carla.VehicleControl(brake=1.0))
        car, walker = (before[name].distance(found[name].get_location()) for name in before)
        assert stage.contacts() == []
    assert car > 4.0 and walker == pytest.approx(4.0 / 3.6 * 2.0, rel=0.2)


def test_running_into_an_anomaly_is_told(client):
    with Stage(client, scenario(AHEAD), UNSEEN) as stage:
        stage.warm_up()
        contacts = []
        for _ in range(200):
            stage.step(stage.scene.driver.control(8.0))
            contacts += stage.contacts()
            if contacts:
                break
    assert contacts[0].anomaly == 0 and contacts[0].other == "static.prop.horse"


@pytest.mark.parametrize(
    ("broken", "error", "message"),
    [
        (scenario(Anomaly("static.prop.unicorn", 20.0)), MissingBlueprint, "no blueprint 'static.prop.unicorn'"),
        (scenario(town="Town99"), MissingBlueprint, "no map 'Town99'"),
        (scenario(AHEAD, AHEAD), SpawnRefused, "static.prop.horse at Location"),
    ],
)
def test_what_cannot_be_put_on_is_named_and_leaves_nothing(client, broken, error, message):
    with pytest.raises(error, match=message):
        Stage(client, broken, UNSEEN)
    assert actors_left(client) == []


def test_nothing_is_left_and_the_settings_are_given_back(client):
    with pytest.raises(ZeroDivisionError):
        with Stage(client, scenario(AHEAD), StageOptions(ALL_CAMERAS)) as stage:
            stage.warm_up()
            assert client.get_world().get_settings().synchronous_mode
            raise ZeroDivisionError
    assert not client.get_world().get_settings().synchronous_mode
    assert actors_left(client) == []
    stage.close()
