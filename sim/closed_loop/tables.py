"""The tables of a run's report."""

from __future__ import annotations

from collections.abc import Sequence

from ros_anomaly.evaluation.report.blocks import Cell, Chip, Column, Row, Table, Tone, numbers
from ros_anomaly_sim.closed_loop.figures import Contestant, Figures, speed_share
from ros_anomaly_sim.closed_loop.outcome import outcome
from ros_anomaly_sim.closed_loop.record import Kind, ScenarioRecord
from ros_anomaly_sim.closed_loop.requirements import Requirement
from ros_anomaly_sim.closed_loop.result import DriveResult

_HOW_KNOWN = """\
Known: the driver was told HAZARD of it before it was touched; metres from the bumper, and seconds at the speed of \
that moment, medians. Margin: where the car stood, median and least. Speed: mean speed over the oracle's, mean over \
the open routes that both completed (so many); a drive that was held or ended in something has none."""
_HOW_COUNTED = """\
A stop is false with nothing in the way, UNKNOWN where the detector could not tell; a car that stands and is kept from \
setting off counts as stopped. Dropped images gave way to a newer one, late ones had to wait, missing ones did not \
come from the simulator, unanswered ones got no verdict in time."""


def contestants_table(rows: Sequence[tuple[Contestant, Figures]]) -> Table:
    """One line a contestant: what it hit, when it knew, where it stood, how it got on."""
    columns = (
        Column("Driver"),
        *numbers("Hit in the way", "Impact, km/h", "Known", "from, m", "before, s", "Margin, m", "least, m", digits=1),
        *numbers("Open routes done", "Speed"),
    )
    cells = [
        (
            _kept_together(contestant.label),
            f"{own.hits} of {own.in_the_way}",
            own.impact_kmh,
            f"{own.known} of {own.anomalies}",
            own.known_from_m,
            own.known_before_s,
            own.margin_m,
            own.least_margin_m,
            f"{own.completed} of {own.open_routes}",
            _speed(own),
        )
        for contestant, own in rows
    ]
    return Table(columns, [Row(line) for line in cells], note=_HOW_KNOWN)


def braking_table(rows: Sequence[tuple[Contestant, Figures]]) -> Table:
    """One line a contestant: braking without reason, and what became of the images."""
    columns = (
        Column("Driver"),
        *numbers("Collisions", "Braked for nothing", "False stops", "UNKNOWN stops"),
        *numbers("Images judged", "dropped", "late", "missing", "unanswered"),
    )
    cells = [
        (
            _kept_together(contestant.label),
            own.collisions,
            own.false_brakings,
            own.false_stops,
            own.unknown_stops,
            own.images,
            own.dropped,
            own.late,
            own.missed,
            own.unanswered,
        )
        for contestant, own in rows
    ]
    return Table(columns, [Row(line) for line in cells], note=_HOW_COUNTED)


def requirements_table(requirements: Sequence[Requirement]) -> Table:
    """What is asked, and what was found."""
    rows = [
        Row(
            (
                _kept_together(own.contestant.label),
                own.text,
                f"{own.found} of {own.of}",
                Chip("yes", Tone.GOOD) if own.met else Chip("no", Tone.BAD),
            )
        )
        for own in requirements
    ]
    return Table((Column("Driver"), Column("Asked"), *numbers("Found"), Column("Met")), rows)


def scenarios_table(records: Sequence[ScenarioRecord], contestants: Sequence[Contestant]) -> Table:
    """One line a scenario: what became of every drive, and the figures of the first contestant."""
    columns = (
        Column("Scenario"),
        Column("Anomaly"),
        *(Column(contestant.label) for contestant in contestants),
        *numbers("Known from, m", "before, s", digits=1),
        *numbers("Speed", "False stops", "UNKNOWN stops"),
    )
    rows = [
        Row(
            (
                record.name,
                _kept_together(record.kind.value),
                *(_outcome(record, contestant.drive_of(record)) for contestant in contestants),
                *_first_cells(record, contestants[0].drive_of(record)),
            )
        )
        for record in records
    ]
    note = f"Figures on the right: {contestants[0].label}."
    return Table(columns, rows, note=note)


def _first_cells(record: ScenarioRecord, drive: DriveResult | None) -> tuple[Cell, ...]:
    if drive is None:
        return (None,) * 5
    known = [a for a in drive.anomalies if a.known_from_m is not None]
    first = max(known, key=lambda a: a.known_from_m or 0.0) if known else None
    share = speed_share(record, drive) if record.kind is not Kind.IN_THE_WAY else None
    return (
        first.known_from_m if first else None,
        first.known_before_s if first else None,
        _percent(share),
        drive.false_stops,
        drive.unknown_stops,
    )


def anomalies_table(drives: Sequence[tuple[Contestant, DriveResult]]) -> Table:
    """Of one scenario: every anomaly as every contestant met it."""
    columns = (
        Column("Anomaly"),
        Column("Driver"),
        *numbers("At, m", "left, m", "Known at, s", "from, m", "before, s", "Margin, m", "Impact, km/h", digits=1),
    )
    rows = [
        Row(
            (
                anomaly.name,
                _kept_together(contestant.label),
                anomaly.distance_m,
                anomaly.left_m,
                anomaly.known_at_s,
                anomaly.known_from_m,
                anomaly.known_before_s,
                anomaly.margin_m,
                next((3.6 * c.impact_mps for c in drive.collisions if c.anomaly == number), None),
            )
        )
        for contestant, drive in drives
        for number, anomaly in enumerate(drive.anomalies)
    ]
    return Table(columns, rows)


def _outcome(record: ScenarioRecord, drive: DriveResult | None) -> Cell:
    return None if drive is None else outcome(record, drive)


def _kept_together(words: str) -> str:
    """The same on one line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _speed(own: Figures) -> str | None:
    share = _percent(own.speed_share)
    return None if share is None else f"{share} ({own.speed_routes})"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.0f} %"
