"""Traffic lights through the real client, in a town of several streets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from carla_cameras import Heard, instance_ids, pixels, spawn_camera
from carla_client_rig import client_output, free_port

from ros_anomaly_sim.server.tags import Tag


@pytest.fixture(scope="module")
def server(start_server):
    """A server whose town has a junction with lights."""
    running = start_server("--town", "Net2001")
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def lights(world):
    """All lights, at the start of their cycle."""
    world.reset_all_traffic_lights()
    world.freeze_all_traffic_lights(False)
    world.tick()
    return sorted(world.get_actors().filter("traffic.traffic_light"), key=lambda light: light.id)


def test_each_light_is_a_landmark_of_the_map_for_the_lanes_before_its_junction(world, lights):
    street = world.get_map()
    landmarks = {mark.id: mark for mark in street.get_all_landmarks_of_type("1000001")}
    assert set(landmarks) == {light.get_opendrive_id() for light in lights} and len(lights) >= 3
    for light in lights:
        mark = landmarks[light.get_opendrive_id()]
        assert world.get_traffic_light(mark).id == light.id
        assert world.get_traffic_light_from_opendrive_id(mark.id).id == light.id
        (line,) = light.get_affected_lane_waypoints()
        assert (line.road_id, round(line.s, 1)) == (mark.road_id, round(mark.s, 1))
        assert not line.is_junction
        junction = line.next(12.0)[0]
        assert junction.is_junction
        of_junction = {a.id for a in world.get_traffic_lights_in_junction(junction.junction_id)}
        assert of_junction == {a.id for a in light.get_group_traffic_lights()} >= {light.id}
        assert light.id in [a.id for a in world.get_traffic_lights_from_waypoint(line.previous(10.0)[0], 20.0)]
        stop = light.get_stop_waypoints()[0]
        assert (stop.road_id, stop.lane_id) == (line.road_id, line.lane_id)
        # Its post stands at the kerb to the right of the lane, its heads hang above it.
        right = line.transform.get_right_vector()
        away = light.get_location() - line.transform.location
        assert away.x * right.x + away.y * right.y > line.lane_width / 2
        assert all(2.5 < box.location.z < 6.5 for box in light.get_light_boxes())
    assert not lights[0].destroy()


def test_opposite_lights_are_green_together_and_take_turns(carla, world, lights):
    for light in lights:
        light.set_green_time(1.0)
        light.set_yellow_time(0.5)
        light.set_red_time(0.25)
    world.tick()
    assert [round(f(), 2) for f in (lights[0].get_green_time, lights[0].get_yellow_time, lights[0].get_red_time)] == [
        1.0,
        0.5,
        0.25,
    ]
    state = carla.TrafficLightState
    seen = []
    for _ in range(80):
        world.tick()
        now = {light.id: light.state for light in lights}
        going = [light for light in lights if now[light.id] != state.Red]
        assert len({now[light.id] for light in going}) <= 1
        headings = [light.get_transform().rotation.yaw for light in going]
        assert all(abs(math.sin(math.radians(a - headings[0]))) < 0.3 for a in headings)
        seen.append(tuple(light.id for light in going))
    assert {i for group in seen for i in group} == {light.id for light in lights}
    assert () in seen


def test_set_and_frozen_lights_stay(carla, server, world, lights):
    light = lights[0]
    light.set_state(carla.TrafficLightState.Yellow)
    light.freeze(True)
    for _ in range(5):
        world.tick()
    assert light.state == carla.TrafficLightState.Yellow and light.is_frozen()
    assert all(other.is_frozen() for other in light.get_group_traffic_lights())
    light.reset_group()
    world.freeze_all_traffic_lights(False)
    world.tick()
    assert light.state == carla.TrafficLightState.Green and not light.is_frozen()
    assert light.get_elapsed_time() == pytest.approx(0.05, abs=1e-5)
    world.freeze_all_traffic_lights(True)
    world.tick()
    assert light.is_frozen()
    # Nobody waits for the answer of such a call: the server says it in its log.
    light.set_green_time(-1.0)
    world.tick()
    assert light.get_green_time() > 0.0
    assert "green time: expected 0 to 1e+06 s, found -1" in server.log.read_text()


def test_a_vehicle_before_a_light_knows_it(carla, world, lights):
    light = lights[0]
    light.set_state(carla.TrafficLightState.Red)
    light.freeze(True)
    place = light.get_affected_lane_waypoints()[0].previous(6.0)[0].transform
    place.location.z = 0.3
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), place)
    world.tick()
    assert car.is_at_traffic_light() and car.get_traffic_light().id == light.id
    assert car.get_traffic_light_state() == carla.TrafficLightState.Red
    car.set_transform(world.get_map().get_spawn_points()[0])
    world.tick()
    world.tick()
    assert not car.is_at_traffic_light()
    assert car.get_traffic_light_state() == carla.TrafficLightState.Green


def test_a_light_is_seen_in_its_state(carla, world, lights):
    light = lights[0]
    place = light.get_affected_lane_waypoints()[0].previous(2.0)[0].transform
    place.location.z = 2.6
    size = {"image_size_x": "320", "image_size_y": "180"}
    data = [Heard(spawn_camera(carla, world, kind, None, place, **size)) for kind in ("rgb", "instance_segmentation")]
    light.freeze(True)
    mean = {}
    for state in ("Red", "Green"):
        light.set_state(getattr(carla.TrafficLightState, state))
        world.tick()
        image, instances = (d.next() for d in data)
        mask = instance_ids(instances) == light.id
        assert mask.sum() > 20
        assert set(pixels(instances)[mask][:, 2].tolist()) == {int(Tag.TRAFFIC_LIGHT)}
        mean[state] = pixels(image)[mask][:, :3].astype(float).mean(axis=0)
    blue, green, red = mean["Red"] - mean["Green"]
    assert red > 2.0 and green < -2.0, (blue, np.round(mean["Red"]), np.round(mean["Green"]))


def test_the_clients_traffic_manager_waits_at_red_and_goes_on_at_green(server, world):
    to_line, speed, at_light, later = (float(v) for v in client_output(server.port, "lights", str(free_port()))[-4:])
    assert -0.5 < to_line < 9.0 and speed < 0.1 and at_light == 1.0
    assert later > 2.0
