"""A run on disk: what is kept, what a resumed run takes over, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_closed_loop import LATE_MS, made_up_closed_loop

from ros_anomaly_sim.closed_loop.folder import RunFolder, partial
from ros_anomaly_sim.closed_loop.record import Kind, ScenarioRecord, digest_of
from ros_anomaly_sim.scenarios.files import find_scenario

ASKED = {"latency_ms": None, "drivers": ["blind"]}


def test_records_come_back_as_they_were(tmp_path: Path):
    run = made_up_closed_loop(tmp_path)
    again = RunFolder(tmp_path).records()
    assert list(again.values()) == list(run.records)
    assert again["piano"].filmed == again["piano"].drive("detector", LATE_MS)
    assert [drive.driver for drive in again["boat"].drives] == ["oracle", "blind", "detector", "detector"]


def test_figures_leave_the_tracks_out(tmp_path: Path):
    piano = json.loads(json.dumps(made_up_closed_loop(tmp_path).records[1].figures()))
    assert piano["name"] == "piano" and piano["kind"] == "in the way" and "film" not in piano
    assert all("track" not in drive for drive in piano["drives"])
    assert piano["drives"][1]["collisions"][0]["impact_mps"] == 8.0 and piano["drives"][1]["hits"] == 1


def test_a_resumed_run_keeps_scenarios_and_latency(tmp_path: Path):
    made_up_closed_loop(tmp_path)
    first = RunFolder(tmp_path)
    first.begin({"made": "up"}, resume=True)
    assert first.measured_latency_ms is None
    first.keep_measured_latency(231.0)
    second = RunFolder(tmp_path)
    second.begin({"made": "up"}, resume=True)
    assert second.measured_latency_ms == 231.0 and set(second.records()) == {"boat", "piano", "shadows"}


def test_a_new_run_removes_what_was_there_and_nothing_else(tmp_path: Path):
    made_up_closed_loop(tmp_path)
    mine = tmp_path / "scenarios" / "boat" / "notes.txt"
    mine.write_text("mine")
    cut_off = partial(RunFolder(tmp_path).film("boat"))
    cut_off.write_bytes(b"half a film")
    folder = RunFolder(tmp_path)
    folder.begin({"made": "up"}, resume=False)
    assert folder.records() == {} and mine.exists() and not folder.film("boat").exists()
    assert not cut_off.exists()


def test_resuming_a_run_that_asked_for_something_else_is_refused(tmp_path: Path):
    RunFolder(tmp_path).begin(ASKED, resume=False)
    with pytest.raises(ValueError, match=r"latency_ms 100.0 \(found None\)"):
        RunFolder(tmp_path).begin({**ASKED, "latency_ms": 100.0}, resume=True)


def test_resuming_where_nothing_is_begins_anew(tmp_path: Path):
    folder = RunFolder(tmp_path / "new")
    folder.begin(ASKED, resume=True)
    assert folder.records() == {}


def test_resuming_without_settings_is_refused_and_removes_nothing(tmp_path: Path):
    made_up_closed_loop(tmp_path)
    (tmp_path / "settings.json").unlink()
    (tmp_path / "report.html").write_text("of an earlier run")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"expected settings\.json beside report\.html, found none.*without --resume"):
        RunFolder(tmp_path).begin({"made": "up"}, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_that_was_counted_by_other_rules_is_not_taken_up(tmp_path: Path):
    RunFolder(tmp_path).begin(ASKED, resume=False)
    settings = tmp_path / "settings.json"
    plain = json.loads(settings.read_text())
    del plain["asked"]["format"]
    settings.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=r"format \d+ \(found None\)"):
        RunFolder(tmp_path).begin(ASKED, resume=True)


def test_a_broken_record_names_its_file(tmp_path: Path):
    made_up_closed_loop(tmp_path)
    path = tmp_path / "scenarios" / "boat" / "drives.json"
    plain = json.loads(path.read_text())
    plain["drives"][0]["end"] = "lost"
    path.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=r"boat.drives\.json: drives\[0\]\.end: expected one of completed"):
        RunFolder(tmp_path).records()
    path.write_text("{")
    with pytest.raises(ValueError, match=r"boat.drives\.json"):
        RunFolder(tmp_path).records()


def test_broken_settings_name_their_file(tmp_path: Path):
    (tmp_path / "settings.json").write_text("[]")
    with pytest.raises(ValueError, match="settings.json: expected an object, found list"):
        RunFolder(tmp_path).begin(ASKED, resume=True)


def test_a_scenario_says_what_it_tries_and_when_it_changed():
    kinds = {name: Kind.of(find_scenario(name)) for name in ("corridor_horse", "beside_deer", "control_shadows")}
    assert list(kinds.values()) == [Kind.IN_THE_WAY, Kind.BESIDE, Kind.CONTROL]
    horse = find_scenario("corridor_horse")
    assert digest_of(horse) == digest_of(find_scenario("corridor_horse"))
    assert digest_of(horse) != digest_of(replace(horse, duration_s=horse.duration_s + 1))
    assert ScenarioRecord.of(horse, (), None, 1.0).digest == digest_of(horse)
