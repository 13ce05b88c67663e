"""Who else is on the road during a drive: parked cars, traffic in the lanes, people on sidewalks and crossings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ros_anomaly_sim.street.actors import Actor, ActorMaker
from ros_anomaly_sim.street.anomalies import Anomaly
from ros_anomaly_sim.street.ego_path import EgoPath
from ros_anomaly_sim.street.furnishing import footprint
from ros_anomaly_sim.street.layout import RIGHT, SIDES, Junction
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.town import Town
from ros_anomaly_sim.street.traffic import (
    CHECK_STEP_S,
    CrossingMotion,
    LaneMotion,
    LeadMotion,
    Motion,
    Mover,
    StrollMotion,
    Trail,
)

_FIRST_PARKED_ID = 20001
_FIRST_MOVER_ID = 30001
_PARKED_SHARE = 0.4
_STROLL_RANGES_M = (24.0, 12.0, 5.0, 0.0)
_EGO_HALF_M = (2.4, 1.0)


def make_parked(town: Town, library: ModelLibrary, occupied: Occupancy, rng: np.random.Generator) -> list[Placement]:
    """Parked cars along the whole road."""
    cars = ActorMaker(town, library, occupied, rng).parked(-60.0, town.plan.length_m + 60.0, _PARKED_SHARE)
    return [car.placement(town, _FIRST_PARKED_ID + i) for i, car in enumerate(cars)]


def make_traffic(
    town: Town,
    library: ModelLibrary,
    path: EgoPath,
    duration_s: float,
    anomalies: tuple[Anomaly, ...],
    occupied: Occupancy,
    rng: np.random.Generator,
) -> tuple[Mover, ...]:
    """Everything that moves, none of which ever meets the ego vehicle, an anomaly or one another on the road."""
    times = np.arange(0.0, duration_s + CHECK_STEP_S, CHECK_STEP_S)
    ego_s = path.s_m(times)
    ego = Trail(ego_s, path.d_m(ego_s), *_EGO_HALF_M)
    still = [Trail(np.full_like(times, a.s_m), np.full_like(times, a.d_m), a.reach_m, a.reach_m) for a in anomalies]
    trails = [ego, *still]
    movers: list[Mover] = []

    def admit(actor: Actor, motion: Motion, gap_m: float) -> None:
        s, d, _ = motion.at(times)
        along, across = (actor.half_m[0], actor.half_m[1]) if actor.tag == "crossing" else actor.half_m[::-1]
        trail = Trail(s, d, along, across)
        if not any(trail.meets(other, gap_m) for other in trails):
            trails.append(trail)
            movers.append(Mover(actor, motion, _FIRST_MOVER_ID + len(movers)))

    for actor, motion in _lane_traffic(town, library, path, duration_s, not anomalies, rng):
        admit(actor, motion, 1.5)
    for actor, motion in _crossing_people(town, library, path, duration_s, rng):
        admit(actor, motion, 2.0)
    for actor, motion in _strollers(town, library, occupied, rng):
        movers.append(Mover(actor, motion, _FIRST_MOVER_ID + len(movers)))
    return tuple(movers)


def _lane_traffic(
    town: Town, library: ModelLibrary, path: EgoPath, duration_s: float, with_lead: bool, rng: np.random.Generator
) -> list[tuple[Actor, Motion]]:
    profile = town.plan.profile
    traffic: list[tuple[Actor, Motion]] = []
    maker = ActorMaker(town, library, Occupancy(), rng)
    end = town.plan.length_m + 80.0
    if with_lead:
        lead = LeadMotion(path, float(rng.uniform(22.0, 40.0)))
        traffic.append((maker.lane_vehicle(0.0, path.lane_d_m, RIGHT), lead))
    for side in SIDES:
        for lane in range(profile.lanes):
            d = profile.lane_centre_m(side, lane)
            if abs(d - path.lane_d_m) < 0.1:
                continue
            speed = float(rng.uniform(7.0, 10.5))
            travel = speed * duration_s
            s, stop = (-80.0, end + travel) if side < 0 else (-80.0 - travel, end)
            while s < stop:
                offset = float(rng.normal(0, 0.1))
                traffic.append((maker.lane_vehicle(s, d + offset, side), LaneMotion(s, d + offset, side * speed)))
                s += float(rng.uniform(24.0, 85.0))
    return traffic


def _crossing_people(
    town: Town, library: ModelLibrary, path: EgoPath, duration_s: float, rng: np.random.Generator
) -> list[tuple[Actor, Motion]]:
    profile = town.plan.profile
    people: list[tuple[Actor, Motion]] = []
    maker = ActorMaker(town, library, Occupancy(), rng)
    times = np.arange(0.0, duration_s + 1.0, 1.0)
    ego_s = path.s_m(times)
    for zebra in town.plan.zebras_s_m:
        for _ in range(int(rng.integers(0, 3))):
            side = int(rng.choice([-1, 1]))
            s = zebra + float(rng.uniform(-1.2, 1.2))
            start_d, end_d = side * (profile.edge_m(side) - 0.3), -side * (profile.edge_m(-side) - 0.3)
            arrival_s = float(np.interp(s, ego_s, times))
            start = arrival_s - float(rng.uniform(9.0, 16.0))
            speed = float(rng.uniform(1.1, 1.7))
            person = maker.person(s, start_d, 0.0, "crossing")
            people.append((person, CrossingMotion(s, start_d, end_d, start, speed)))
    return people


def _strollers(
    town: Town, library: ModelLibrary, occupied: Occupancy, rng: np.random.Generator
) -> list[tuple[Actor, Motion]]:
    """People who walk on ground that is free over their whole range; where there is none they stand."""
    profile = town.plan.profile
    people: list[tuple[Actor, Motion]] = []
    maker = ActorMaker(town, library, Occupancy(), rng)
    for side in SIDES:
        s = -30.0
        while s < town.plan.length_m + 60.0:
            inner = profile.edge_m(side) + profile.verge_m(side)
            middle = (inner + profile.frontage_m(side)) / 2
            d = side * float(np.clip(middle + rng.normal(0, 0.3), inner + 0.4, profile.frontage_m(side) - 0.4))
            walk = _free_walk(town, occupied, s, d)
            if walk is not None:
                person = maker.person(s, d, SIDEWALK_HEIGHT_M, "walking")
                idle = float(rng.uniform(0, 2 * np.pi))
                motion = StrollMotion(s, walk, d, float(rng.uniform(0.8, 1.5)), float(rng.uniform(0, 40)), idle)
                people.append((replace(person, yaw_rad=idle), motion))
            s += float(rng.uniform(4.0, 18.0))
    return people


def _free_walk(town: Town, occupied: Occupancy, s: float, d: float) -> float | None:
    for length in _STROLL_RANGES_M:
        box = footprint(town.track, s + length / 2, d, (0.35, length / 2 + 0.4), 0.0)
        on_sidewalk = all(
            not s - 1 < j.s_m + j.half_width_m or not j.s_m - j.half_width_m < s + length + 1
            for j in _junctions(town, d)
        )
        if on_sidewalk and occupied.is_free(box):
            occupied.add(box)
            return length
    return None


def _junctions(town: Town, d: float) -> list[Junction]:
    side = 1 if d > 0 else -1
    return [j for j in town.plan.junctions if side in j.sides]
