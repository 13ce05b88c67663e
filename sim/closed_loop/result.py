"""What became of one drive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any

from ros_anomaly.checked import from_mapping

_COUNTS = ("completed", "false_stops", "unknown_stops", "hits")


class End(Enum):
    """Why a drive is over."""

    COMPLETED = "completed"
    """The route is driven."""
    HELD = "held"
    """The car stands, and the flag does not let it go on."""
    COLLIDED = "collided"
    """It ran into something."""
    TIME = "time"
    """The scenario's time is over."""


class Cause(Enum):
    """Why a car braked under the flag."""

    ANOMALY = "anomaly"
    """One was in the way, near enough to be looked for."""
    FALSE = "false"
    """Nothing was in the way."""
    UNKNOWN = "unknown"
    """The detector could not tell."""


@dataclass(frozen=True)
class Collision:
    """The first touch of one other; ``anomaly`` is its number in the scenario, or None."""

    at_s: float
    travelled_m: float
    impact_mps: float
    other: str
    anomaly: int | None


@dataclass(frozen=True)
class AnomalyOutcome:
    """One anomaly of the scenario.

    Attributes:
        distance_m, left_m: where it begins along the route, and its middle across it.
        in_path: whether a car that keeps to the route touches it.
        known_at_s, known_from_m: when the driver was first told of it and the gap to it then; for one in the path the
            flag had to be up for it. None: never.
        known_before_s: that gap over the speed at that moment; None too where the car stood.
        hit: whether the car touched it.
        margin_m: gap to it where the car stood last, None where it did not stop before it or did not know of it.
    """

    name: str
    distance_m: float
    left_m: float
    in_path: bool
    known_at_s: float | None
    known_from_m: float | None
    known_before_s: float | None
    hit: bool
    margin_m: float | None


@dataclass(frozen=True)
class Braking:
    """One stretch of braking under the flag; ``stopped``: until the car stood, or it stood already and could not go."""

    at_s: float
    travelled_m: float
    lasted_s: float
    cause: Cause
    reason: str
    stopped: bool


@dataclass(frozen=True)
class TrackPoint:
    """One tick of a drive: simulated seconds from its start, metres along the route, level as it was acted on."""

    at_s: float
    travelled_m: float
    speed_mps: float
    level: str
    braking: bool


@dataclass(frozen=True)
class ComputeTime:
    """Wall time from image to verdict over a drive; it differs from run to run."""

    median_ms: float
    p95_ms: float
    images: int


@dataclass(frozen=True)
class DriveResult:
    """One scenario driven by one driver. Drives of the same scenario, driver and latency are equal in lockstep.

    Attributes:
        latency_ms: simulated time from image to reaction.
        images: that were judged; ``dropped`` never were, ``late`` had to wait, ``missed`` did not come from the
            simulator, ``unanswered`` were shown to the driver and got no verdict in time.
        mean_speed_mps: over the route up to where it ended, standing included.
        images_digest: of the pixels of all images that were judged, in order; empty without any.
        compute: None where nothing was computed; not compared.
    """

    scenario: str
    driver: str
    latency_ms: float
    end: End
    duration_s: float
    travelled_m: float
    mean_speed_mps: float
    collisions: tuple[Collision, ...]
    anomalies: tuple[AnomalyOutcome, ...]
    brakings: tuple[Braking, ...]
    images: int
    dropped: int
    late: int
    missed: int
    unanswered: int
    images_digest: str
    track: tuple[TrackPoint, ...]
    compute: ComputeTime | None = field(default=None, compare=False)

    @property
    def completed(self) -> bool:
        """Whether the route was driven to its end."""
        return self.end is End.COMPLETED

    @property
    def false_stops(self) -> int:
        """Stops with nothing in the way."""
        return sum(b.stopped and b.cause is Cause.FALSE for b in self.brakings)

    @property
    def unknown_stops(self) -> int:
        """Stops because the detector could not tell."""
        return sum(b.stopped and b.cause is Cause.UNKNOWN for b in self.brakings)

    @property
    def hits(self) -> int:
        """Anomalies that were touched."""
        return sum(anomaly.hit for anomaly in self.anomalies)

    @property
    def anomalies_in_path(self) -> tuple[AnomalyOutcome, ...]:
        """Those that a car runs into if it keeps to the route."""
        return tuple(anomaly for anomaly in self.anomalies if anomaly.in_path)

    def figures(self) -> dict[str, Any]:
        """As JSON knows it, without the track, the counts included."""
        plain = _plain(replace(self, track=()))
        del plain["track"]
        return {**plain, **{name: getattr(self, name) for name in _COUNTS}}

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it; ``from_plain`` reads it back."""
        return _plain(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> DriveResult:
        """ValueError names the key, what was expected and what was found."""
        return from_mapping(cls, plain)


def _plain(result: DriveResult) -> dict[str, Any]:
    return asdict(result, dict_factory=lambda items: {k: v.value if isinstance(v, Enum) else v for k, v in items})
