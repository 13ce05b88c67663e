"""Actors that move along a drive: positions as functions of time, and those that would collide left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ros_anomaly_sim.street.actors import Actor
from ros_anomaly_sim.street.ego_path import EgoPath

CHECK_STEP_S = 0.1


class Motion(Protocol):
    """Where something is in road coordinates, and how it is turned relative to the road."""

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(s, d, yaw) at the times [n], each [n]."""
        ...


@dataclass(frozen=True)
class LaneMotion:
    """Steady speed along a lane; a negative speed drives against s."""

    s0_m: float
    d_m: float
    speed_mps: float

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        yaw = 0.0 if self.speed_mps > 0 else np.pi
        return self.s0_m + self.speed_mps * t_s, np.full_like(t_s, self.d_m), np.full_like(t_s, yaw)


@dataclass(frozen=True)
class LeadMotion:
    """A car that keeps ``gap_m`` ahead of the ego vehicle in its lane."""

    path: EgoPath
    gap_m: float

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.path.s_m(t_s) + self.gap_m, np.full_like(t_s, self.path.lane_d_m), np.zeros_like(t_s)


@dataclass(frozen=True)
class StrollMotion:
    """Walking to and fro between two places on the sidewalk; a range of 0 stands still."""

    s_m: float
    range_m: float
    d_m: float
    speed_mps: float
    phase_m: float
    idle_yaw_rad: float

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d = np.full_like(t_s, self.d_m)
        if self.range_m <= 0.0:
            return np.full_like(t_s, self.s_m), d, np.full_like(t_s, self.idle_yaw_rad)
        walked = (self.phase_m + self.speed_mps * t_s) % (2 * self.range_m)
        forth = walked < self.range_m
        return self.s_m + np.where(forth, walked, 2 * self.range_m - walked), d, np.where(forth, 0.0, np.pi)


@dataclass(frozen=True)
class CrossingMotion:
    """Waiting at the kerb, crossing at ``start_s``, waiting on the other side."""

    s_m: float
    from_d_m: float
    to_d_m: float
    start_s: float
    speed_mps: float

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        towards = 1.0 if self.to_d_m > self.from_d_m else -1.0
        walked = np.clip((t_s - self.start_s) * self.speed_mps, 0.0, abs(self.to_d_m - self.from_d_m))
        d = self.from_d_m + towards * walked
        return np.full_like(t_s, self.s_m), d, np.full_like(t_s, -towards * np.pi / 2)


@dataclass(frozen=True)
class Mover:
    """An actor and its motion; ``actor`` holds model, size, class and paint."""

    actor: Actor
    motion: Motion
    instance_id: int

    def at(self, t_s: float) -> Actor:
        """The actor where it is at that time."""
        s, d, yaw = (float(v[0]) for v in self.motion.at(np.array([t_s])))
        return replace(self.actor, s_m=s, d_m=d, yaw_rad=yaw)


@dataclass(frozen=True)
class Trail:
    """Positions over the whole drive and the room that is kept: along s and across d."""

    s_m: np.ndarray
    d_m: np.ndarray
    half_along_m: float
    half_across_m: float

    def meets(self, other: Trail, gap_m: float) -> bool:
        """Whether the two ever come closer than ``gap_m`` in both directions."""
        along = np.abs(self.s_m - other.s_m) < self.half_along_m + other.half_along_m + gap_m
        across = np.abs(self.d_m - other.d_m) < self.half_across_m + other.half_across_m + gap_m * 0.4
        return bool((along & across).any())
