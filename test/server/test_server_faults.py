"""What a server must survive: dying, hanging and lying clients; and what a client sees when the server dies."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
import time
from collections.abc import Callable

import msgpack
import psutil
import pytest
from carla_cameras import Heard, spawn_camera
from carla_client_rig import PATIENCE_S, client_output, client_process, free_port

from ros_anomaly_sim.server.calls import dispatcher_for
from ros_anomaly_sim.server.unsupported import UNSUPPORTED


def connect(port: int) -> socket.socket:
    """A bare connection."""
    made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def call(connection: socket.socket, name: str, *arguments: object, message_id: int = 7) -> list[object]:
    """The reply to one call."""
    connection.sendall(msgpack.packb([0, message_id, name, [[False], *arguments]]))
    return next_message(connection)


def next_message(connection: socket.socket) -> list[object]:
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
    while True:
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        unpacker.feed(data)
        for message in unpacker:
            return message


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side hangs up."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def established(server) -> int:
    """Connections of clients that the server holds."""
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(c.status == psutil.CONN_ESTABLISHED for c in found)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_two_clients_see_one_world(carla, server, client, world, ego):
    other = carla.Client("127.0.0.1", server.port)
    other.set_timeout(PATIENCE_S)
    theirs = other.get_world()
    frame = world.tick()
    assert wait_until(lambda: theirs.get_snapshot().frame == frame)
    same = theirs.get_actors().find(ego.id)
    assert same.attributes["role_name"] == "ego_vehicle"
    ours, heard = (Heard(spawn_camera(carla, w, "rgb", a)) for w, a in ((world, ego), (theirs, same)))
    frame = world.tick()
    assert ours.next().frame == heard.next().frame == frame
    theirs.get_actors().find(ego.id).apply_control(carla.VehicleControl(throttle=1.0))
    theirs.tick()
    assert wait_until(lambda: world.get_snapshot().frame == frame + 1)


def test_a_killed_client_leaves_no_connection_and_its_actors_stay(carla, server, world):
    before = established(server)
    process = client_process(server.port, "listener")
    assert process.stdout is not None and process.stdout.readline() == "listening\n"
    assert established(server) > before
    process.kill()
    process.wait()
    assert wait_until(lambda: established(server) == before)
    world.tick()
    assert {a.type_id for a in world.get_actors()} >= {"vehicle.tesla.model3", "sensor.camera.rgb"}


def test_the_clients_traffic_manager_drives_and_outlives_its_map(start_server):
    """A client that hears of a new map too early crashes while its traffic manager has a car."""
    server = start_server()
    *_, speed, off_lane, name = client_output(server.port, "traffic", str(free_port()))
    assert 4.5 < float(speed) < 6.5
    assert float(off_lane) < 0.4
    assert name == "Carla/Maps/Town2002"
    assert server.stop() == 0


def test_a_client_that_does_not_read_holds_up_nobody(server, world, ego, carla):
    camera = spawn_camera(carla, world, "rgb", ego, image_size_x="640", image_size_y="360")
    connection = connect(server.port)
    stream = call(connection, "get_sensor_token", camera.id)[3][0][1][0]
    port = struct.unpack("<IHBB16s", stream)[1]
    deaf = connect(port)
    deaf.sendall(struct.pack("<I", camera.id))
    for _ in range(30):
        world.tick()
    assert "reads too slowly" in server.log.read_text()
    assert psutil.Process(server.process.pid).memory_info().rss < 2e9
    deaf.close()


def test_random_bytes_close_their_connection_only(server, client, world):
    rng = random.Random(5)
    stream_port = server_stream_port(server)
    for round_ in range(60):
        with connect(server.port if round_ % 2 else stream_port) as connection:
            connection.sendall(rng.randbytes(rng.choice((1, 5, 40, 3000))))
    for port, data in (
        (server.port, b"\xc1"),
        (server.port, b"\xdd\xff\xff\xff\xff"),
        (server.port, b"\x91" * 5000),
        (stream_port, struct.pack("<I", 77)),
        (stream_port, b"far too much"),
    ):
        with connect(port) as connection:
            connection.sendall(data)
            assert is_closed(connection)
    assert client.get_server_version()
    assert world.tick()


def test_broken_requests_are_answered_or_cost_their_connection_only(server, client, world):
    """Real requests with bytes changed, lost and added: nothing hangs, and nobody else notices."""
    rng = random.Random(11)
    requests = [
        msgpack.packb([0, number, name, [[False], *arguments]])
        for number, (name, arguments) in enumerate(
            (
                ("get_actors_by_id", [[1, 2, 3]]),
                ("spawn_actor", [[1, "static.prop.dog", [["role_name", 4, "x"]]], [[5.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]),
                ("apply_batch", [[[[1, [5]]], [[2, [5, [0.0, 0.0, 0.0, False, False, False, 0]]]]], False]),
                ("set_weather_parameters", [[float(n) for n in range(14)]]),
                ("get_actor_bounding_box", [20001]),
            )
        )
    ]
    for _ in range(150):
        data = bytearray(rng.choice(requests))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data))
            change = rng.choice(("flip", "cut", "add"))
            if change == "flip":
                data[place] ^= 1 << rng.randrange(8)
            elif change == "cut":
                del data[place:]
                data.append(rng.randrange(256))
            else:
                data[place:place] = rng.randbytes(rng.randint(1, 6))
        with connect(server.port) as connection:
            connection.sendall(bytes(data))
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(1 << 16):
                    pass
            except ConnectionError:
                pass
    assert client.get_server_version()
    frame = world.tick()
    assert world.tick() == frame + 1


def server_stream_port(server) -> int:
    with connect(server.port) as connection:
        token = call(connection, "get_episode_info")[3][0][1][1][0]
    return struct.unpack("<IHBB16s", token)[1]


@pytest.mark.parametrize(
    "message",
    [
        [1, 1, None, None],
        [0, "id", "version", [[False]]],
        [0, 1, 5, [[False]]],
        [0, 1, "version", "parameters"],
        {"a": 1},
        "version",
        [0, 1, "version", [[False]], "more"],
    ],
)
def test_a_message_that_is_no_request_closes_the_connection(server, message):
    connection = connect(server.port)
    connection.sendall(msgpack.packb(message))
    assert is_closed(connection)


def test_every_call_answers_whatever_its_arguments(server, world):
    """No argument that a client can think of makes a call hang, or the server fall."""
    rng = random.Random(3)
    junk = (None, True, -1, 0, 2**63, 1.5, float("nan"), "", "x", b"\0", [], [[]], [1, 2], [[0, 0, 0], [0, 0, 0]], {})
    names = dispatcher_for(None).names  # type: ignore[arg-type]
    connection = connect(server.port)
    for name in sorted(names - {"tick_cue", "load_new_episode"} | UNSUPPORTED.keys() | {"no_such_call"}):
        for count in range(4):
            arguments = [rng.choice(junk) for _ in range(count)]
            kind, message_id, _, _ = call(connection, name, *arguments, message_id=count)
            assert (kind, message_id) == (1, count)
    assert world.tick()


def test_unknown_calls_fail_at_once(server):
    with connect(server.port) as connection:
        assert call(connection, "no_such_call") == [1, 7, "no_such_call is not supported by this server", None]
        assert call(connection, "get_actors_by_id", "x")[3] == [
            [0, ["get_actors_by_id, argument 1: expected a list, found 'x'"]]
        ]


def test_a_token_that_nobody_uses_costs_one_wait(carla, server, world, ego):
    camera = spawn_camera(carla, world, "rgb", ego)
    with connect(server.port) as connection:
        call(connection, "get_sensor_token", camera.id)
        started = time.monotonic()
        world.tick()
        assert 0.5 < time.monotonic() - started
    # The connection that asked is gone: nobody waits for it.
    with connect(server.port) as connection:
        call(connection, "get_sensor_token", camera.id)
    time.sleep(0.2)
    started = time.monotonic()
    world.tick()
    assert time.monotonic() - started < 0.9


def test_a_thousand_spawns_and_destroys_leave_nothing(carla, server, client, world, ego):
    library, process = world.get_blueprint_library(), psutil.Process(server.process.pid)
    prop, camera = library.find("static.prop.dog"), library.find("sensor.camera.rgb")
    place = carla.Transform(carla.Location(40.0, 0.0, 0.0))

    def spawn_and_destroy(count: int) -> None:
        for _ in range(count):
            with_parent = carla.command.SpawnActor(camera, carla.Transform(), ego)
            made = client.apply_batch_sync([carla.command.SpawnActor(prop, place), with_parent], False)
            assert not any(r.error for r in made)
            gone = client.apply_batch_sync([carla.command.DestroyActor(r.actor_id) for r in made], False)
            assert not any(r.error for r in gone)
        world.tick()

    spawn_and_destroy(50)
    before = (process.memory_info().rss, process.num_fds(), process.num_threads(), len(world.get_actors()))
    spawn_and_destroy(500)
    after = (process.memory_info().rss, process.num_fds(), process.num_threads(), len(world.get_actors()))
    assert after[0] - before[0] < 8e6
    assert after[1:] == before[1:]


def test_ctrl_c_ends_cleanly(start_server):
    server = start_server()
    waiting = connect(server.port)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=PATIENCE_S) == 0
    assert is_closed(waiting)
    assert "Traceback" not in server.log.read_text()


def test_a_killed_server_is_a_runtime_error_for_its_client(carla, start_server):
    server = start_server()
    client = carla.Client("127.0.0.1", server.port)
    client.set_timeout(3.0)
    world = client.get_world()
    os.kill(server.process.pid, 9)
    server.process.wait()
    with pytest.raises(RuntimeError, match="time-out of 3000ms"):
        world.get_settings()
