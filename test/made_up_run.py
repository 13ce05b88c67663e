"""A made-up run of the demo: a boat that is found, a piano that is missed, a deer never in view, a false HAZARD."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly_sim.bridge.drive_file import DriveFile, DriveSummary, StreetObject
from ros_anomaly_sim.demo.assembly import RecordedFrame
from ros_anomaly_sim.demo.result import RunResult, run_result
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.demo.setting import Setting
from ros_anomaly_sim.film.pictures import BANNER_PX
from ros_anomaly_sim.film.video import VideoWriter

H, W = 96, 160
FIRST_NS = 10_000_000_000
BOAT, PIANO = StreetObject(1, "rowboat", (0.0, 40.0), True), StreetObject(2, "piano", (6.0, 60.0), False)
HIDDEN = StreetObject(3, "deer", (0.0, 900.0), True)
DRIVE = DriveFile("demo_drive", "Town2005", 4.0, 10.0, FIRST_NS, (BOAT, PIANO, HIDDEN))
SETTING = Setting(2005, "dusk", "nobody")


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


def made_up_run(folder: Path) -> tuple[RunRecord, RunResult]:
    """Forty frames, their video in ``folder``."""
    clear, hazard = HazardLevel.CLEAR, HazardLevel.HAZARD
    levels = [clear] * 8 + [hazard] * 12 + [clear] * 10 + [hazard] * 3 + [None] * 2 + [clear] * 5
    with VideoWriter(folder / "overlay.mp4", (H + BANNER_PX, W), 10) as video:
        record = RunRecord(DRIVE, SETTING, video)
        for index, level in enumerate(levels):
            record.add(frame(index, level, boat_found=index >= 6))
        record.add(RecordedFrame(FIRST_NS - 1))  # of the warm-up: does not count
    record.album.finish()
    return record, run_result(record, DriveSummary(40, ()), wall_s=8.0)
