"""The fixed evaluation protocols 'street-test-1' and 'validation'."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from ros_anomaly.data.labels import VOID_ID
from ros_anomaly_sim.street import weather as weathers
from ros_anomaly_sim.street.anomalies import (
    FIRST_INSTANCE_ID,
    KIND_OF_SPLIT,
    Anomaly,
    draw_model,
    fits,
    ground_height_m,
)
from ros_anomaly_sim.street.frames import FrameSpec, describe, lane_viewpoint
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.town import Town
from ros_anomaly_sim.street.viewpoint import Density, Viewpoint, populate

NEAREST_M = 5.0
FURTHEST_M = 60.0
LANE_HALF_WIDTH_M = 1.75
_COUNT_SHARES = (0.5, 0.3, 0.2)
_DRAWS = 60
_SIGHT_SLOPE = 0.8


@dataclass(frozen=True)
class Protocol:
    """Towns and frames per town; the object kind follows from the towns' split."""

    name: str
    towns: range
    frames_per_town: int


PROTOCOLS: dict[str, Protocol] = {
    p.name: p
    for p in (
        Protocol("street-test-1", range(2000, 2020), 30),
        Protocol("validation", range(1000, 1020), 30),
    )
}


@dataclass(frozen=True)
class ProtocolFrames:
    """The frames of a protocol, in order of towns, made one at a time.

    ``frames`` below the protocol's own number takes the first ones of every town, evenly over the towns.
    """

    protocol: Protocol
    library: ModelLibrary
    frames: int | None = None

    def __post_init__(self) -> None:
        most = len(self.protocol.towns) * self.protocol.frames_per_town
        if self.frames is not None and not 1 <= self.frames <= most:
            raise ValueError(f"frames: expected 1..{most} for {self.protocol.name}, found {self.frames}")

    def __len__(self) -> int:
        return sum(count for _, count in self.per_town())

    def __iter__(self) -> Iterator[FrameSpec]:
        for town_seed, count in self.per_town():
            if count:
                town = Town.generate(town_seed, self.library)
                for frame in range(count):
                    yield protocol_frame(self.protocol.name, town, frame, self.library)

    def per_town(self) -> tuple[tuple[int, int], ...]:
        """(town seed, number of frames) of every town."""
        towns = self.protocol.towns
        if self.frames is None:
            return tuple((t, self.protocol.frames_per_town) for t in towns)
        cuts = np.round(np.linspace(0, self.frames, len(towns) + 1)).astype(int)
        return tuple((t, int(b - a)) for t, a, b in zip(towns, cuts[:-1], cuts[1:], strict=True))


def protocol_frames(name: str, library: ModelLibrary, frames: int | None = None) -> ProtocolFrames:
    """Frames of the protocol of that name; ValueError names the known ones."""
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}: expected one of {', '.join(PROTOCOLS)}")
    return ProtocolFrames(PROTOCOLS[name], library, frames)


def protocol_frame(name: str, town: Town, frame: int, library: ModelLibrary) -> FrameSpec:
    """One frame, the same for the same protocol, town and number."""
    rng = np.random.default_rng([crc32(name.encode()), town.seed, frame])
    view = lane_viewpoint(town, rng)
    view = replace(view, d_m=view.lane_d_m + float(rng.uniform(-0.2, 0.2)), yaw_rad=float(rng.normal(0, 0.015)))
    occupied = view.free_ground(town)
    # Over consecutive towns every fourth frame of the whole is without anomaly, whatever the truncation.
    count = 0 if (town.seed + frame) % 4 == 0 else 1 + int(rng.choice(3, p=_COUNT_SHARES))
    anomalies = _place(town, library, view, occupied, count, rng)
    light = weathers.preset(weathers.PRESETS[int(rng.integers(len(weathers.PRESETS)))])
    light = weathers.turned(light, float(rng.uniform(0, 2 * np.pi)))
    scene = populate(town, library, view, anomalies, occupied, Density.sample(rng), light, rng)
    info = {
        "protocol": name,
        "town": town.seed,
        "frame": frame,
        "weather": light.name,
        "sensor_noise": True,
        "anomalies": [describe(a, view, town) for a in anomalies],
    }
    return FrameSpec(f"{name}_{town.seed:04d}_{frame:02d}", scene, view.pose(town), info)


def void_small_anomalies(
    class_ids: np.ndarray, instance_ids: np.ndarray, anomaly_ids: Collection[int], min_px: int = 20
) -> np.ndarray:
    """Class ids [H, W] with anomalies of fewer than ``min_px`` visible pixels set to void; the input is left as it is.

    Args:
        class_ids: uint8 [H, W].
        instance_ids: uint16 [H, W], of the same frame.
        anomaly_ids: instance ids of the frame's anomalies.
    """
    if class_ids.shape != instance_ids.shape:
        raise ValueError(f"instance_ids: expected shape {class_ids.shape}, found {instance_ids.shape}")
    voided = class_ids.copy()
    for instance_id in anomaly_ids:
        visible = instance_ids == instance_id
        if 0 < int(visible.sum()) < min_px:
            voided[visible] = VOID_ID
    return voided


def _place(
    town: Town, library: ModelLibrary, view: Viewpoint, occupied: Occupancy, count: int, rng: np.random.Generator
) -> tuple[Anomaly, ...]:
    found: list[Anomaly] = []
    while len(found) < count:
        # Distance and lane are drawn first and kept while objects and places are tried, so that they stay as stated.
        distance = float(np.exp(rng.uniform(np.log(NEAREST_M), np.log(FURTHEST_M))))
        in_lane = rng.random() < 0.5
        for _ in range(_DRAWS):
            anomaly = _candidate(town, library, view, distance, in_lane, FIRST_INSTANCE_ID + len(found), rng)
            if anomaly is not None and fits(town, anomaly, occupied):
                found.append(anomaly)
                occupied.add(anomaly.footprint(town))
                break
    return tuple(found)


def _candidate(
    town: Town,
    library: ModelLibrary,
    view: Viewpoint,
    distance_m: float,
    in_lane: bool,
    instance_id: int,
    rng: np.random.Generator,
) -> Anomaly | None:
    """A random object at that distance from the camera, or None where the place drawn cannot be."""
    profile = town.plan.profile
    name, half = draw_model(library, KIND_OF_SPLIT[town.split], town.split, rng)
    if in_lane:
        d = view.lane_d_m + float(rng.uniform(-LANE_HALF_WIDTH_M, LANE_HALF_WIDTH_M))
    else:
        d = float(rng.uniform(-profile.frontage_m(-1), profile.frontage_m(1)))
        if abs(d - view.lane_d_m) <= LANE_HALF_WIDTH_M:
            return None
    across = d - view.d_m
    if abs(across) > distance_m * _SIGHT_SLOPE / np.hypot(1.0, _SIGHT_SLOPE):
        return None
    s = view.ahead_s(float(np.sqrt(distance_m**2 - across**2)))
    yaw = float(rng.uniform(0, 2 * np.pi))
    return Anomaly(instance_id, name, s, d, ground_height_m(town, s, d), yaw, half)
