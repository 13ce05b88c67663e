"""The record of a made-up run, and the report that is written of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly_sim.bridge.drive_file import DriveFile, StreetObject, StreetSummary
from ros_anomaly_sim.demo.assembly import RecordedFrame
from ros_anomaly_sim.demo.findings import findings, headline, tone
from ros_anomaly_sim.demo.pictures import BANNER_PX
from ros_anomaly_sim.demo.report import write_contact_sheet, write_report
from ros_anomaly_sim.demo.result import RunResult, run_result, to_json
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.demo.video import VideoWriter

H, W = 96, 160
FIRST_NS = 10_000_000_000
BOAT, PIANO = StreetObject(1, "rowboat", (0.0, 40.0), True), StreetObject(2, "piano", (6.0, 60.0), False)
HIDDEN = StreetObject(3, "deer", (0.0, 900.0), True)
DRIVE = DriveFile(2005, "dusk", 4.0, 10.0, FIRST_NS, "nobody", (BOAT, PIANO, HIDDEN))


def frame(index: int, level: HazardLevel | None, boat_found: bool) -> RecordedFrame:
    """The boat is in view in frames 0..19, the piano in 5..14 and never found; from 20 on the road is empty."""
    class_ids = np.full((H, W), 7, np.uint8)
    instance_ids = np.zeros((H, W), np.uint16)
    mask, score = np.zeros((H, W), np.uint8), np.full((H // 4, W // 4), -1.0, np.float32)
    if index < 20:
        class_ids[40:60, 60:90], instance_ids[40:60, 60:90] = 13, BOAT.instance_id
        if boat_found:
            mask[40:60, 60:90], score[10:15, 15:22] = 255, 1.0
    if 5 <= index < 15:
        class_ids[40:52, 120:140], instance_ids[40:52, 120:140] = 13, PIANO.instance_id
    stamp = FIRST_NS + index * 100_000_000
    report = None
    if level is not None:
        regions = (Region((60, 40, 90, 60), 600, 1.0, 1.0, 30.0, 0.0, in_corridor=True),) if mask.any() else ()
        report = HazardReport(HazardState(level, "as told", stamp, regions, latency_ms=50.0 + index), dropped=0)
    return RecordedFrame(
        stamp_ns=stamp,
        image=np.full((H, W, 3), 90, np.uint8),
        class_ids=class_ids,
        instance_ids=instance_ids,
        ego=(0.0, float(index), 0.0),
        mask=None if level is None else mask,
        score=None if level is None else score,
        report=report,
    )


@pytest.fixture
def finished(tmp_path: Path) -> tuple[RunRecord, RunResult]:
    clear, hazard = HazardLevel.CLEAR, HazardLevel.HAZARD
    levels = [clear] * 8 + [hazard] * 12 + [clear] * 10 + [hazard] * 3 + [None] * 2 + [clear] * 5
    with VideoWriter(tmp_path / "overlay.mp4", (H + BANNER_PX, W), 10) as video:
        record = RunRecord(DRIVE, video)
        for index, level in enumerate(levels):
            record.add(frame(index, level, boat_found=index >= 6))
        record.add(RecordedFrame(FIRST_NS - 1))  # of the warm-up: does not count
    record.album.finish()
    return record, run_result(record, StreetSummary(40, ()), wall_s=8.0)


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
    result = run_result(record, StreetSummary(60, ()), wall_s=8.0)
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
