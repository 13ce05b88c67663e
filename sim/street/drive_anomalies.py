"""Anomalies along a drive: in and beside the ego vehicle's corridor, with one stretch of road without any."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.street.anomalies import (
    FIRST_INSTANCE_ID,
    KIND_OF_SPLIT,
    Anomaly,
    fits,
    ground_height_m,
)
from ros_anomaly_sim.street.ego_path import EgoPath, Swerve
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.town import Town

CORRIDOR_HALF_M = 1.6
CLEAR_AHEAD_M = 100.0
_EGO_HALF_WIDTH_M = 1.0
_SWERVE_CLEARANCE_M = 0.35
_SHORTEST_WITH_STRETCH_S = 45.0
_FIRST_AHEAD_M = 48.0
_SPACING_M = 62.0
_LEAST = 6
_CORRIDOR_SIZE_M = (0.7, 2.6)
_DRAWS = 200


def clear_window_s(duration_s: float, clear_stretch_s: float) -> tuple[float, float] | None:
    """(start, end) of the stretch without anomalies, a third into the drive; None for a short drive."""
    if duration_s < _SHORTEST_WITH_STRETCH_S or clear_stretch_s <= 0.0:
        return None
    start = 0.36 * duration_s
    return start, min(start + clear_stretch_s, 0.75 * duration_s)


def half_across_m(anomaly: Anomaly) -> float:
    """Half of its extent across the road as it is turned."""
    return float(anomaly.half_m[0] * abs(np.cos(anomaly.yaw_rad)) + anomaly.half_m[1] * abs(np.sin(anomaly.yaw_rad)))


def corridor_swerve(anomaly: Anomaly, lane_d_m: float) -> Swerve | None:
    """How the ego vehicle passes an anomaly in its corridor, on the side with more room; None if it is not in it."""
    offset, half = anomaly.d_m - lane_d_m, half_across_m(anomaly)
    if abs(offset) - half > CORRIDOR_HALF_M:
        return None
    room = half + _EGO_HALF_WIDTH_M + _SWERVE_CLEARANCE_M
    shift = offset - room if offset >= 0 else offset + room
    return Swerve(anomaly.s_m, anomaly.reach_m + 4.0, float(shift))


def place_along(
    town: Town,
    library: ModelLibrary,
    path: EgoPath,
    duration_s: float,
    clear_s: tuple[float, float] | None,
    occupied: Occupancy,
    rng: np.random.Generator,
) -> tuple[Anomaly, ...]:
    """Anomalies about every 60 m of the drive, alternately in the corridor and off it; ``occupied`` gains them."""
    kind = KIND_OF_SPLIT[town.split]
    names = list(library.names(kind, town.split))
    rng.shuffle(names)
    found: list[Anomaly] = []
    for index, s in enumerate(_slots(path, duration_s, clear_s)):
        in_corridor = index % 2 == 0
        anomaly = _fill(town, library, names, path.lane_d_m, s, in_corridor, FIRST_INSTANCE_ID + index, occupied, rng)
        if anomaly is not None:
            found.append(anomaly)
            occupied.add(anomaly.footprint(town))
            names.remove(anomaly.model)
    return tuple(found)


def _slots(path: EgoPath, duration_s: float, clear_s: tuple[float, float] | None) -> list[float]:
    def s_at(t_s: float) -> float:
        return float(path.s_m(np.array([t_s]))[0])

    first, last = s_at(0.0) + _FIRST_AHEAD_M, s_at(duration_s) + 12.0
    if clear_s is None:
        return list(np.arange(first, max(last, first + 1.0), _SPACING_M))
    parts = [(first, s_at(clear_s[0]) - 4.0), (s_at(clear_s[1]) + CLEAR_AHEAD_M + 8.0, last)]
    room = sum(max(0.0, b - a) for a, b in parts)
    spacing = min(_SPACING_M, room / _LEAST)
    return [float(s) for a, b in parts for s in np.arange(a, b, spacing)]


def _fill(
    town: Town,
    library: ModelLibrary,
    names: list[str],
    lane_d_m: float,
    s_m: float,
    in_corridor: bool,
    instance_id: int,
    occupied: Occupancy,
    rng: np.random.Generator,
) -> Anomaly | None:
    """An object near s that fits there; None if none of the draws does."""
    profile = town.plan.profile
    for draw in range(_DRAWS):
        name = names[draw % len(names)]
        width, length, height = library.load(name).size_m
        if in_corridor and not _CORRIDOR_SIZE_M[0] <= max(width, length, height) <= _CORRIDOR_SIZE_M[1]:
            continue
        if in_corridor:
            d = lane_d_m + float(rng.uniform(0.1, 0.8))
        else:
            side = 1 if rng.random() < 0.6 else -1
            near = profile.edge_m(side) + profile.verge_m(side)
            d = side * float(rng.uniform(near - 1.5, profile.frontage_m(side) - 0.3))
        s = s_m + float(rng.uniform(-3.0, 3.0))
        z = ground_height_m(town, s, d)
        anomaly = Anomaly(instance_id, name, s, d, z, float(rng.uniform(0, 2 * np.pi)), (width / 2, length / 2))
        beside = abs(d - lane_d_m) - half_across_m(anomaly) > CORRIDOR_HALF_M + 0.3
        if (in_corridor or beside) and fits(town, anomaly, occupied):
            return anomaly
    return None
