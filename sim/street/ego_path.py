"""The ego vehicle's path: a smooth speed along its lane, and smooth swerves around what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.track import Track

CRUISE_MPS = 10.0
_WAVES_MPS_RADPS = ((1.2, 0.31), (0.6, 0.83))
TOP_SPEED_MPS = CRUISE_MPS + sum(amplitude for amplitude, _ in _WAVES_MPS_RADPS)
SWERVE_RAMP_M = 24.0


@dataclass(frozen=True)
class Swerve:
    """A shift of ``shift_m`` in d, held from ``s_m - hold_m`` to ``s_m + hold_m``, with smooth ramps on both sides."""

    s_m: float
    hold_m: float
    shift_m: float
    ramp_m: float = SWERVE_RAMP_M

    def offset_m(self, s_m: np.ndarray) -> np.ndarray:
        """Shift at s: a smoothstep ramp, so that heading and lateral speed have no jump."""
        x = np.clip((self.hold_m + self.ramp_m - np.abs(s_m - self.s_m)) / self.ramp_m, 0.0, 1.0)
        return self.shift_m * x**3 * (10.0 - 15.0 * x + 6.0 * x * x)


@dataclass(frozen=True)
class EgoPath:
    """Motion of base_link as a function of time; speeds lie within 8.2 and 11.8 m/s."""

    track: Track
    start_s_m: float
    lane_d_m: float
    phases_rad: tuple[float, float]
    swerves: tuple[Swerve, ...] = ()

    def s_m(self, t_s: np.ndarray) -> np.ndarray:
        """Distance along the road: the integral of ``speed_mps``."""
        s = self.start_s_m + CRUISE_MPS * t_s
        for (amplitude, rate), phase in zip(_WAVES_MPS_RADPS, self.phases_rad, strict=True):
            s = s + amplitude / rate * (np.cos(phase) - np.cos(rate * t_s + phase))
        return s

    def speed_mps(self, t_s: float) -> float:
        """Speed along the road."""
        waves = zip(_WAVES_MPS_RADPS, self.phases_rad, strict=True)
        return CRUISE_MPS + sum(amplitude * float(np.sin(rate * t_s + phase)) for (amplitude, rate), phase in waves)

    def d_m(self, s_m: np.ndarray) -> np.ndarray:
        """Lateral position at s: the lane's middle and the swerves."""
        d = np.full_like(np.asarray(s_m, float), self.lane_d_m)
        for swerve in self.swerves:
            d = d + swerve.offset_m(s_m)
        return d

    def pose(self, t_s: float) -> tuple[float, float, float]:
        """World (x, y, yaw) of base_link; the yaw is that of the path's tangent."""
        s = self.s_m(np.array([t_s - 0.05, t_s, t_s + 0.05]))
        before, here, after = self.track.positions(s, self.d_m(s))
        along = after - before
        return float(here[0]), float(here[1]), float(np.arctan2(-along[0], along[1]))

    def yaw_rate_radps(self, t_s: float) -> float:
        """Rate of the yaw, counter-clockwise positive."""
        turned = self.pose(t_s + 0.05)[2] - self.pose(t_s - 0.05)[2]
        return float((turned + np.pi) % (2 * np.pi) - np.pi) / 0.1
