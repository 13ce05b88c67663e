"""The server's parts by themselves: frames of reference, wire, dynamics, collisions, images, weather."""

from __future__ import annotations

import math

import msgpack
import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.render.camera import world_to_camera
from ros_anomaly_sim.render.renderer import Rendered
from ros_anomaly_sim.server import images, wire
from ros_anomaly_sim.server.blueprint_tables import blueprint_library
from ros_anomaly_sim.server.dispatcher import Answer, Dispatcher
from ros_anomaly_sim.server.dynamics import VehicleMotion, grip_when, physics_of, step
from ros_anomaly_sim.server.episode import FIRST_ACTOR_ID, Episode
from ros_anomaly_sim.server.geometry import Transform, camera_pose, carla_yaw_deg, euler_deg, rotation_matrix, to_street
from ros_anomaly_sim.server.map_store import MapStore
from ros_anomaly_sim.server.structs import CLEAR_NOON, ActorDescription, EpisodeSettings, VehicleControl
from ros_anomaly_sim.server.structs import WeatherParameters as Parameters
from ros_anomaly_sim.server.tags import Tag, drawn_class
from ros_anomaly_sim.server.weather import rendered_weather
from ros_anomaly_sim.street.objects.table import OBJECTS

CAR = physics_of("passenger_car", 4.4)


# Frames of reference


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0), (20.0, -130.0, 7.0), (-89.0, 10.0, 0.0), (3.0, 179.0, -170.0)])
def test_euler_angles_are_those_of_their_matrix(rotation):
    matrix = rotation_matrix(rotation)
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert rotation_matrix(euler_deg(matrix)) == pytest.approx(matrix, abs=1e-9)


def test_straight_up_has_one_heading():
    assert rotation_matrix(euler_deg(rotation_matrix((90.0, 30.0, 15.0)))) == pytest.approx(
        rotation_matrix((90.0, 30.0, 15.0)), abs=1e-6
    )


def test_a_camera_sees_in_the_streets_frame_what_it_sees_in_carlas():
    camera = Transform((3.0, -2.0, 1.5), (-10.0, 35.0, 4.0))
    point = np.array([12.0, 4.0, 0.5])
    forward, right, up = camera.matrix().T @ (point - camera.location)
    x, y, depth = (world_to_camera(camera_pose(camera)) @ (*to_street(tuple(point)), 1.0))[:3]
    assert (depth, x, -y) == pytest.approx((forward, right, up), abs=1e-9)
    assert carla_yaw_deg(math.radians(-30.0)) == pytest.approx(30.0)


# Wire


def test_requests_come_in_any_pieces():
    data = msgpack.packb([0, 1, "version", [[False]]]) + msgpack.packb([0, 2, "tick_cue", [[True], 5]])
    reader = wire.RequestReader()
    found = [r for i in range(len(data)) for r in reader.feed(data[i : i + 1])]
    assert [(r.message_id, r.name, r.is_async, r.arguments) for r in found] == [
        (1, "version", False, ()),
        (2, "tick_cue", True, (5,)),
    ]


@pytest.mark.parametrize(
    "data", [b"\xc1", b"\x93\x00\x01\x02", b"\xdd\xff\xff\xff\xff", b"\xa4\xff\xff\xff\xff", b"\x01"]
)
def test_what_is_no_request_is_told(data):
    with pytest.raises(wire.WireError, match="expected"):
        wire.RequestReader().feed(data)


@pytest.mark.parametrize(
    ("reader", "value", "message"),
    [
        (wire.number, "3", "expected a number within ±1e+09, found '3'"),
        (wire.number, math.nan, "expected a number within ±1e+09, found nan"),
        (wire.number, -1e30, "expected a number within ±1e+09, found -1e+30"),
        (VehicleControl.read, [0, 0, 0, False, False, False, 2**40], "gear: expected -1 to 20, found 1099511627776"),
        (wire.integer, True, "expected an integer, found True"),
        (wire.vector, [1, 2], "expected a vector of 3 fields, found [1, 2]"),
        (wire.transform, [[0, 0, 0]], "expected a transform of 2 fields"),
        (wire.optional_of(wire.integer), [True], "expected an optional, found [True]"),
        (VehicleControl.read, [0, 0, 0], "expected a vehicle control of 7 fields"),
        (ActorDescription.read, [1, "x", [["a"]]], "expected an actor attribute of 3 fields"),
        (EpisodeSettings.read, [], "expected episode settings of 11 fields"),
    ],
)
def test_readers_name_expected_and_found(reader, value, message):
    with pytest.raises(wire.WireError) as error:
        reader(value)
    assert message in str(error.value)


def test_controls_are_clipped():
    assert VehicleControl.read([2.0, -3.0, -1.0, False, False, False, 0]) == VehicleControl(1.0, -1.0, 0.0)


def test_dispatcher_answers_in_the_calls_own_encoding():
    dispatcher = Dispatcher()

    def fault(_, value):
        raise KeyError(value)

    dispatcher.register("value", lambda _, v: v + 1, wire.integer)
    dispatcher.register("void", lambda _: None, answer=Answer.VOID)
    dispatcher.register("fault", fault, wire.text, answer=Answer.VOID)

    def result(name, *arguments):
        return msgpack.unpackb(dispatcher.answer(wire.Request(1, name, False, arguments), None))[2:]

    assert result("value", 4) == [None, [[1, 5]]]
    assert result("value", "x") == [None, [[0, ["value, argument 1: expected an integer, found 'x'"]]]]
    assert result("value") == [None, [[0, ["value: expected 1 arguments, found 0"]]]]
    assert result("void") == [None, [[False]]]
    assert result("fault", "why") == [None, [[True, ["fault: KeyError: 'why'"]]]]
    assert result("start_recorder")[1] == [[0, ["start_recorder is not supported by this server"]]]
    assert result("unload_map_layer")[1] == [[True, ["unload_map_layer is not supported by this server"]]]
    assert dispatcher.answer(wire.Request(None, "void", False, ()), None) is None
    with pytest.raises(ValueError, match="registered twice"):
        dispatcher.register("void", lambda _: None)


# Dynamics


def drive(control, speed, seconds, grip=1.0, physics=CAR, dt=0.05):
    motion = VehicleMotion(0.0, 0.0, 0.0, speed)
    for _ in range(round(seconds / dt)):
        motion = step(motion, control, physics, grip, dt)
    return motion


@pytest.mark.parametrize(("wet", "most"), [(0.0, 8.9), (1.0, 5.7)])
def test_braking_distance(wet, most):
    """From 15 m/s: never shorter than the brakes with drag and the engine allow, and not much longer."""
    stopped = drive(VehicleControl(brake=1.0), 15.0, 6.0, grip_when(wet))
    brakes = 8.0 * grip_when(wet)
    assert stopped.speed_mps == 0.0
    assert 15.0**2 / 2 / most < stopped.x < 15.0**2 / 2 / brakes + 0.4


def test_braking_never_reverses_and_both_brakes_are_no_stronger_than_the_road():
    both = drive(VehicleControl(brake=1.0, hand_brake=True), 10.0, 0.5)
    assert both.speed_mps == pytest.approx(drive(VehicleControl(brake=1.0), 10.0, 0.5).speed_mps)
    assert drive(VehicleControl(brake=1.0), -2.0, 3.0).speed_mps == 0.0


def test_acceleration_and_top_speed():
    assert 8.0 < drive(VehicleControl(throttle=1.0), 0.0, 3.0).speed_mps < 12.0
    assert 45.0 < drive(VehicleControl(throttle=1.0), 40.0, 120.0).speed_mps < 70.0
    assert -8.3 <= drive(VehicleControl(throttle=1.0, reverse=True), 0.0, 10.0).speed_mps < -6.0
    assert drive(VehicleControl(), 10.0, 5.0).speed_mps == pytest.approx(10.0 - 5 * 0.65, abs=0.3)


def test_turning_circle_is_the_bicycles():
    steer = 0.2
    motions = [VehicleMotion(0.0, 0.0, 0.0, 3.0)]
    for _ in range(1300):
        after = step(motions[-1], VehicleControl(steer=steer), CAR, 1.0, 0.02)
        motions.append(VehicleMotion(after.x, after.y, after.yaw_deg, 3.0, after.yaw_rate_dps))
    # At 3 m/s the steering curve leaves 1 - 0.1 * 10.8 / 20 of the lock.
    angle = math.radians(70.0) * steer * (1 - 0.1 * 10.8 / 20)
    radius = math.hypot(CAR.wheelbase_m / math.tan(angle), CAR.wheelbase_m / 2)
    track = np.array([(m.x, m.y) for m in motions])
    assert np.ptp(track[:, 0]) == pytest.approx(2 * radius, rel=0.02)
    # Steering right turns clockwise: towards +y.
    assert motions[50].yaw_deg > 0 and track[50, 1] > 0


def test_grip_limits_cornering():
    fast = step(VehicleMotion(0.0, 0.0, 0.0, 20.0), VehicleControl(steer=1.0), CAR, 1.0, 0.05)
    assert math.radians(fast.yaw_rate_dps) * 20.0 == pytest.approx(7.0, abs=0.2)


# The episode


@pytest.fixture(scope="module")
def library():
    return BoxLibrary()


@pytest.fixture(scope="module")
def town(library):
    return MapStore(library, 150.0).load("Town2001")


@pytest.fixture
def episode(library, town):
    return Episode(1, town, blueprint_library(), library, 1, EpisodeSettings())


def spawn(episode, type_id, x, y=0.0, yaw=0.0, **attributes):
    rows = [[k, 4, v] for k, v in attributes.items()]
    description = ActorDescription.read([1, type_id, rows])
    return episode.spawn(description, Transform((x, y, 0.0), (0.0, yaw, 0.0)))


def test_who_drives_into_something_stops_before_it(episode):
    car, box = spawn(episode, "vehicle.audi.tt", 20.0), spawn(episode, "static.prop.horse", 27.0, yaw=45.0)
    car.control = VehicleControl(throttle=1.0)
    hits = [hit for _ in range(60) for hit in episode.tick(0.05)]
    assert hits[0].actor is car and hits[0].other is box
    assert hits[0].impulse[0] < -1600.0 and box.transform.location[0] == 27.0
    assert 24.0 < car.transform.location[0] + car.shape.extent[0] <= 27.0
    # Out of it again, backwards.
    car.control = VehicleControl(throttle=1.0, reverse=True)
    assert not [hit for _ in range(20) for hit in episode.tick(0.05)]
    assert car.transform.location[0] < 24.0


def test_the_town_itself_stops_a_car(episode):
    car = spawn(episode, "vehicle.audi.tt", 20.0, yaw=90.0)
    car.control = VehicleControl(throttle=1.0)
    hits = [hit for _ in range(120) for hit in episode.tick(0.05)]
    assert hits and hits[0].other is None


def test_what_is_above_or_has_no_collisions_is_passed(episode):
    car = spawn(episode, "vehicle.audi.tt", 20.0)
    high, ghost = spawn(episode, "static.prop.dog", 40.0), spawn(episode, "static.prop.cat", 30.0)
    high.transform = high.transform.at((30.0, 0.0, 4.0))
    ghost.collides = False
    car.speed_mps = 10.0
    assert not [hit for _ in range(40) for hit in episode.tick(0.05)]
    assert car.transform.location[0] > 32.0


def test_instance_ids_stay_unique_when_actor_ids_outgrow_them(episode):
    stays = spawn(episode, "static.prop.dog", 30.0)
    episode._next_id = 0x10000 + FIRST_ACTOR_ID - 3
    later = [spawn(episode, "static.prop.cat", 40.0 + 5 * n) for n in range(6)]
    ids = {a.instance_id for a in (stays, *later)}
    assert len(ids) == 7 and min(ids) >= FIRST_ACTOR_ID and max(ids) <= 0xFFFF


@pytest.mark.parametrize(
    ("type_id", "attributes", "message"),
    [
        ("vehicle.no.such", {}, "blueprint 'vehicle.no.such' is not one of"),
        ("vehicle.audi.tt", {"color": "red"}, "attribute color: expected 'red,green,blue'"),
        ("vehicle.audi.tt", {"color": "1,2,300"}, "attribute color: expected 0 to 255"),
    ],
)
def test_what_cannot_be_spawned_is_told(episode, type_id, attributes, message):
    with pytest.raises(wire.WireError, match=message.replace("(", r"\(")):
        spawn(episode, type_id, 30.0, **attributes)
    with pytest.raises(wire.WireError, match="actor not found"):
        episode.find(5)


def test_every_prop_shows_an_object_of_the_table():
    props = [b for b in blueprint_library() if b.type_id.startswith("static.prop.")]
    assert len(props) > 60
    for blueprint in props:
        assert blueprint.model in OBJECTS
        assert blueprint.attribute("split").default == OBJECTS[blueprint.model].split.value
        assert blueprint.tag in (Tag.STATIC, Tag.DYNAMIC)


# Images and weather


def rendered(class_ids, depth_m, instance_ids=None):
    class_ids = np.array(class_ids, np.uint8)
    ids = np.zeros(class_ids.shape, np.uint16) if instance_ids is None else np.array(instance_ids, np.uint16)
    return Rendered(np.zeros((*class_ids.shape, 3), np.uint8), class_ids, ids, np.array(depth_m, np.float32))


def test_tags_ids_and_depth_of_single_pixels():
    classes = [[StreetClass.BACKGROUND, StreetClass.BACKGROUND, StreetClass.OTHER, drawn_class(Tag.BUS)]]
    frame = rendered(classes, [[np.inf, 300.0, 0.0, 1.0]], [[0, 0, 7, 0x4E23]])
    assert images.tags(frame).tolist() == [[Tag.SKY, Tag.TERRAIN, Tag.STATIC, Tag.BUS]]
    blue, green, red, alpha = np.moveaxis(images.instances(frame)[0], 1, 0)
    assert (red.tolist(), green.tolist(), blue.tolist()) == ([11, 10, 20, 16], [0, 0, 7, 0x23], [0, 0, 0, 0x4E])
    coded = images.depths(frame)[0].astype(int)
    metres = (coded[:, 2] + 256 * coded[:, 1] + 65536 * coded[:, 0]) / (256**3 - 1) * 1000
    assert metres == pytest.approx([1000.0, 300.0, 0.0, 1.0], abs=1e-4)
    assert set(alpha) == {255}


def test_weather_follows_sun_clouds_fog_and_water():
    noon = rendered_weather(CLEAR_NOON)
    assert noon.shadows and noon.wet == 0.0 and noon.sun_direction[2] == pytest.approx(math.sin(math.pi / 4))
    rain = rendered_weather(Parameters.of(cloudiness=100, precipitation_deposits=80, sun_altitude_angle=45))
    assert not rain.shadows and rain.wet == pytest.approx(0.8) and sum(rain.sun_colour) < sum(noon.sun_colour) / 3
    fog = rendered_weather(Parameters.of(fog_density=60, sun_altitude_angle=45))
    assert fog.fog_per_m > 10 * noon.fog_per_m
    lights = [sum(rendered_weather(Parameters.of(sun_altitude_angle=a)).sun_colour) for a in (-20, 0, 8, 45)]
    assert lights == sorted(lights) and lights[0] < lights[1]
    for weather in (noon, rain, fog):
        assert np.linalg.norm(weather.sun_direction) == pytest.approx(1.0)
