"""The traffic lights of a map: which lanes each is for, where these stop, and who has green together."""

from __future__ import annotations

from ros_anomaly_sim.street.layout import RIGHT, RoadProfile
from ros_anomaly_sim.street.network.curve import Pose
from ros_anomaly_sim.street.network.junction import JunctionShape
from ros_anomaly_sim.street.network.road_map import Signal
from ros_anomaly_sim.street.roadside import RoadsideSignal
from ros_anomaly_sim.street.track import Track

_OF_A_JUNCTION = 10
_STOP_TO_ZEBRA_M = 2.6
_ZEBRA_TO_MOUTH_M = 3.2
STOP_BEFORE_MOUTH_M = _ZEBRA_TO_MOUTH_M + _STOP_TO_ZEBRA_M
"""Where there are lights there is a zebra, and the stop line is painted before it."""


def road_signal(
    roadside: RoadsideSignal,
    track: Track,
    profile: RoadProfile,
    junction: int,
    order: tuple[int, int, int],
    mouth_s_m: float,
    road_from_s_m: float = 0.0,
) -> Signal:
    """The signal of a road.

    Args:
        track: the street's, with s as the roadside has it.
        order: which of the junction's lights it is, its phase, and how many phases there are.
        mouth_s_m: where the street's lanes of that side enter the junction.
        road_from_s_m: the street's s at which the road starts.
    """
    side = roadside.side
    stop_s = mouth_s_m - side * STOP_BEFORE_MOUTH_M
    width = profile.lanes * profile.lane_width_m
    heading = float(track.heading_rad(stop_s))
    x, y = track.position(stop_s, side * width / 2)
    stop = Pose(x, y, heading) if side == RIGHT else Pose(x, y, heading).turned_back()
    return Signal(
        number=junction * _OF_A_JUNCTION + order[0],
        junction=junction,
        phase=order[1],
        phases=order[2],
        s_m=stop_s - road_from_s_m,
        lanes=tuple(-side * (lane + 1) for lane in range(profile.lanes)),
        stop=stop,
        width_m=width,
        foot=track.position(roadside.s_m, roadside.d_m),
        heads=tuple((*track.position(s, d), z) for d, s, z in roadside.heads),
    )


def phases_of(shape: JunctionShape) -> tuple[int, ...]:
    """The phase of each arm: those that lie opposite each other have green together."""
    phases: list[int] = []
    for arm in range(len(shape.arms)):
        opposite = [phases[other] for other in range(arm) if shape.goes_straight_on(arm, other)]
        phases.append(opposite[0] if opposite else max(phases, default=-1) + 1)
    return tuple(phases)
