"""Figures, requirements, words and the page of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_closed_loop import LATE_MS, collided, drive, made_up_closed_loop, record, stopped

from ros_anomaly.evaluation.report import page
from ros_anomaly.evaluation.report.blocks import Link, Tone
from ros_anomaly_sim.closed_loop.figures import Contestant, contestants, figures_of, speed_share
from ros_anomaly_sim.closed_loop.outcome import failures, outcome
from ros_anomaly_sim.closed_loop.record import Kind, Missing
from ros_anomaly_sim.closed_loop.report import Judged, Run, page_of
from ros_anomaly_sim.closed_loop.requirements import requirements
from ros_anomaly_sim.closed_loop.result import Braking, Cause, End
from ros_anomaly_sim.closed_loop.results import results_of

LATE, AT_ONCE = Contestant("detector", LATE_MS), Contestant("detector", 0.0)
ORACLE, BLIND = Contestant("oracle", 0.0), Contestant("blind", 0.0)
OPEN = [End.COMPLETED] * 3


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return made_up_closed_loop(tmp_path)


def open_record(name: str, kind: Kind, end: End, **changes):
    drives = (drive(name, "detector", end, LATE_MS, **changes), drive(name, "oracle", End.COMPLETED))
    return record(name, kind, drives, None)


def test_contestants_stand_in_order(run: Run):
    assert contestants(run.records) == [LATE, AT_ONCE, ORACLE, BLIND]
    assert [c.label for c in contestants(run.records)] == [
        "detector, Δt 250 ms",
        "detector, Δt 0 ms",
        "oracle",
        "blind",
    ]


def test_figures_of_everyone(run: Run):
    late = figures_of(LATE, run.records)
    assert (late.in_the_way, late.hits, late.collisions, late.open_routes, late.completed) == (2, 1, 1, 1, 1)
    assert late.impact_kmh == pytest.approx(28.8) and (late.known, late.anomalies) == (1, 2)
    assert (late.known_from_m, late.margin_m, late.least_margin_m) == (12.5, 4.0, 4.0)
    assert late.known_before_s == pytest.approx(12.5 / 8)
    assert (late.false_stops, late.false_brakings, late.unknown_stops) == (1, 1, 0)
    assert (late.images, late.dropped, late.late) == (120, 36, 45)
    assert late.speed_share == pytest.approx(1.0)
    oracle, blind = figures_of(ORACLE, run.records), figures_of(BLIND, run.records)
    assert (oracle.hits, oracle.known, oracle.impact_kmh) == (0, 2, None)
    assert (blind.hits, blind.known, blind.known_from_m, blind.margin_m) == (2, 0, None, None)


def test_without_an_oracle_there_is_no_share_of_its_speed():
    alone = record("alone", Kind.CONTROL, (drive("alone", "detector", End.COMPLETED),), None)
    assert speed_share(alone, alone.drives[0]) is None
    assert figures_of(AT_ONCE, [alone]).speed_share is None


def test_only_routes_that_both_completed_have_a_share_of_the_oracles_speed():
    slow = open_record("slow", Kind.CONTROL, End.COMPLETED, mean_speed_mps=6.0)
    held = open_record("held", Kind.CONTROL, End.HELD, mean_speed_mps=2.0)
    hit = open_record("hit", Kind.BESIDE, End.COLLIDED)
    lost = record("lost", Kind.CONTROL, (drive("lost", "detector", End.COMPLETED, LATE_MS),), None)
    stuck = replace(slow, drives=(slow.drives[0], drive("slow", "oracle", End.HELD)))
    assert [speed_share(own, own.drives[0]) is None for own in (slow, held, hit, lost, stuck)] == [
        False,
        True,
        True,
        True,
        True,
    ]
    figures = figures_of(LATE, [slow, held, hit, lost])
    oracle_mps = slow.drives[1].mean_speed_mps
    assert figures.speed_routes == 1 and figures.speed_share == pytest.approx(6.0 / oracle_mps)
    assert (figures.completed, figures.open_routes) == (2, 4)


@pytest.mark.parametrize(("hits", "met"), [(0, True), (1, True), (2, False)])
def test_a_quarter_of_the_anomalies_may_be_hit(hits: int, met: bool):
    drives = [
        collided(f"s{n}", "detector", "deer") if n < hits else stopped(f"s{n}", "detector", "deer") for n in range(4)
    ]
    records = [record(own.scenario, Kind.IN_THE_WAY, (own,), None) for own in drives]
    (asked,) = requirements([AT_ONCE], records)
    assert (asked.found, asked.of, asked.met) == (hits, 4, met)


@pytest.mark.parametrize(
    ("ends", "speed", "found", "met"),
    [
        ([*OPEN, End.HELD], 8.0, 3, True),
        ([*OPEN[:2], End.HELD, End.TIME], 8.0, 2, False),
        ([*OPEN, End.COMPLETED], 6.0, 0, False),
    ],
)
def test_open_routes_are_to_be_completed_at_speed(ends: list[End], speed: float, found: int, met: bool):
    for kind in (Kind.CONTROL, Kind.BESIDE):
        records = [open_record(f"s{n}", kind, end, mean_speed_mps=speed) for n, end in enumerate(ends)]
        (asked,) = requirements([LATE], records)
        assert (asked.found, asked.of, asked.met) == (found, 4, met)


def test_oracle_and_blind_are_held_to_theirs():
    good = record("a", Kind.IN_THE_WAY, (stopped("a", "oracle", "deer"), collided("a", "blind", "deer")), None)
    bad = record("b", Kind.IN_THE_WAY, (collided("b", "oracle", "deer"), stopped("b", "blind", "deer")), None)
    held = record("c", Kind.BESIDE, (drive("c", "oracle", End.HELD), drive("c", "blind", End.COMPLETED)), None)
    assert [r.met for r in requirements([ORACLE, BLIND], [good])] == [True, True]
    assert [(r.found, r.of, r.met) for r in requirements([ORACLE, BLIND], [good, bad, held])] == [
        (1, 3, False),
        (0, 1, False),
        (1, 2, False),
    ]


def test_words_for_what_became_of_drives():
    way, way_off = Kind.IN_THE_WAY, Kind.CONTROL
    stops = (Braking(1.0, 8.0, 1.5, Cause.UNKNOWN, "black image", True),)
    cases = [
        (way, stopped("s", "detector", "deer"), "stopped 4.0 m before", Tone.GOOD, []),
        (way, collided("s", "detector", "deer"), "hit at 29 km/h", Tone.BAD, ["hit deer at 29 km/h"]),
        (way, collided("s", "blind", "deer"), "hit at 29 km/h", Tone.PLAIN, ["hit deer at 29 km/h"]),
        (way, drive("s", "detector", End.COMPLETED), "went past", Tone.WARN, ["went past what stands in the way"]),
        (way, drive("s", "detector", End.TIME), "out of time", Tone.WARN, ["ran out of time"]),
        (way_off, drive("s", "detector", End.COMPLETED), "completed", Tone.GOOD, []),
        (way_off, drive("s", "detector", End.HELD), "held for nothing", Tone.BAD, ["did not complete an open route"]),
        (
            way_off,
            drive("s", "detector", End.COMPLETED, brakings=stops),
            "completed, with stops",
            Tone.WARN,
            ["1 UNKNOWN stop"],
        ),
    ]
    for kind, own, words, tone, found in cases:
        made = record("s", kind, (own,), None)
        chip = outcome(made, own)
        assert (chip.text, chip.tone, failures(made, own)) == (words, tone, found)


def test_slow_drives_of_open_routes_fail():
    made = open_record("s", Kind.CONTROL, End.COMPLETED, mean_speed_mps=4.0)
    assert failures(made, made.drives[0]) == ["drove at 50 % of the oracle's mean speed"]


def test_the_page_tells_failures_first(run: Run):
    made = page_of(run)
    titles = [section.title for section in made.sections]
    assert titles[1:] == [
        "Not driven",
        "Who did how well",
        "What was asked",
        "Every scenario",
        "piano",
        "shadows",
        "boat",
    ]
    verdict = Judged(run).verdict
    assert verdict.tone is Tone.BAD and verdict.sentence.startswith("Detector, Δt 250 ms: hit 1 of 2")
    assert any(line.startswith("Not met: detector, Δt 250 ms hits at most 25 %") for line in verdict.findings)
    assert "piano: hit piano at 29 km/h." in verdict.findings
    links = [block for section in made.sections for block in section.blocks if isinstance(block, Link)]
    assert [link.href for link in links] == [f"scenarios/{name}/film.mp4" for name in ("piano", "shadows", "boat")]
    html = page.render(made)
    assert 'href="scenarios/piano/film.mp4"' in html and "&lt;made up&gt;" in html and "static.prop.carpet" in html
    assert html == page.render(page_of(run))


def test_a_run_without_fault_is_good(tmp_path: Path):
    run = made_up_closed_loop(tmp_path)
    good = [own for own in run.records if own.name == "boat"]
    assert Judged(Run(run.folder, good, Missing(), {})).verdict.tone is Tone.GOOD
    failed = Missing(failed={"gone": "time-out"})
    assert Judged(Run(run.folder, good, failed, {})).verdict.tone is Tone.WARN


def test_images_without_a_verdict_are_told(tmp_path: Path):
    run = made_up_closed_loop(tmp_path)
    drives = [replace(d, unanswered=3 if d.driver == "detector" else 0) for d in run.records[0].drives]
    silent = [replace(run.records[0], drives=tuple(drives))]
    verdict = Judged(Run(run.folder, silent, Missing(), {})).verdict
    assert verdict.tone is Tone.WARN and "3 of 43 images got no verdict in time." in verdict.findings
    assert results_of(silent, Missing(), {})["drivers"][0]["unanswered"] == 3


def test_a_run_without_detector_has_a_report_too(tmp_path: Path):
    run = made_up_closed_loop(tmp_path)
    no_detector = [
        replace(own, film=None, drives=tuple(d for d in own.drives if d.driver != "detector")) for own in run.records
    ]
    html = page.render(page_of(Run(run.folder, no_detector, Missing(), {})))
    assert "Oracle: hit 0 of 2" in html and "film.mp4" not in html


def test_nothing_driven_is_no_report(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one scenario"):
        Run(made_up_closed_loop(tmp_path).folder, [], Missing(), {})


def test_results_hold_every_figure(run: Run):
    results = json.loads(json.dumps(results_of(run.records, run.missing, run.facts)))
    assert [own["driver"] for own in results["drivers"]] == ["detector", "detector", "oracle", "blind"]
    assert results["drivers"][0]["hits"] == 1 and results["drivers"][0]["latency_ms"] == LATE_MS
    assert {own["name"] for own in results["scenarios"]} == {"boat", "piano", "shadows"}
    assert results["skipped"] and results["failed"] == {} and len(results["requirements"]) == 7


@pytest.mark.parametrize("href", ["", "https://example.org/film.mp4", "/film.mp4", "javascript:alert(1)"])
def test_links_lead_nowhere_else(href: str):
    with pytest.raises(ValueError, match="relative"):
        Link("film", href)
