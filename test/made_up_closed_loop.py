"""A made-up closed-loop run: one anomaly that is stopped for, one that is hit, one open route with a false stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ros_anomaly_sim.closed_loop.folder import RunFolder
from ros_anomaly_sim.closed_loop.record import Film, Kind, Missing, ScenarioRecord
from ros_anomaly_sim.closed_loop.report import Run
from ros_anomaly_sim.closed_loop.result import (
    AnomalyOutcome,
    Braking,
    Cause,
    Collision,
    ComputeTime,
    DriveResult,
    End,
    TrackPoint,
)
from ros_anomaly_sim.film.video import VideoWriter

LATE_MS = 250.0
AT_M, SPEED_MPS, TICK_S = 30.0, 8.0, 0.05
SIZE = (136, 240)


def track(end_m: float, stops: bool, level: str = "clear") -> tuple[TrackPoint, ...]:
    """At an even speed up to ``end_m``, in the last 8 m braking to a stand where it ``stops``."""
    points, at_s, travelled_m = [], 0.0, 0.0
    while travelled_m < end_m - 0.01:
        braking = stops and end_m - travelled_m < 8.0
        speed = SPEED_MPS * ((end_m - travelled_m) / 8.0) ** 0.5 if braking else SPEED_MPS
        if speed < 0.3:
            break
        points.append(TrackPoint(round(at_s, 6), travelled_m, speed, "hazard" if braking else level, braking))
        at_s, travelled_m = at_s + TICK_S, travelled_m + speed * TICK_S
    if stops:
        points.append(TrackPoint(round(at_s, 6), travelled_m, 0.0, "hazard", True))
    return tuple(points)


def drive(scenario: str, driver: str, end: End, latency_ms: float = 0.0, **changes) -> DriveResult:
    """A drive that ended like this; ``changes`` are fields of the result."""
    end_m = {End.HELD: 24.0, End.COLLIDED: AT_M, End.COMPLETED: 60.0, End.TIME: 50.0}[end]
    points = track(end_m, stops=end is End.HELD)
    sees = driver == "detector"
    made = DriveResult(
        scenario=scenario,
        driver=driver,
        latency_ms=latency_ms,
        end=end,
        duration_s=points[-1].at_s,
        travelled_m=points[-1].travelled_m,
        mean_speed_mps=points[-1].travelled_m / points[-1].at_s,
        collisions=(),
        anomalies=(),
        brakings=(),
        images=40 if sees else 0,
        dropped=12 if latency_ms else 0,
        late=15 if latency_ms else 0,
        missed=0,
        unanswered=0,
        images_digest="d1" if sees else "",
        track=points,
        compute=ComputeTime(244.0, 310.0, 40) if sees else None,
    )
    return replace(made, **changes)


def met(name: str, known_from_m: float | None, hit: bool) -> AnomalyOutcome:
    """An anomaly in the way at ``AT_M``, known or not, hit or stopped for."""
    known = known_from_m is not None
    return AnomalyOutcome(
        name=name,
        distance_m=AT_M,
        left_m=0.2,
        in_path=True,
        known_at_s=1.5 if known else None,
        known_from_m=known_from_m,
        known_before_s=known_from_m / SPEED_MPS if known_from_m is not None else None,
        hit=hit,
        margin_m=None if hit else 4.0,
    )


def collided(scenario: str, driver: str, name: str, latency_ms: float = 0.0) -> DriveResult:
    collision = Collision(3.7, AT_M - 2.0, SPEED_MPS, f"static.prop.{name}", 0)
    return drive(
        scenario, driver, End.COLLIDED, latency_ms, collisions=(collision,), anomalies=(met(name, None, True),)
    )


def stopped(scenario: str, driver: str, name: str, latency_ms: float = 0.0) -> DriveResult:
    braking = Braking(2.0, 16.0, 1.5, Cause.ANOMALY, "anomaly in the corridor", True)
    return drive(scenario, driver, End.HELD, latency_ms, brakings=(braking,), anomalies=(met(name, 12.5, False),))


def record(name: str, kind: Kind, drives: tuple[DriveResult, ...], film: Film | None) -> ScenarioRecord:
    return ScenarioRecord(
        name=name,
        digest="0123",
        description=f"{name} <made up>",
        kind=kind,
        home="embedded",
        map="Town2001",
        weather="clear",
        light="low_sun",
        speed_kmh=30.0,
        route_m=60.0,
        drives=drives,
        film=film,
        wall_s=12.0,
    )


def write_film(path: Path, result: DriveResult) -> Film:
    """A grey frame every second tick, the brighter the later."""
    times_s = tuple(point.at_s for point in result.track[::2])
    with VideoWriter(path, SIZE, 10) as video:
        for number in range(len(times_s)):
            video.write(np.full((*SIZE, 3), 40 + 2 * number, np.uint8))
    return Film(result.driver, result.latency_ms, times_s, (True,) * len(times_s))


def made_up_closed_loop(out: Path) -> Run:
    """Three scenarios, driven by detector (late and at once), oracle and blind; one more was skipped."""
    folder = RunFolder(out)
    folder.begin({"made": "up"}, resume=False)
    false = Braking(1.0, 8.0, 1.5, Cause.FALSE, "anomaly in the corridor", True)
    per_scenario = {
        "boat": (Kind.IN_THE_WAY, stopped("boat", "detector", "rowboat", LATE_MS)),
        "piano": (Kind.IN_THE_WAY, collided("piano", "detector", "piano", LATE_MS)),
        "shadows": (Kind.CONTROL, drive("shadows", "detector", End.COMPLETED, LATE_MS, brakings=(false,))),
    }
    for name, (kind, late) in per_scenario.items():
        at_once = replace(late, latency_ms=0.0, dropped=0, late=0)
        if kind is Kind.IN_THE_WAY:
            thing = late.anomalies[0].name
            others = (stopped(name, "oracle", thing), collided(name, "blind", thing))
        else:
            others = tuple(drive(name, driver, End.COMPLETED) for driver in ("oracle", "blind"))
        film = write_film(folder.film(name), late)
        folder.keep(record(name, kind, (*others, late, at_once), film))
    missing = Missing(skipped={"carpet": "the server has no blueprint 'static.prop.carpet'"})
    facts = {"command": "ros-anomaly-closed-loop", "latency": f"{LATE_MS:.0f} ms, given"}
    return Run(folder, list(folder.records().values()), missing, facts)
