"""The record of a made-up run, and the report that is written of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from made_up_run import made_up_run

from ros_anomaly_sim.bridge.drive_file import DriveSummary
from ros_anomaly_sim.demo.findings import findings, headline, tone
from ros_anomaly_sim.demo.report import write_contact_sheet, write_report
from ros_anomaly_sim.demo.result import RunResult, run_result, to_json
from ros_anomaly_sim.demo.run_record import RunRecord


@pytest.fixture
def finished(tmp_path: Path) -> tuple[RunRecord, RunResult]:
    return made_up_run(tmp_path)


def test_frames_and_levels_are_counted(finished):
    _, result = finished
    assert (result.sent, result.processed, result.dropped) == (40, 38, 2)
    assert result.enough_processed and result.frames_per_s == pytest.approx(38 / 8)
    assert result.levels == {"clear": 23, "caution": 0, "hazard": 15, "unknown": 0}
    assert result.latency is not None and result.latency.max_ms == 89.0


def test_each_object_gets_its_verdict_and_distances(finished):
    _, result = finished
    boat, piano, deer = result.objects
    assert (boat.verdict, piano.verdict, deer.verdict) == ("hazard", "missed", "not in view")
    assert boat.report.first_seen_m == pytest.approx(40)
    assert boat.report.first_found_m == pytest.approx(34)
    assert boat.report.stable_m == pytest.approx(32)
    assert boat.report.hazard_m == pytest.approx(32)


def test_a_hazard_on_the_empty_road_is_false_and_told(finished):
    record, result = finished
    (false,) = result.false_hazards
    assert (false.start_s, false.end_s) == pytest.approx((3.0, 3.2))
    assert len(record.album.false_flags) == 1
    assert result.clear_stretch is not None and result.clear_stretch.hazard_frames == 3
    told = "\n".join(findings(result))
    assert "Missed: piano (beside it)." in told
    assert "1 false HAZARD, at 3.0 s." in told
    assert "2 of 40 images were dropped." in told
    assert headline(result).startswith("1 of 2 objects")
    assert tone(result) == "warn"


def test_without_any_hazard_nothing_is_said_of_what_it_rested_on(finished):
    _, result = finished
    quiet = replace(result, hazard_spans=(), false_hazards=())
    assert "No HAZARD was raised." in findings(quiet)
    assert "Every HAZARD rested on a real object." in findings(replace(result, false_hazards=()))


def test_the_ranking_counts_pixels_at_image_size(finished):
    _, result = finished
    # 14 of 20 views of the boat score 1, all else -1: recall 14 * 600 of (20 * 600 + 10 * 240) pixels is certain.
    assert result.ap is not None and 0.55 < result.ap < 0.75


def test_too_few_processed_frames_fail_the_run(finished):
    record, _ = finished
    result = run_result(record, DriveSummary(60, ()), wall_s=8.0)
    assert not result.enough_processed and result.dropped == 22
    assert tone(result) == "bad" and "does not count" in headline(result)


def test_the_report_stands_alone_and_says_what_was_missed(finished, tmp_path: Path):
    record, result = finished
    write_report(tmp_path / "report.html", result, record, "toy")
    page = (tmp_path / "report.html").read_text()
    assert "HAZARD at 32 m" in page and "missed" in page and "never in view" in page
    assert page.count("data:image/jpeg") >= 5
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    write_contact_sheet(tmp_path / "frames.png", result, record.album)
    assert cv2.imread(str(tmp_path / "frames.png")) is not None


def test_result_json_is_plain_json(finished):
    record, result = finished
    figures = json.loads(json.dumps(to_json(result, record, "toy"), allow_nan=False))
    assert figures["frames"] == {"sent": 40, "processed": 38, "dropped": 2, "processed_share": 0.95}
    assert [item["verdict"] for item in figures["objects"]] == ["hazard", "missed", "not in view"]
    assert figures["drive"]["town"] == 2005 and figures["machine"]["cores"] >= 1
