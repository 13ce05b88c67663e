"""How a driver drives: when it brakes, how hard, and when it goes on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from ros_anomaly.checked import read_yaml
from ros_anomaly.limits import check_above_zero


@dataclass(frozen=True)
class Policy:
    """The same for every driver; what differs is what they know.

    Attributes:
        brake: share of the full brakes while the flag holds.
        resume_s: how long the flag must have been down before the drive goes on.
        silence_s: a verdict that is overdue by more than this: the driver brakes as if the flag were up.
        standing_mps: below this speed the car stands.
        held_s: a car that has stood for so long under the flag is held: its drive is over.
        oracle_braking_mps2: what an oracle trusts the brakes to do, also on a wet road.
        oracle_margin_m: how far before an anomaly an oracle means to stop.
        oracle_side_m: room that an oracle wants on either side of the car.
    """

    brake: float = 1.0
    resume_s: float = 0.5
    silence_s: float = 0.6
    standing_mps: float = 0.2
    held_s: float = 3.0
    oracle_braking_mps2: float = 3.5
    oracle_margin_m: float = 4.0
    oracle_side_m: float = 0.3

    def __post_init__(self) -> None:
        for f in fields(self):
            check_above_zero(f.name, getattr(self, f.name))
        if self.brake > 1:
            raise ValueError(f"brake: expected at most 1, found {self.brake}")

    @classmethod
    def load(cls, path: Path) -> Policy:
        """From a YAML file; ValueError names file, key, expected and found."""
        return read_yaml(cls, path)


class Pedals:
    """Decides between going and braking from flags and their age."""

    def __init__(self, policy: Policy, latency_s: float = 0.0) -> None:
        self._policy = policy
        self._oldest_s = policy.silence_s + latency_s
        self._last_up_s: float | None = None

    def braking(self, flag: bool, verdict_age_s: float, now_s: float) -> bool:
        """Whether to brake now.

        Args:
            flag: of the newest verdict that has arrived.
            verdict_age_s: since that verdict arrived.
            now_s: simulated time.
        """
        if flag or self.is_silence(verdict_age_s):
            self._last_up_s = now_s
            return True
        return self._last_up_s is not None and now_s - self._last_up_s < self._policy.resume_s

    def is_silence(self, verdict_age_s: float) -> bool:
        """Whether a verdict that arrived so long ago counts no more: the next should long have come."""
        return verdict_age_s > self._oldest_s
