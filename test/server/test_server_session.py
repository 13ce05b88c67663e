"""A normal session through the real client: world, maps, actors, controls, batches, modes."""

from __future__ import annotations

import math
import queue

import pytest

PATIENCE_S = 60.0


def test_versions_and_settings(client, world):
    assert client.get_server_version() == client.get_client_version()
    settings = world.get_settings()
    assert settings.synchronous_mode and settings.fixed_delta_seconds == pytest.approx(0.05)
    settings.fixed_delta_seconds = 2.0
    with pytest.raises(RuntimeError, match="fixed_delta_seconds: expected above 0 and at most 1, found 2"):
        world.apply_settings(settings)
    assert world.get_settings().fixed_delta_seconds == pytest.approx(0.05)


def test_a_tick_moves_the_clock_by_the_step(world):
    before = world.get_snapshot().timestamp
    frame = world.tick()
    after = world.get_snapshot().timestamp
    assert after.frame == frame == before.frame + 1
    assert after.elapsed_seconds - before.elapsed_seconds == pytest.approx(0.05)
    assert after.delta_seconds == pytest.approx(0.05)


def test_weather_comes_back_as_it_was_set(carla, world):
    for name in ("HardRainSunset", "ClearNoon", "CloudyNoon"):
        wanted = getattr(carla.WeatherParameters, name)
        world.set_weather(wanted)
        assert world.get_weather() == wanted


def test_blueprints_have_carlas_names_and_attributes(world):
    library = world.get_blueprint_library()
    assert len(library.filter("vehicle.*")) >= 25
    assert len(library.filter("walker.pedestrian.*")) >= 10
    assert {"static.prop.barrel", "static.prop.travelcase", "static.prop.horse"} <= {b.id for b in library}
    car = library.find("vehicle.tesla.model3")
    assert car.get_attribute("number_of_wheels").as_int() == 4
    assert len(car.get_attribute("color").recommended_values) > 3
    assert library.find("static.prop.horse").get_attribute("split").as_str() == "test"


def test_spawned_actors_are_found_with_what_they_were_given(carla, world, ego):
    world.tick()
    found = world.get_actors().find(ego.id)
    assert found.attributes["role_name"] == "ego_vehicle"
    assert found.bounding_box.extent.x == pytest.approx(2.2)
    assert found.bounding_box.location.z == pytest.approx(found.bounding_box.extent.z)
    # A car is lifted down from the spawn point onto the road.
    assert found.get_transform().location.z == pytest.approx(0.0, abs=1e-3)
    assert world.get_spectator().type_id == "spectator"


def test_a_taken_place_is_refused_and_try_spawn_gives_none(world, ego):
    blueprint = world.get_blueprint_library().find("vehicle.audi.a2")
    point = world.get_map().get_spawn_points()[0]
    with pytest.raises(RuntimeError, match="collision at spawn position"):
        world.spawn_actor(blueprint, point)
    assert world.try_spawn_actor(blueprint, point) is None


def test_every_spawn_point_takes_a_vehicle_that_faces_its_lane(world):
    blueprint = world.get_blueprint_library().find("vehicle.nissan.micra")
    street = world.get_map()
    for point in street.get_spawn_points():
        vehicle = world.spawn_actor(blueprint, point)
        world.tick()
        lane = street.get_waypoint(point.location)
        assert lane.transform.location.distance(vehicle.get_location()) < 0.4
        assert math.cos(math.radians(lane.transform.rotation.yaw - point.rotation.yaw)) > 0.999


def test_control_drives_and_brakes(carla, world, ego):
    ego.apply_control(carla.VehicleControl(throttle=1.0))
    start = ego.get_location()
    for _ in range(40):
        world.tick()
    assert ego.get_control().throttle == 1.0
    speed = ego.get_velocity().length()
    assert 6.0 < speed < 8.5
    assert ego.get_location().distance(start) == pytest.approx(speed, rel=0.1)
    ego.apply_control(carla.VehicleControl(brake=1.0))
    ticks = 0
    while ego.get_velocity().length() > 0.01:
        world.tick()
        ticks += 1
    assert speed / (0.05 * ticks) == pytest.approx(8.5, abs=0.6)


def test_placing_and_pushing(carla, world, ego):
    point = world.get_map().get_spawn_points()[2]
    ego.set_transform(point)
    ego.set_simulate_physics(False)
    world.tick()
    assert ego.get_location().distance(point.location) < 1e-3
    ego.set_simulate_physics(True)
    ego.enable_constant_velocity(carla.Vector3D(5.0, 0.0, 0.0))
    for _ in range(20):
        world.tick()
    assert ego.get_location().distance(point.location) == pytest.approx(5.0, abs=0.05)
    ego.disable_constant_velocity()


def test_walkers_walk(carla, world):
    blueprint = world.get_blueprint_library().find("walker.pedestrian.0001")
    start = carla.Transform(carla.Location(20.0, 0.0, 1.0))
    walker = world.spawn_actor(blueprint, start)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5))
    for _ in range(20):
        world.tick()
    assert walker.get_location().y == pytest.approx(1.5, abs=0.01)
    assert walker.get_transform().rotation.yaw == pytest.approx(90.0)
    assert walker.get_control().speed == pytest.approx(1.5)
    # Its origin is at half its height, as CARLA's is.
    assert walker.get_location().z == pytest.approx(walker.bounding_box.extent.z)


def test_attached_actors_follow_and_stay_when_their_parent_is_destroyed(carla, world, ego):
    sensor = world.spawn_actor(
        world.get_blueprint_library().find("sensor.other.gnss"), carla.Transform(carla.Location(x=3.0)), attach_to=ego
    )
    world.tick()
    assert sensor.parent.id == ego.id
    assert sensor.get_location().distance(ego.get_location()) == pytest.approx(3.0, abs=1e-3)
    place = sensor.get_location()
    assert ego.destroy()
    world.tick()
    assert sensor.is_alive and sensor.get_location().distance(place) < 1e-3


def test_lights_and_physics_are_told(carla, world, ego):
    ego.set_light_state(carla.VehicleLightState.Brake)
    assert ego.get_light_state() == carla.VehicleLightState.Brake
    assert world.get_vehicles_light_states()[ego.id] == carla.VehicleLightState.Brake
    physics = ego.get_physics_control()
    assert physics.mass == pytest.approx(1600.0)
    assert [w.max_steer_angle for w in physics.wheels] == [70.0, 70.0, 0.0, 0.0]


def test_spectator_can_be_moved(carla, world):
    world.get_spectator().set_transform(carla.Transform(carla.Location(1.0, 2.0, 30.0), carla.Rotation(pitch=-90.0)))
    world.tick()
    assert world.get_spectator().get_location().z == pytest.approx(30.0)


def test_batches_answer_each_command(carla, client, world):
    library, points = world.get_blueprint_library(), world.get_map().get_spawn_points()
    command = carla.command
    responses = client.apply_batch_sync(
        [
            command.SpawnActor(library.find("vehicle.audi.tt"), points[1]).then(
                command.ApplyTargetVelocity(command.FutureActor, carla.Vector3D(3.0, 0.0, 0.0))
            ),
            command.SpawnActor(library.find("vehicle.audi.tt"), points[1]),
            command.DestroyActor(1),
            command.ApplyImpulse(1, carla.Vector3D(1.0, 0.0, 0.0)),
        ],
        True,
    )
    assert [bool(r.error) for r in responses] == [False, True, True, True]
    assert "collision" in responses[1].error and "not supported" in responses[3].error
    spawned = world.get_actors().find(responses[0].actor_id)
    assert spawned.get_velocity().length() > 2.5
    client.apply_batch([command.DestroyActor(spawned)])
    world.tick()
    assert world.get_actors().find(responses[0].actor_id) is None


def test_unsupported_calls_say_so(carla, server, client, world, ego):
    for call in (
        lambda: client.start_recorder("x.log"),
        lambda: client.show_recorder_file_info("x.log", False),
        lambda: client.replay_file("x.log", 0.0, 0.0, 0),
        lambda: world.unload_map_layer(carla.MapLayer.Buildings),
    ):
        with pytest.raises(RuntimeError, match="not supported by this server"):
            call()
    for _ in range(2):
        world.debug.draw_point(carla.Location())
        world.debug.draw_string(carla.Location(), "here")
    assert world.tick()
    assert server.log.read_text().count("debug shapes are not drawn") == 1


def test_rays_hit_the_ground_and_what_stands_on_it(carla, world, ego):
    above = ego.get_location() + carla.Location(x=6.0, z=4.0)
    ground = world.ground_projection(above, 10.0)
    assert (ground.location.x, ground.location.y) == pytest.approx((above.x, above.y), abs=0.02)
    assert ground.location.z == pytest.approx(0.0, abs=0.02)
    assert ground.label in (carla.CityObjectLabel.Roads, carla.CityObjectLabel.RoadLines)
    assert world.ground_projection(above, 2.0) is None
    through = world.cast_ray(ego.get_location() + carla.Location(z=5.0), ego.get_location() + carla.Location(z=-1.0))
    assert [hit.label for hit in through][:2] == [carla.CityObjectLabel.Car] * 2
    assert through[0].location.z == pytest.approx(2 * ego.bounding_box.extent.z, abs=0.02)
    assert world.cast_ray(above, above + carla.Location(z=-3.0)) == []


def test_the_whole_map_can_be_walked(world):
    street = world.get_map()
    points = street.generate_waypoints(2.0)
    assert len(points) > 200 and len(street.get_topology()) > 4
    assert any(point.is_junction for point in points)
    point = points[len(points) // 2]
    assert point.next(1.0) or point.previous(1.0)


def test_snapshots_tell_of_every_actor(world, ego):
    heard = queue.SimpleQueue()
    number = world.on_tick(heard.put)
    frame = world.tick()
    snapshot = world.get_snapshot()
    # The client's streaming thread calls back after it has released tick(), so the call may still be to come.
    assert snapshot.frame == frame and heard.get(timeout=PATIENCE_S).frame == frame
    world.remove_on_tick(number)
    assert heard.empty()
    assert snapshot.has_actor(ego.id)
    assert snapshot.find(ego.id).get_transform().location.distance(ego.get_location()) < 1e-3
    assert {state.id for state in snapshot} == {actor.id for actor in world.get_actors()}


def test_asynchronous_mode_runs_by_itself(world):
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings)
    first, second = world.wait_for_tick(60.0), world.wait_for_tick(60.0)
    assert second.frame > first.frame
    assert 0.0 < second.delta_seconds <= 0.2


def test_other_maps(client, world):
    names = client.get_available_maps()
    assert "/Game/Carla/Maps/Town2001" in names and "/Game/Carla/Maps/Net2001" in names and len(names) == 2400
    for name, match in (("Nowhere", "Map 'Nowhere' not found"), ("Town1500", "seed 1500 belongs to no split")):
        with pytest.raises(RuntimeError, match=match):
            client.load_world(name)
    before = world.get_map()
    fresh = client.load_world("Town2002")
    assert fresh.get_map().name == "Carla/Maps/Town2002"
    assert fresh.get_map().to_opendrive() != before.to_opendrive()
    assert {a.type_id for a in fresh.get_actors()} <= {"spectator", "traffic.traffic_light"}
    assert not fresh.get_settings().synchronous_mode
    again = client.reload_world()
    assert again.id != fresh.id and again.get_map().name == "Carla/Maps/Town2002"
    assert client.load_world("Net2002").get_map().name == "Carla/Maps/Net2002"
    assert client.load_world("Town2001").get_map().to_opendrive() == before.to_opendrive()
