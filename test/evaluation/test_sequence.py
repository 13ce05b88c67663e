"""All sequence figures of a drive together, and what is said where something is missing."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from ros_anomaly.evaluation.report.blocks import Page
from ros_anomaly.evaluation.report.page import render
from ros_anomaly.evaluation.report.sequence_blocks import sequence_section
from ros_anomaly.evaluation.sequences.figures import SequenceEvaluator, evaluate_sequence
from ros_anomaly.evaluation.sequences.frame import SequenceFrame, camera_pose, planar_pose
from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.ground import GroundProjection

SIZE = (40, 60)
CAMERA = GroundProjection.from_fov(SIZE, np.pi / 2)
SPEED_MPS, PERIOD_S = 10.0, 0.1


def approach(index: int, found_from: int = 4) -> SequenceFrame:
    """A box, instance 7, that stands 30 m ahead at first; from one frame on the score says so."""
    depth_m = 30.0 - SPEED_MPS * PERIOD_S * index
    labels, ids = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint16)
    labels[15:25, 25:35], ids[15:25, 25:35] = 1, 7
    score = np.full(SIZE, -1.0, np.float32)
    if index >= found_from:
        score[15:25, 25:35] = 1.0
    return SequenceFrame(
        round(index * PERIOD_S * 1e9) + 1_000_000_000,
        score,
        labels,
        ids,
        np.where(ids == 7, depth_m, np.inf),
        camera_pose(planar_pose(SPEED_MPS * PERIOD_S * index, 0.0, 0.0), CameraMount()),
        speed_mps=SPEED_MPS,
        latency_ms=60.0,
    )


def test_depth_that_is_not_measured_is_no_distance():
    whole = approach(0)
    depth = whole.depth_m.copy()
    row, column = np.argwhere(whole.is_anomaly)[0]
    depth[row, column] = 0.0
    depth[whole.is_anomaly & (np.arange(depth.shape[1]) % 2 == 0)] = 0.0
    holes = evaluate_sequence([replace(whole, depth_m=depth)], 0.0, CAMERA).objects[0]
    assert holes.first_seen_m == pytest.approx(evaluate_sequence([whole], 0.0, CAMERA).objects[0].first_seen_m)


def test_all_figures_of_an_approach():
    report = evaluate_sequence((approach(i) for i in range(10)), 0.0, CAMERA)
    assert (report.frames, report.left_out) == (10, ())
    assert report.streaming is not None and report.streaming.latency_ms == 60.0
    assert report.streaming.unanswered == 1 and report.streaming.map_age_ms == pytest.approx(100.0)
    # Frame-wise 6 of 10 boxes are found, streaming one less: its map comes a frame late.
    assert report.streaming.streaming.ap < report.streaming.frame_wise.ap
    (box,) = report.objects
    assert (box.instance_id, box.seen_frames, box.found_frames) == (7, 10, 6)
    assert (box.first_found_s, box.first_found_m) == pytest.approx((0.4, 26.0))
    assert box.first_found_ttc_s == pytest.approx(2.6)
    assert (box.stable_m, box.stable_ttc_s) == pytest.approx((24.0, 2.4))
    assert report.consistency is not None
    assert report.consistency.anomalous_flip_share == pytest.approx(1 / 9, rel=0.05)  # found in one look of nine
    json.dumps(asdict(report), allow_nan=False)


def test_given_distances_masks_and_hazards_are_taken():
    def full(index: int) -> SequenceFrame:
        nothing = np.zeros(SIZE, np.uint8)
        flagged = np.where(approach(0).labels == 1, 255, 0)
        return replace(
            approach(index), distances_m={7: 50.0 - index}, mask=flagged if index >= 2 else nothing, hazards={7}
        )

    (box,) = evaluate_sequence((full(i) for i in range(6)), 0.0, CAMERA).objects
    assert (box.first_found_m, box.stable_m, box.hazard_m, box.hazard_ttc_s) == (48.0, 46.0, 48.0, 4.8)


def test_what_is_missing_is_said():
    def bare(index: int) -> SequenceFrame:
        return replace(approach(index), latency_ms=None, depth_m=None, instance_ids=None)

    report = evaluate_sequence((bare(i) for i in range(3)), 0.0, CAMERA)
    assert (report.streaming, report.consistency, report.objects) == (None, None, ())
    assert report.left_out == (
        "streaming figures: 3 of 3 frames have no latency",
        "temporal consistency: 3 of 3 frames have no depth, camera pose or instance ids",
        "objects: 3 of 3 frames have no instance ids",
    )
    report = evaluate_sequence((bare(i) for i in range(3)), 0.0, None, latency_ms=0.0)
    assert report.streaming is not None and report.left_out[0] == "temporal consistency: no camera intrinsics"
    blind = evaluate_sequence([replace(approach(0), depth_m=None)], 0.0, CAMERA)
    assert "objects: 1 of 1 frames have no distances or depth" in blind.left_out


def test_bad_input_is_told():
    evaluator = SequenceEvaluator(0.0, CAMERA)
    evaluator.add(approach(1))
    with pytest.raises(ValueError, match="ascending stamps"):
        evaluator.add(approach(0))
    assert evaluator.report().frames == 1
    with pytest.raises(ValueError, match="at least one frame"):
        evaluate_sequence([], 0.0, CAMERA)
    with pytest.raises(ValueError, match="threshold: expected a finite number"):
        SequenceEvaluator(float("nan"), CAMERA)


def test_the_section_of_the_report_says_it_all():
    full = evaluate_sequence((approach(i) for i in range(10)), 0.0, CAMERA)
    page = render(Page("A drive", "", (sequence_section(full),)))
    for told in ("60 ms", "26.0 m", "2.6 s", "newest finished map", "7"):
        assert told in page
    bare = evaluate_sequence([replace(approach(0), latency_ms=None, instance_ids=None)], 0.0, None)
    page = render(Page("A drive", "", (sequence_section(bare),)))
    assert "streaming figures: 1 of 1 frames have no latency" in page
