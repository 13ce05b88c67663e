"""Sequence figures of a bag that brings instance ids, depth and the vehicle's pose along."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drive_bags import IMAGE, INFO, LABELS, ODOMETRY, SIZE, Drive, Record, anomaly_box, image, odometry, write_bag
from toy_engine import make_toy_engine

from ros_anomaly.bags.reader import BagReader
from ros_anomaly.bags.reader_cameras import TopicChoice, find_cameras
from ros_anomaly.bags.reader_events import BagDrive
from ros_anomaly.detector import Detector, DetectorConfig
from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation, evaluate_drive
from ros_anomaly.evaluation.drives.labels import LabelFormat
from ros_anomaly.evaluation.drives.run import DrivePolicy
from ros_anomaly.evaluation.sequences.bag import BagGeometry, GeometryTopics
from ros_anomaly.evaluation.sequences.drive import DriveSequence
from ros_anomaly.hazard.config import CameraMount, HazardConfig
from ros_anomaly.runtime.runner import EngineSpec, InProcessRunner

FRAMES, ANOMALOUS, PERIOD_S, SPEED_MPS = 12, (4, 5, 6, 7, 8, 9, 10, 11), 0.1, 8.0
FOLDER = LABELS.rpartition("/")[0]


def geometry_records(plain: Drive) -> list[Record]:
    """A wall 30 m ahead at first, before which the box of the labels (instance 7) stands, 10 m nearer."""
    records = []
    for record in plain.records:
        if record.topic != ODOMETRY:
            records.append(record)
    for number in range(FRAMES):
        stamp = plain.records[plain.images()[number]].message.header.stamp
        stamp_ns = stamp.sec * 10**9 + stamp.nanosec
        ids = np.zeros(SIZE, np.uint16)
        ids[anomaly_box()] = 7 if number in ANOMALOUS else 0
        travelled = SPEED_MPS * PERIOD_S * number
        depth = np.where(ids == 7, 20.0 - travelled, 30.0 - travelled).astype(np.float32)
        moved = odometry(stamp_ns, SPEED_MPS, 0.0)
        position = replace(moved.pose.pose.position, x=travelled)
        moved = replace(moved, pose=replace(moved.pose, pose=replace(moved.pose.pose, position=position)))
        late = stamp_ns + 4_000_000
        records += [
            Record(ODOMETRY, late, moved),
            Record(f"{FOLDER}/instance_ids", late, image(stamp_ns, ids, "16UC1")),
            Record(f"{FOLDER}/depth", late, image(stamp_ns, depth, "32FC1")),
        ]
    return sorted(records, key=lambda record: record.recorded_ns)


def evaluated(folder: Path, records: list[Record], latency_ms: float | None) -> DriveSequence:
    path = write_bag(folder / "drive", records)
    engine = InProcessRunner(EngineSpec(str(make_toy_engine(folder)), threads=1))
    with BagReader(path) as bag, BagReader(path) as alongside:
        (camera,) = find_cameras(bag, TopicChoice(labels=(LABELS,)))
        geometry = BagGeometry(alongside, GeometryTopics.beside(alongside, camera, labels_are_classes=True))
        sequence = DriveSequence([geometry], 0.5, CameraMount(), latency_ms)
        detector = Detector(engine, DetectorConfig(0.5))
        evaluate_drive(
            [
                DriveEvaluation(
                    BagDrive(bag, [camera]), detector, DrivePolicy(HazardConfig()), LabelFormat.CLASS_IDS, (sequence,)
                )
            ]
        )
    engine.close()
    return sequence


def test_a_bag_with_its_geometry(tmp_path: Path):
    plain = Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True)
    sequence = evaluated(tmp_path, geometry_records(plain), latency_ms=100.0)
    report = sequence.report(0)
    assert (report.frames, report.left_out) == (FRAMES, ())
    (box,) = report.objects
    assert (box.instance_id, box.first_found_m, box.stable_m) == pytest.approx((7, 20 - 0.8 * 4, 20 - 0.8 * 6))
    assert box.first_found_ttc_s == pytest.approx((20 - 0.8 * 4) / SPEED_MPS)
    assert box.hazard_m is not None and box.first_found_m is not None and box.hazard_m <= box.first_found_m
    assert report.streaming is not None and report.streaming.unanswered == 1
    # Frame-wise all is found; a frame late, the first of the eight looks is not.
    streaming_ap = report.streaming.streaming.ap
    assert streaming_ap is not None and report.streaming.frame_wise.ap == 1.0 > streaming_ap
    assert report.consistency is not None and report.consistency.pairs == FRAMES - 1
    coverage, flip_share = report.consistency.coverage, report.consistency.flip_share
    assert coverage is not None and coverage > 0.8 and flip_share is not None and flip_share < 0.01
    figures = json.loads(json.dumps(sequence.figures(0), allow_nan=False))
    assert figures["streaming"]["streaming"]["ap"] == report.streaming.streaming.ap


def test_measured_latencies_stay_out_of_what_is_the_drives(tmp_path: Path):
    plain = Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True)
    sequence = evaluated(tmp_path, geometry_records(plain), latency_ms=None)
    streaming, figures = sequence.report(0).streaming, sequence.figures(0)
    assert streaming is not None and streaming.latency_ms > 0 and figures is not None
    assert figures["streaming"] is None and figures["consistency"] is not None


def test_a_bag_without_geometry_says_what_it_lacks(tmp_path: Path):
    plain = Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True)
    records = [record for record in plain.records if record.topic not in (INFO, ODOMETRY)]
    report = evaluated(tmp_path, records, latency_ms=50.0).report(0)
    assert report.streaming is not None and report.consistency is None and report.objects == ()
    assert report.left_out == (
        "temporal consistency: no camera intrinsics",
        f"objects: {FRAMES} of {FRAMES} frames have no instance ids",
    )


def test_labels_ahead_of_their_images_give_the_same_figures(tmp_path: Path):
    records = geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True))
    ahead = [replace(r, recorded_ns=r.recorded_ns - 3_000_010) if r.topic == LABELS else r for r in records]
    ahead.sort(key=lambda record: record.recorded_ns)
    (tmp_path / "a").mkdir()
    expected = evaluated(tmp_path / "a", records, latency_ms=50.0).report(0)
    assert expected.objects[0].hazard_m is not None
    assert evaluated(tmp_path, ahead, latency_ms=50.0).report(0) == expected


def test_measured_latencies_are_known_where_labels_are_ahead(tmp_path: Path):
    records = geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True))
    ahead = [replace(r, recorded_ns=r.recorded_ns - 3_000_010) if r.topic == LABELS else r for r in records]
    ahead.sort(key=lambda record: record.recorded_ns)
    assert evaluated(tmp_path, ahead, latency_ms=None).report(0).streaming is not None


def test_images_without_label_take_the_detectors_time(tmp_path: Path):
    records = geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True))
    of_labels = [record for record in records if record.topic == LABELS]
    fewer = [record for record in records if record.topic != LABELS or of_labels.index(record) % 3 == 0]
    report = evaluated(tmp_path, fewer, latency_ms=250.0).report(0)
    assert report.streaming is not None and (report.streaming.images, report.streaming.frames) == (FRAMES, 4)
    assert report.streaming.dropped > 0, "at 10 Hz a detector of 250 ms must leave some out"
    assert any("8 of 12 images have no label" in line for line in report.left_out)


def test_an_image_out_of_order_does_not_end_the_evaluation(tmp_path: Path):
    plain = Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True)
    records = geometry_records(plain)
    images = [at for at, record in enumerate(records) if record.topic == IMAGE]
    records[images[5]], records[images[6]] = (
        replace(records[images[6]], recorded_ns=records[images[5]].recorded_ns),
        replace(records[images[5]], recorded_ns=records[images[6]].recorded_ns),
    )
    report = evaluated(tmp_path, records, latency_ms=50.0).report(0)
    assert report.frames == FRAMES and report.streaming is not None and report.streaming.frames == FRAMES - 1
    assert f"streaming figures: 1 of {FRAMES} frames have no image told of in order" in report.left_out
    assert "streaming figures: 1 images whose stamps do not advance" in report.left_out


def test_hazards_are_known_with_labels_of_half_the_size(tmp_path: Path):
    records = []
    for record in geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True)):
        kinds = {"mono8": np.uint8, "16UC1": np.uint16, "32FC1": np.float32}
        if (kind := kinds.get(getattr(record.message, "encoding", ""))) is not None:
            stamp = record.message.header.stamp
            plane = record.message.data.view(kind).reshape(SIZE)[::2, ::2]
            half = image(stamp.sec * 10**9 + stamp.nanosec, plane, record.message.encoding)
            record = replace(record, message=half)
        records.append(record)
    (box,) = evaluated(tmp_path, records, latency_ms=50.0).report(0).objects
    assert box.instance_id == 7 and box.hazard_m == pytest.approx(20 - 0.8 * 5)


def test_odometry_that_is_not_finite_is_counted_and_the_rest_is_used(tmp_path: Path):
    records = geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True))
    lost, unknown = [at for at, record in enumerate(records) if record.topic == ODOMETRY][2:6:3]
    pose, twist = records[lost].message.pose, records[unknown].message.twist
    nowhere = replace(pose, pose=replace(pose.pose, position=replace(pose.pose.position, y=float("nan"))))
    linear = replace(twist.twist.linear, x=float("nan"))
    records[lost] = replace(records[lost], message=replace(records[lost].message, pose=nowhere))
    odd = replace(records[unknown].message, twist=replace(twist, twist=replace(twist.twist, linear=linear)))
    records[unknown] = replace(records[unknown], message=odd)
    report = evaluated(tmp_path, records, latency_ms=50.0).report(0)
    assert report.frames == FRAMES and "1 messages of the geometry that could not be read" in report.left_out
    assert report.objects[0].first_found_ttc_s == pytest.approx((20 - 0.8 * 4) / SPEED_MPS)


def test_unusable_geometry_is_counted(tmp_path: Path):
    records = geometry_records(Drive(frames=FRAMES, anomalous=ANOMALOUS, labelled=True))
    at = [i for i, record in enumerate(records) if record.topic.endswith("depth")][5]
    records[at] = replace(records[at], message=replace(records[at].message, encoding="nonsense"))
    report = evaluated(tmp_path, records, latency_ms=50.0).report(0)
    assert "1 messages of the geometry that could not be read" in report.left_out
    assert f"temporal consistency: 1 of {FRAMES} frames have no depth, camera pose or instance ids" in report.left_out
