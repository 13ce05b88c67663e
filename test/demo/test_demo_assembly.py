import numpy as np
import pytest

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly_sim.demo.assembly import FrameAssembler, RecordedFrame

PIXELS = np.zeros((2, 2), np.uint8)
REPORT = HazardReport(HazardState(HazardLevel.CLEAR, "nothing found", 1, latency_ms=5.0), dropped=0)
PARTS = {
    "image": PIXELS,
    "class_ids": PIXELS,
    "instance_ids": PIXELS,
    "ego": (0.0, 0.0, 0.0),
    "mask": PIXELS,
    "score": PIXELS,
    "report": REPORT,
}


def fill(assembler: FrameAssembler, stamp: int, without: tuple[str, ...] = ()) -> list[int]:
    out = []
    for part, value in PARTS.items():
        if part not in without:
            out += assembler.add(stamp, part, value)
    return [frame.stamp_ns for frame in out]


def test_a_frame_comes_out_with_its_last_part():
    assembler = FrameAssembler()
    assert fill(assembler, 1, without=("score",)) == []
    (frame,) = assembler.add(1, "score", PIXELS)
    assert frame.complete and frame.processed


def test_order_is_kept_while_an_earlier_frame_is_open():
    assembler = FrameAssembler(max_lag=3)
    assert fill(assembler, 1, without=("mask",)) == []
    assert fill(assembler, 2) == []
    assert [f.stamp_ns for f in assembler.add(1, "mask", PIXELS)] == [1, 2]


def test_an_unanswered_frame_is_let_go_once_enough_later_ones_are_whole():
    assembler = FrameAssembler(max_lag=2)
    fill(assembler, 1, without=("mask", "score", "report"))
    assert fill(assembler, 2) == []
    assert fill(assembler, 3) == [1, 2, 3]


def test_late_parts_are_counted():
    assembler = FrameAssembler()
    fill(assembler, 5)
    assert assembler.add(5, "score", PIXELS) == [] and assembler.add(4, "mask", PIXELS) == []
    assert assembler.late == 2


def test_the_first_answer_stays_when_a_heartbeat_repeats_it():
    assembler = FrameAssembler()
    assembler.add(1, "report", REPORT)
    repeated = HazardReport(HazardState(HazardLevel.HAZARD, "later", 1), dropped=0)
    assembler.add(1, "report", repeated)
    (frame,) = assembler.rest()
    assert frame.report is REPORT
    assert assembler.rest() == []


@pytest.mark.parametrize("missing", ["mask", "report"])
def test_processed_needs_mask_and_status(missing: str):
    frame = RecordedFrame(1, **{**PARTS, missing: None})  # type: ignore[arg-type]
    assert not frame.processed


def test_a_status_without_latency_tells_of_a_frame_that_failed():
    failed = HazardReport(HazardState(HazardLevel.UNKNOWN, "engine error", 1), dropped=1)
    assert not RecordedFrame(1, **{**PARTS, "report": failed}).processed  # type: ignore[arg-type]
