"""The report of a run: verdict, who did how well, what was asked, and every scenario with its film strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.report.blocks import (
    Block,
    Charts,
    FilmStrip,
    Headline,
    Headlines,
    Link,
    Page,
    Section,
    Still,
    Text,
    Tone,
    Verdict,
)
from ros_anomaly.evaluation.report.pictures import at_most, jpeg
from ros_anomaly_sim.closed_loop.charts import speed_chart
from ros_anomaly_sim.closed_loop.figures import Contestant, Figures, contestants, figures_of
from ros_anomaly_sim.closed_loop.folder import RunFolder
from ros_anomaly_sim.closed_loop.outcome import failures
from ros_anomaly_sim.closed_loop.record import Film, Missing, ScenarioRecord
from ros_anomaly_sim.closed_loop.requirements import Requirement, requirements
from ros_anomaly_sim.closed_loop.strip import stills
from ros_anomaly_sim.closed_loop.tables import (
    anomalies_table,
    braking_table,
    contestants_table,
    requirements_table,
    scenarios_table,
)

_STILL_PX, _QUALITY = 480, 78
_HOW_DRAWN = """\
Below, scenarios that went wrong come first. Pictures: the detector's mask in red, or its regions' boxes where the \
mask is not told; light blue the box of an anomaly with its distance from the bumper, for comparison only; in the \
banner what the car acts on at that moment."""


@dataclass(frozen=True)
class Run:
    """What there is to report on.

    Attributes:
        records: in the order in which they are shown.
        facts: command, engine, server and what else a reader needs to get the same figures.
    """

    folder: RunFolder
    records: Sequence[ScenarioRecord]
    missing: Missing
    facts: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.records:
            raise ValueError("report: expected at least one scenario that was driven, found none")


class Judged:
    """What the report says of a run: figures, requirements, failures of the driver on trial, and the verdict."""

    def __init__(self, run: Run) -> None:
        self.contestants = contestants(run.records)
        self.rows = [(contestant, figures_of(contestant, run.records)) for contestant in self.contestants]
        self.requirements = requirements(self.contestants, run.records)
        first = self.contestants[0]
        self.wrong = {record.name: found for record in run.records if (found := _failures(first, record))}
        self.verdict = _verdict(self.rows[0], self.requirements, self.wrong, run.missing)


def page_of(run: Run) -> Page:
    """The run as a page. OSError where a film cannot be read."""
    judged = Judged(run)
    drivers, wrong = judged.contestants, judged.wrong
    sections = [
        Section("", (judged.verdict, Headlines(_headlines(*judged.rows[0])))),
        Section("Who did how well", (contestants_table(judged.rows), braking_table(judged.rows))),
        Section("What was asked", (requirements_table(judged.requirements),)),
        Section("Every scenario", (scenarios_table(run.records, drivers), Text(_HOW_DRAWN))),
        *(_scenario(run, drivers, record, wrong[record.name]) for record in run.records if record.name in wrong),
        *(_scenario(run, drivers, record, []) for record in run.records if record.name not in wrong),
    ]
    if lines := _missing_lines(run.missing):
        sections.insert(1, Section("Not driven", tuple(Text(line) for line in lines)))
    simulated_s = sum(drive.duration_s for record in run.records for drive in record.drives)
    return Page(
        title="Closed loop: driving by what the detector says",
        lead=f"{len(run.records)} scenarios, each by {len(drivers)} drivers, {simulated_s / 60:.0f} simulated minutes. "
        "The car brakes while the hazard flag is up; an oracle knows where everything stands, a blind driver nothing.",
        sections=tuple(sections),
        facts=run.facts,
    )


def _failures(first: Contestant, record: ScenarioRecord) -> list[str]:
    """Of the driver on trial; where nobody is on trial nothing can fail."""
    drive = first.drive_of(record) if first.sees else None
    return [] if drive is None else failures(record, drive)


def _verdict(
    row: tuple[Contestant, Figures],
    asked: Sequence[Requirement],
    wrong: Mapping[str, Sequence[str]],
    missing: Missing,
) -> Verdict:
    contestant, own = row
    sentence = (
        f"{_sentence(contestant.label)}: hit {own.hits} of {own.in_the_way} anomalies in the way "
        f"and completed {own.completed} of {own.open_routes} open routes."
    )
    unmet = [f"Not met: {r.contestant.label} {r.text} ({r.found} of {r.of})." for r in asked if not r.met]
    findings = [*unmet, *(f"{name}: {', '.join(found)}." for name, found in wrong.items())]
    for names, what in ((missing.failed, "Failed"), (missing.skipped, "Skipped, as the server lacks what they need")):
        if names:
            findings.append(f"{what}: {', '.join(names)}.")
    if own.unanswered:
        findings.append(f"{own.unanswered} of {own.images + own.unanswered} images got no verdict in time.")
    own_unmet = any(not r.met and r.contestant == contestant for r in asked)
    tone = Tone.BAD if own_unmet else Tone.WARN if unmet or wrong or missing.failed or own.unanswered else Tone.GOOD
    return Verdict(sentence, tone, tuple(findings))


def _headlines(contestant: Contestant, own: Figures) -> tuple[Headline, ...]:
    return (
        Headline(f"{own.hits} of {own.in_the_way}", "anomalies in the way were hit"),
        Headline(f"{own.completed} of {own.open_routes}", "open routes completed"),
        Headline(_shown(own.known_from_m, "m"), "ahead when known", note="median, from the bumper"),
        Headline(
            _shown(own.margin_m, "m"), "left when it stood", note=f"median; least {_shown(own.least_margin_m, 'm')}"
        ),
        Headline(str(own.false_stops), "false stops"),
        Headline(str(own.unknown_stops), "UNKNOWN stops"),
        Headline(f"{contestant.latency_ms:.0f} ms", "from image to reaction"),
    )


def _scenario(run: Run, drivers: Sequence[Contestant], record: ScenarioRecord, wrong: Sequence[str]) -> Section:
    drives = [(contestant, drive) for contestant in drivers if (drive := contestant.drive_of(record)) is not None]
    facts = f"{record.map}, {record.weather}, {record.light.replace('_', ' ')}, {record.speed_kmh:.0f} km/h"
    blocks: list[Block] = [Text(f"{_sentence(record.description)}. {facts}.")]
    if wrong:
        blocks.insert(0, Text(f"Not as it should be: {', '.join(wrong)}."))
    blocks.append(Charts((speed_chart(drives),)))
    if record.drives[0].anomalies:
        blocks.append(anomalies_table(drives))
    if record.film is not None and record.filmed is not None:
        film = run.folder.film(record.name)
        told = stills(film, record.film, record.filmed)
        blocks.append(FilmStrip([_still(caption, frame) for caption, frame in told], _film_title(record.film)))
        blocks.append(Link("The whole drive as a video", film.relative_to(run.folder.out).as_posix()))
    return Section(record.name, tuple(blocks))


def _film_title(film: Film) -> str:
    return f"The drive of the {Contestant(film.driver, film.latency_ms).label}"


def _still(caption: str, frame: np.ndarray) -> Still:
    return Still(jpeg(at_most(frame, _STILL_PX), _QUALITY, caption), caption)


def _missing_lines(missing: Missing) -> list[str]:
    return [f"{name}: {why}" for name, why in {**missing.failed, **missing.skipped}.items()]


def _sentence(words: str) -> str:
    """With a capital at its beginning."""
    return words[:1].upper() + words[1:]


def _shown(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}"
