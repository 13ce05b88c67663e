"""Traffic lights by themselves: who is green when, and who stands before which."""

from __future__ import annotations

import math

import pytest

from ros_anomaly_sim.server.actors import Actor, Shape
from ros_anomaly_sim.server.blueprints import Blueprint, Kind
from ros_anomaly_sim.server.geometry import Transform, carla_yaw_deg, to_street
from ros_anomaly_sim.server.structs import ActorDescription
from ros_anomaly_sim.server.tags import Tag
from ros_anomaly_sim.server.traffic_lights import LightState, TrafficLights
from ros_anomaly_sim.street.network.curve import Pose
from ros_anomaly_sim.street.network.road_map import Signal

GREEN, YELLOW, RED = LightState.GREEN, LightState.YELLOW, LightState.RED


def signal(number: int, phase: int, phases: int = 2, junction: int = 1000, heading: float = 0.0) -> Signal:
    stop = Pose(10.0 * number, 5.0, heading)
    return Signal(
        number, junction, phase, phases, 20.0, (-1,), stop, 3.5, (10.0 * number + 3.0, 9.0), ((0.0, 0.0, 2.5),)
    )


def lights(*signals: Signal) -> TrafficLights:
    return TrafficLights(signals, range(20002, 20002 + len(signals)))


def seen(group: TrafficLights, seconds: float, step_s: float = 0.5) -> list[tuple[LightState, ...]]:
    """The different states, in their order."""
    found: list[tuple[LightState, ...]] = []
    for _ in range(round(seconds / step_s)):
        group.tick(step_s)
        states = tuple(light.state for light in group)
        if not found or found[-1] != states:
            found.append(states)
    return found


def test_phases_take_turns_with_yellow_and_red_between():
    group = lights(signal(0, 0), signal(1, 1), signal(2, 0))
    cycle = [(GREEN, RED, GREEN), (YELLOW, RED, YELLOW), (RED, RED, RED), (RED, GREEN, RED), (RED, YELLOW, RED)]
    assert seen(group, 30.0) == [*cycle, (RED, RED, RED), (GREEN, RED, GREEN)]


def test_a_phase_without_lights_is_somebodys_turn():
    alone = lights(signal(0, 0, phases=2))
    assert seen(alone, 29.5) == [(GREEN,), (YELLOW,), (RED,)]
    assert seen(alone, 1.0) == [(GREEN,)]


def test_times_belong_to_a_phase_and_none_may_be_endless():
    group = lights(signal(0, 0), signal(1, 1))
    first, second = group
    first.seconds[GREEN] = 1.0
    assert second.seconds[GREEN] == 10.0
    group.tick(1.0)
    assert (first.state, first.shown_s) == (YELLOW, 0.0)
    for light in group:
        light.seconds.update({GREEN: 0.0, YELLOW: 0.0, RED: 0.0})
    group.tick(5.0)


def test_a_frozen_junction_stays_and_others_go_on():
    here, there = lights(signal(0, 0), signal(1, 0, junction=1001))
    here.group.frozen = True
    for _ in range(24):
        here.group.tick(0.5)
        there.group.tick(0.5)
    assert (here.state, here.shown_s) == (GREEN, 0.0)
    assert there.state is YELLOW
    there.group.reset()
    assert (there.state, there.shown_s) == (GREEN, 0.0)


def test_a_state_that_is_set_holds_until_the_phases_next_step():
    group = lights(signal(0, 0), signal(1, 1))
    first, second = group
    second.show(LightState.OFF)
    group.tick(5.0)
    assert (first.state, second.state) == (GREEN, LightState.OFF)
    group.tick(10.0)
    assert second.state is GREEN


def car(x: float, y: float, heading: float) -> Actor:
    """At a place in the streets' frame."""
    blueprint = Blueprint("vehicle.a.b", Kind.VEHICLE, Tag.CAR)
    where = Transform(to_street((x, y, 0.0)), (0.0, carla_yaw_deg(heading), 0.0))
    return Actor(1, blueprint, ActorDescription.plain("vehicle.a.b"), where, Shape("car", (2.2, 0.9, 0.75)))


@pytest.mark.parametrize("heading", [0.0, 0.7, math.pi / 2, -2.5])
@pytest.mark.parametrize(
    ("ahead", "right", "turned", "stands"),
    [
        (-3.0, 0.0, 0.0, True),  # the bumper is 0.8 m before the line
        (-10.0, 0.5, 0.0, True),
        (-10.5, 0.0, 0.0, False),
        (-1.5, 0.0, 0.0, False),
        (-4.0, 2.0, 0.0, False),
        (-3.0, 0.0, math.pi, False),
    ],
)
def test_who_stands_before_a_light(heading, ahead, right, turned, stands):
    far, near = signal(30, 0), signal(0, 0, heading=heading)
    group = lights(far, near)
    place = near.stop.moved(ahead, right)
    found = group.before(car(place.x_m, place.y_m, heading + turned))
    assert (found is not None and found.signal is near) if stands else found is None


def test_no_lights_at_all():
    assert lights().before(car(0.0, 0.0, 0.0)) is None
    lights().tick(1.0)
