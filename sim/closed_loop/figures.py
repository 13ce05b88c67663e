"""A run's figures: each driver over all its drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from ros_anomaly_sim.closed_loop.record import Kind, ScenarioRecord
from ros_anomaly_sim.closed_loop.result import Cause, DriveResult

ORACLE, BLIND = "oracle", "blind"


@dataclass(frozen=True)
class Contestant:
    """A driver at one latency."""

    driver: str
    latency_ms: float

    @property
    def label(self) -> str:
        """As reports call it."""
        return self.driver if self.driver in (ORACLE, BLIND) else f"{self.driver}, Δt {self.latency_ms:.0f} ms"

    @property
    def sees(self) -> bool:
        """Whether it is the one that is on trial."""
        return self.driver not in (ORACLE, BLIND)

    def drive_of(self, record: ScenarioRecord) -> DriveResult | None:
        """Its drive of a scenario."""
        return record.drive(self.driver, self.latency_ms)


@dataclass(frozen=True)
class Figures:
    """Of one contestant; None where there was nothing to measure.

    Attributes:
        in_the_way: scenarios with an anomaly in the way, ``hits`` those where it was touched.
        collisions: drives of any scenario that ended in something.
        impact_kmh: mean speed at the first touch.
        known: anomalies in the way that were known before they were touched, of ``anomalies``.
        known_from_m, known_before_s: medians over them.
        margin_m, least_margin_m: median and least gap where the car stood.
        open_routes: of which ``completed`` were.
        speed_routes: open routes that it and the oracle both completed; elsewhere there is no speed to compare.
        speed_share: mean over ``speed_routes`` of mean speed over that of the oracle.
        false_brakings, false_stops, unknown_stops: times of braking for nothing, those to a stand, and stops because
            the detector could not tell; times that it kept a standing car from setting off included.
    """

    drives: int
    in_the_way: int
    hits: int
    collisions: int
    impact_kmh: float | None
    anomalies: int
    known: int
    known_from_m: float | None
    known_before_s: float | None
    margin_m: float | None
    least_margin_m: float | None
    open_routes: int
    completed: int
    speed_routes: int
    speed_share: float | None
    false_brakings: int
    false_stops: int
    unknown_stops: int
    images: int
    dropped: int
    late: int
    missed: int
    unanswered: int


def contestants(records: Sequence[ScenarioRecord]) -> list[Contestant]:
    """Who drove: those that see, the latest first, then oracle, then blind."""
    found = {Contestant(drive.driver, drive.latency_ms) for record in records for drive in record.drives}
    order = {ORACLE: 1, BLIND: 2}
    return sorted(found, key=lambda c: (order.get(c.driver, 0), c.driver, -c.latency_ms))


def figures_of(contestant: Contestant, records: Sequence[ScenarioRecord]) -> Figures:
    """Over all scenarios that it drove."""
    pairs = [(record, drive) for record in records if (drive := contestant.drive_of(record)) is not None]
    drives = [drive for _, drive in pairs]
    blocked = [drive for record, drive in pairs if record.kind is Kind.IN_THE_WAY]
    open_routes = [(record, drive) for record, drive in pairs if record.kind is not Kind.IN_THE_WAY]
    in_path = [anomaly for drive in blocked for anomaly in drive.anomalies_in_path]
    known = [anomaly for anomaly in in_path if anomaly.known_from_m is not None and anomaly.known_from_m > 0]
    margins = [anomaly.margin_m for anomaly in in_path if anomaly.margin_m is not None]
    impacts = [3.6 * drive.collisions[0].impact_mps for drive in drives if drive.collisions]
    shares = [share for record, drive in open_routes if (share := speed_share(record, drive)) is not None]
    return Figures(
        drives=len(drives),
        in_the_way=len(blocked),
        hits=sum(hit_in_path(drive) for drive in blocked),
        collisions=len(impacts),
        impact_kmh=_of(mean, impacts),
        anomalies=len(in_path),
        known=len(known),
        known_from_m=_of(median, [a.known_from_m for a in known if a.known_from_m is not None]),
        known_before_s=_of(median, [a.known_before_s for a in known if a.known_before_s is not None]),
        margin_m=_of(median, margins),
        least_margin_m=_of(min, margins),
        open_routes=len(open_routes),
        completed=sum(drive.completed for _, drive in open_routes),
        speed_routes=len(shares),
        speed_share=_of(mean, shares),
        false_brakings=sum(b.cause is Cause.FALSE for drive in drives for b in drive.brakings),
        false_stops=sum(drive.false_stops for drive in drives),
        unknown_stops=sum(drive.unknown_stops for drive in drives),
        images=sum(drive.images for drive in drives),
        dropped=sum(drive.dropped for drive in drives),
        late=sum(drive.late for drive in drives),
        missed=sum(drive.missed for drive in drives),
        unanswered=sum(drive.unanswered for drive in drives),
    )


def hit_in_path(drive: DriveResult) -> bool:
    """Whether the car touched an anomaly that stood in its way."""
    return any(anomaly.hit for anomaly in drive.anomalies_in_path)


def speed_share(record: ScenarioRecord, drive: DriveResult) -> float | None:
    """Mean speed of a drive over that of the oracle's; None unless both drove the route to its end.

    A drive that was held, ran out of time or ended in something drove another way than the oracle's: its mean speed
    says how far it came, not how fast it would have been there.
    """
    oracle = record.drive(ORACLE)
    if oracle is None or not (oracle.completed and drive.completed and oracle.mean_speed_mps):
        return None
    return drive.mean_speed_mps / oracle.mean_speed_mps


def _of(figure: Callable[[list[float]], float], values: list[float]) -> float | None:
    return float(figure(values)) if values else None
