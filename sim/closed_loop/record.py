"""A scenario with all its drives, as it is kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from ros_anomaly.checked import from_mapping
from ros_anomaly_sim.closed_loop.result import DriveResult
from ros_anomaly_sim.scenarios.schema import Expected, Scenario


class Kind(Enum):
    """What a scenario tries."""

    IN_THE_WAY = "in the way"
    """An anomaly blocks the route."""
    BESIDE = "beside the way"
    """An anomaly stands elsewhere; the route is open."""
    CONTROL = "no anomaly"
    """The route is open, with traffic, shadows, water."""

    @classmethod
    def of(cls, scenario: Scenario) -> Kind:
        """Of a scenario."""
        if scenario.expected is Expected.BLOCKED:
            return cls.IN_THE_WAY
        return cls.BESIDE if scenario.anomalies else cls.CONTROL


@dataclass(frozen=True)
class Film:
    """Which drive was filmed; of every frame the seconds from its start, and whether the detector judged its image."""

    driver: str
    latency_ms: float
    times_s: tuple[float, ...]
    judged: tuple[bool, ...]


@dataclass(frozen=True)
class ScenarioRecord:
    """What was driven.

    Attributes:
        digest: of the scenario as it was then.
        wall_s: how long all of it took.
    """

    name: str
    digest: str
    description: str
    kind: Kind
    home: str
    map: str
    weather: str
    light: str
    speed_kmh: float
    route_m: float
    drives: tuple[DriveResult, ...]
    film: Film | None
    wall_s: float

    @classmethod
    def of(
        cls, scenario: Scenario, drives: tuple[DriveResult, ...], film: Film | None, wall_s: float
    ) -> ScenarioRecord:
        """Of a scenario that was driven."""
        return cls(
            name=scenario.name,
            digest=digest_of(scenario),
            description=scenario.description,
            kind=Kind.of(scenario),
            home=scenario.home.value,
            map=scenario.map,
            weather=scenario.weather.value,
            light=scenario.light.value,
            speed_kmh=scenario.ego.speed_kmh,
            route_m=scenario.ego.route_m,
            drives=drives,
            film=film,
            wall_s=wall_s,
        )

    @property
    def filmed(self) -> DriveResult | None:
        """The drive that the film shows."""
        if self.film is None:
            return None
        return self.drive(self.film.driver, self.film.latency_ms)

    def drive(self, driver: str, latency_ms: float = 0.0) -> DriveResult | None:
        """A drive by its driver and latency; None where there is none."""
        return next((d for d in self.drives if (d.driver, d.latency_ms) == (driver, latency_ms)), None)

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it, tracks included; ``from_plain`` reads it back."""
        return {**self._outline(), "drives": [drive.to_plain() for drive in self.drives]}

    def figures(self) -> dict[str, Any]:
        """The same without tracks and film, with the counts of every drive."""
        outline = self._outline()
        del outline["film"]
        return {**outline, "drives": [drive.figures() for drive in self.drives]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ScenarioRecord:
        """ValueError names the key, what was expected and what was found."""
        return from_mapping(cls, plain)

    def _outline(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "drives"}
        return {**values, "kind": self.kind.value, "film": None if self.film is None else asdict(self.film)}


@dataclass
class Missing:
    """Scenarios that were not driven, by name, and why.

    Attributes:
        skipped: the server has not what they need.
        failed: something went wrong.
    """

    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def digest_of(scenario: Scenario) -> str:
    """The same for the same scenario, another where anything of it changes."""
    return hashlib.blake2b(repr(scenario).encode(), digest_size=8).hexdigest()
