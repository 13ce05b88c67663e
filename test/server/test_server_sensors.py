"""Sensors through the real client: the right frame every time, and the right thing in it."""

from __future__ import annotations

import math
import queue

import numpy as np
import pytest
from carla_cameras import HEIGHT, WIDTH, Heard, instance_ids, pixels, spawn_camera

from ros_anomaly_sim.server.tags import Tag

CAMERAS = ("rgb", "semantic_segmentation", "instance_segmentation", "depth")


def ahead_of(carla, actor, metres, z=0.0):
    """A transform on the ground some way before an actor."""
    where = actor.get_transform()
    forward = where.get_forward_vector()
    location = carla.Location(where.location.x + metres * forward.x, where.location.y + metres * forward.y, z)
    return carla.Transform(location, where.rotation)


def test_every_frame_of_two_cameras_is_the_ticks(carla, world, ego):
    data = [Heard(spawn_camera(carla, world, kind, ego)) for kind in CAMERAS[:2]]
    for _ in range(200):
        frame = world.tick()
        assert [d.next().frame for d in data] == [frame, frame]
    assert all(d.empty() for d in data)


def test_no_first_frame_is_lost(carla, world, ego):
    for _ in range(50):
        camera = spawn_camera(carla, world, "semantic_segmentation", ego)
        data = Heard(camera)
        frame = world.tick()
        assert data.next().frame == frame
        camera.stop()
        camera.destroy()


def test_what_the_cameras_show(carla, world, ego):
    horse = world.spawn_actor(world.get_blueprint_library().find("static.prop.horse"), ahead_of(carla, ego, 12.0))
    data = [Heard(spawn_camera(carla, world, kind, ego)) for kind in CAMERAS]
    frame = world.tick()
    images = [d.next() for d in data]
    rgb, semantic, instance, depth = (pixels(image) for image in images)

    assert {image.frame for image in images} == {frame}
    assert all((i.width, i.height, round(i.fov)) == (WIDTH, HEIGHT, 90) for i in images)
    assert all((p[..., 3] == 255).all() for p in (rgb, semantic, instance, depth))
    assert rgb[..., :3].std() > 5.0

    tags = semantic[..., 2]
    assert {Tag.ROAD, Tag.SKY, horse.semantic_tags[0]} <= set(np.unique(tags).tolist())
    assert not semantic[..., :2].any()
    assert (instance[..., 2] == tags).all()

    ids = instance_ids(images[2])
    on_horse = ids == horse.id
    assert on_horse.sum() > 5
    assert set(tags[on_horse].tolist()) == {horse.semantic_tags[0]} <= {Tag.STATIC, Tag.DYNAMIC}
    assert (ids[tags == Tag.ROAD] == 0).all()

    metres = (depth[..., 2] + 256.0 * depth[..., 1] + 65536.0 * depth[..., 0]) / (256**3 - 1) * 1000.0
    front = 12.0 - 1.5 - horse.bounding_box.extent.x
    assert metres[on_horse].min() == pytest.approx(front, abs=0.05)
    assert (metres[tags == Tag.SKY] == 1000.0).all()


def test_the_projected_box_of_an_actor_is_where_its_pixels_are(carla, world, ego):
    """A camera that is turned, raised and rolled: poses are composed as the client composes them."""
    dog = world.spawn_actor(world.get_blueprint_library().find("static.prop.deer"), ahead_of(carla, ego, 9.0))
    place = carla.Transform(carla.Location(x=1.0, y=-0.8, z=2.6), carla.Rotation(pitch=-12.0, yaw=9.0, roll=7.0))
    camera = spawn_camera(carla, world, "instance_segmentation", ego, place, image_size_x="160", image_size_y="120")
    data = Heard(camera)
    world.tick()
    image = data.next()
    seen = np.argwhere(instance_ids(image) == dog.id)

    to_camera = np.array(image.transform.get_inverse_matrix())
    focal = 160 / 2 / math.tan(math.radians(90.0) / 2)
    corners = [to_camera @ (v.x, v.y, v.z, 1.0) for v in dog.bounding_box.get_world_vertices(dog.get_transform())]
    columns = [80 + focal * c[1] / c[0] for c in corners]
    rows = [60 - focal * c[2] / c[0] for c in corners]
    assert seen[:, 1].min() == pytest.approx(min(columns), abs=1.5)
    assert seen[:, 1].max() == pytest.approx(max(columns), abs=1.5)
    assert seen[:, 0].min() == pytest.approx(min(rows), abs=1.5)
    assert seen[:, 0].max() == pytest.approx(max(rows), abs=1.5)


def test_sensors_of_one_period_fire_together_whenever_they_were_spawned(carla, world, ego):
    first = Heard(spawn_camera(carla, world, "semantic_segmentation", ego, sensor_tick="0.15"))
    world.tick()
    second = Heard(spawn_camera(carla, world, "instance_segmentation", ego, sensor_tick="0.15"))
    frames = [world.tick() for _ in range(9)]
    young = [second.next().frame for _ in range(3)]
    old = [first.next().frame]
    while old[-1] < young[-1]:
        old.append(first.next().frame)
    assert set(young) <= set(old) and set(young) <= set(frames)
    assert {b - a for seen in (young, old) for a, b in zip(seen[:-1], seen[1:], strict=True)} == {3}


def test_no_rendering_mode_keeps_cameras_silent(carla, world, ego):
    data = Heard(spawn_camera(carla, world, "rgb", ego))
    settings = world.get_settings()
    settings.no_rendering_mode = True
    world.apply_settings(settings)
    silent = world.tick()
    settings.no_rendering_mode = False
    # The client may tick of its own to see the settings take effect.
    world.apply_settings(settings)
    world.tick()
    assert data.next().frame > silent


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("fov", "200", "fov: expected 5 to 170, found '200"),
        ("image_size_x", "7", "image_size_x: expected 16 to 4096, found '7'"),
        ("sensor_tick", "-1", "sensor_tick: expected 0 to 3600, found '-1"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(carla, world, ego, attribute, value, message):
    with pytest.raises(RuntimeError, match=message.replace("(", r"\(")):
        spawn_camera(carla, world, "rgb", ego, **{attribute: value})


def test_attributes_without_effect_are_accepted_and_told_once(carla, world, server, ego):
    for _ in range(2):
        spawn_camera(carla, world, "rgb", ego, iso="200")
    assert server.log.read_text().count("attribute iso has no effect") == 1


def test_gnss_agrees_with_the_clients_map(carla, world, ego):
    sensor = world.spawn_actor(
        world.get_blueprint_library().find("sensor.other.gnss"), carla.Transform(carla.Location(x=2.0)), attach_to=ego
    )
    data = Heard(sensor)
    frame = world.tick()
    fix = data.next()
    expected = world.get_map().transform_to_geolocation(sensor.get_transform().location)
    assert fix.frame == frame
    assert (fix.latitude, fix.longitude) == pytest.approx((expected.latitude, expected.longitude), abs=1e-9)


def test_imu_feels_gravity_braking_and_turning(carla, world, ego):
    data = Heard(
        world.spawn_actor(world.get_blueprint_library().find("sensor.other.imu"), carla.Transform(), attach_to=ego)
    )
    world.tick()
    still = data.next()
    assert still.accelerometer.z == pytest.approx(9.81, abs=1e-3)
    assert still.compass == pytest.approx(math.radians(ego.get_transform().rotation.yaw + 90.0), abs=1e-4)
    ego.set_target_velocity(ego.get_transform().get_forward_vector() * 10.0)
    world.tick()
    ego.apply_control(carla.VehicleControl(brake=1.0, steer=0.05))
    for _ in range(3):
        world.tick()
    moving = [data.next() for _ in range(4)][-1]
    # The weather of these tests is dry.
    assert -8.9 < moving.accelerometer.x < -7.5
    assert moving.gyroscope.z > 0.02


def test_crossed_lines_are_told(carla, world, ego):
    """The client finds out by itself, by the map and where the vehicle is."""
    blueprint = world.get_blueprint_library().find("sensor.other.lane_invasion")
    data = Heard(world.spawn_actor(blueprint, carla.Transform(), attach_to=ego))
    world.tick()
    left = ego.get_transform().get_right_vector() * -4.0
    ego.set_simulate_physics(False)
    ego.set_location(ego.get_location() + left)
    for _ in range(3):
        world.tick()
    assert data.next().crossed_lane_markings


def test_collision_is_told_to_both_sides(carla, world, ego):
    library = world.get_blueprint_library()
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead_of(carla, ego, 9.0))
    sensors = [
        world.spawn_actor(library.find("sensor.other.collision"), carla.Transform(), attach_to=a) for a in (ego, other)
    ]
    data = [Heard(s) for s in sensors]
    ego.set_target_velocity(ego.get_transform().get_forward_vector() * 10.0)
    frames = [world.tick() for _ in range(14)]
    hit, was_hit = (d.next() for d in data)
    assert (hit.actor.id, hit.other_actor.id) == (ego.id, other.id)
    assert (was_hit.actor.id, was_hit.other_actor.id) == (other.id, ego.id)
    assert hit.frame == was_hit.frame and hit.frame in frames
    # It rolls: what is left of 10 m/s, times its mass, against its motion.
    assert hit.normal_impulse.x == pytest.approx(-1600.0 * 9.6, rel=0.05)
    assert was_hit.normal_impulse.x == pytest.approx(-hit.normal_impulse.x)
    gap = ego.get_location().distance(other.get_location())
    touching = ego.bounding_box.extent.x + other.bounding_box.extent.x
    assert touching <= gap < touching + 0.5
    with pytest.raises(queue.Empty):
        data[0].get(timeout=0.2)
