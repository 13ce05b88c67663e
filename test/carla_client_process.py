"""Clients that tests run in a process of their own: ``python carla_client_process.py PORT ROLE``.

``listener``: synchronous mode, a car with a camera that is listened to, prints "listening", then sleeps.
``traffic``: lets the client's traffic manager drive a car, prints its speed and its distance from its lane's middle;
then loads another map with the car still under way, and prints that map's name.
``lights``: lets it drive towards a red light, prints how far before the line it stands and its speed, then the
speed that it has some time after the light turned green.
"""

from __future__ import annotations

import sys
import time

import carla
from carla_cameras import Heard, spawn_camera


def synchronous(client: carla.Client) -> carla.World:
    """The client's world, ticked by this process."""
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return world


def listener(client: carla.Client) -> None:
    world = synchronous(client)
    blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
    car = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
    heard = Heard(spawn_camera(carla, world, "rgb", car))
    world.tick()
    heard.next()
    print("listening", flush=True)
    time.sleep(600.0)


def traffic(client: carla.Client) -> None:
    world = synchronous(client)
    blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
    car = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
    world.tick()
    manager = client.get_trafficmanager(int(sys.argv[3]))
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    car.set_autopilot(True, manager.get_port())
    manager.set_desired_speed(car, 20.0)
    for _ in range(120):
        world.tick()
    lane = world.get_map().get_waypoint(car.get_location())
    print(car.get_velocity().length(), lane.transform.location.distance(car.get_location()), flush=True)
    print(client.load_world("Town2002").get_map().name, flush=True)


def lights(client: carla.Client) -> None:
    world = synchronous(client)
    world.tick()
    light = world.get_actors().filter("traffic.traffic_light")[0]
    light.set_state(carla.TrafficLightState.Red)
    light.freeze(True)
    line = light.get_affected_lane_waypoints()[0]
    start = line.previous(25.0)[0].transform
    start.location.z = 0.3
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), start)
    world.tick()
    manager = client.get_trafficmanager(int(sys.argv[3]))
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    car.set_autopilot(True, manager.get_port())
    manager.set_desired_speed(car, 20.0)
    for _ in range(160):
        world.tick()
    front = car.bounding_box.extent.x
    to_line = line.transform.location.distance(car.get_location()) - front
    print(to_line, car.get_velocity().length(), int(car.is_at_traffic_light()), flush=True)
    light.set_state(carla.TrafficLightState.Green)
    for _ in range(60):
        world.tick()
    print(car.get_velocity().length(), flush=True)
    manager.shut_down()


if __name__ == "__main__":
    made = carla.Client("127.0.0.1", int(sys.argv[1]))
    made.set_timeout(60.0)
    {"listener": listener, "traffic": traffic, "lights": lights}[sys.argv[2]](made)
