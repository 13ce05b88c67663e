"""Calibration on a user's own recordings: bags and folders, and the same events as a bag evaluation has."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drive_bags import IMAGE, PERIOD_NS, SIZE, Drive, image, picture, write_bag
from toy_engine import make_toy_engine

from ros_anomaly.bags.clock import DriveClock
from ros_anomaly.bags.reader_drive import open_drive
from ros_anomaly.cli import calibrate, clear_drives
from ros_anomaly.detector import Detector, DetectorConfig
from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation, evaluate_drive
from ros_anomaly.evaluation.drives.images import CameraImages
from ros_anomaly.evaluation.drives.run import DrivePolicy
from ros_anomaly.evaluation.replay import count_hazards, replay
from ros_anomaly.evaluation.score_track import record
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.manifest import load_manifest

HAZARD = HazardConfig()


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(clear_drives, "worker_pool", ThreadPoolExecutor)  # what is patched here stays patched there
    monkeypatch.setattr(clear_drives, "library", lambda: pytest.fail("nothing is rendered for recordings"))
    (tmp_path / "engine").mkdir()
    return make_toy_engine(tmp_path / "engine", threshold=None)


@pytest.fixture
def run(engine, capsys):
    def run(*arguments) -> tuple[int, dict, str]:
        words = [
            "--engine",
            str(engine),
            "--workers",
            "1",
            "--threads",
            "1",
            "--no-recall",
            "--json",
            *map(str, arguments),
        ]
        status = calibrate.main(words)
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out else {}, captured.err

    return run


def faint(records, frames, level: int = 200):
    """The anomalies of ``frames`` score lower: they are dark magenta."""
    marked = [at for at, one in enumerate(records) if one.topic == IMAGE]
    for number in frames:
        pixels = picture(True, seed=number)
        pixels[(pixels == (255, 0, 255)).all(2)] = (level, 0, level)
        at = marked[number]
        stamp = records[at].message.header.stamp
        records[at] = replace(records[at], message=image(stamp.sec * 10**9 + stamp.nanosec, pixels))
    return records


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_is_calibrated_on(run, engine, tmp_path, storage):
    bag = write_bag(tmp_path / "garage", Drive(frames=60, anomalous=(8, 9, 10, 30, 31)).records, storage)
    faint_bag = write_bag(tmp_path / "yard", faint(Drive(frames=60, anomalous=()).records, (20, 21, 22)), storage)
    status, figures, said = run("--drive", bag, faint_bag, "--max-false-hazards", "20", "--per-minutes", "1")
    assert status == 0, said
    # 12 seconds may have four events; all three are there, so that the threshold falls to the lowest frame.
    assert (figures["allowed"], figures["false_hazards"]) == (4, 3)
    assert figures["minutes"] == pytest.approx(0.2)
    assert [len(drive["false_hazards_s"]) for drive in figures["drives"]] == [2, 1]
    status, figures, _ = run("--drive", bag, faint_bag)
    assert figures["allowed"] == figures["false_hazards"] == 0 and figures["threshold"] == pytest.approx(1.0)
    assert figures["false_hazards_per_10_min_below"] == pytest.approx(2.9957 / 0.2 * 10, rel=1e-4)
    threshold = load_manifest(engine).threshold
    assert threshold.value == figures["threshold"]
    assert (
        "user's own anomaly-free drives garage (60 images, " in threshold.data and str(tmp_path) not in threshold.data
    )
    assert str(tmp_path) not in figures["command"] and "--drive garage yard --no-recall" in figures["command"]


def test_raw_and_compressed_images_give_the_same_threshold(run, tmp_path):
    found = []
    for transport in ("raw", "compressed"):
        bag = write_bag(tmp_path / transport, Drive(frames=40, anomalous=(8, 20, 30, 31), transport=transport).records)
        _, figures, _ = run("--drive", bag, "--dry-run", "--max-false-hazards", "0")
        found.append((figures["threshold"], figures["drives"][0]["fingerprint"]))
    assert found[0] == found[1]


def test_a_folder_of_images_needs_a_rate_and_is_a_drive_then(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(50):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number in (20, 21, 22), seed=number)[..., ::-1])
    status, _, said = run("--drive", folder)
    assert status == 1 and "named by their stamps in nanoseconds, or a rate" in said
    status, figures, said = run("--drive", folder, "--rate-hz", "5", "--max-false-hazards", "6", "--per-minutes", "1")
    assert status == 0 and figures["minutes"] == pytest.approx(10 / 60)
    assert (figures["allowed"], figures["false_hazards"]) == (1, 1)
    assert "50 images without a usable camera_info or horizontal_fov_rad" in said


def test_score_maps_are_kept_until_the_recording_changes(run, tmp_path):
    bag = write_bag(tmp_path / "garage", Drive(frames=20, anomalous=()).records)
    run("--drive", bag)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    run("--drive", bag)
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    shutil.rmtree(bag)
    write_bag(bag, Drive(frames=25, anomalous=()).records)
    _, figures, _ = run("--drive", bag)
    assert figures["drives"][0]["frames"] == 25


def test_what_cannot_be_used_is_said_before_anything_is_recorded(run, tmp_path):
    bag = write_bag(tmp_path / "garage", Drive(frames=20).records)
    for arguments, expected in (
        (["--drive", bag, tmp_path / "nowhere"], "found nothing"),
        (["--drive", bag, "--topic", "/rear/image"], "topic /rear/image: expected it in garage"),
        (["--drive", bag, bag], "expected every drive once"),
        (["--drive", bag, "--rate-hz", "10"], "expected a folder of pictures among the drives"),
    ):
        status, _, said = run(*arguments)
        assert status == 1 and expected in said, said
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_images_that_cannot_be_trusted_prove_nothing(run, tmp_path):
    drive = Drive(frames=40, anomalous=())
    for at in drive.images():
        stamp = drive.records[at].message.header.stamp
        pixels = picture(seed=1)
        drive.records[at] = replace(drive.records[at], message=image(stamp.sec * 10**9 + stamp.nanosec, pixels))
    status, figures, said = run("--drive", write_bag(tmp_path / "frozen", drive.records))
    assert status == 0 and figures["minutes"] == pytest.approx(9 * 0.1 / 60)
    assert "31 of 40 images are UNKNOWN and prove nothing: frozen image" in said
    dark = Drive(frames=10, anomalous=())
    for at in dark.images():
        stamp = dark.records[at].message.header.stamp
        black = np.zeros((*SIZE, 3), np.uint8)
        dark.records[at] = replace(dark.records[at], message=image(stamp.sec * 10**9 + stamp.nanosec, black))
    status, _, said = run("--drive", write_bag(tmp_path / "dark", dark.records))
    assert status == 1 and "found every one UNKNOWN" in said


def test_an_image_that_cannot_be_read_spoils_the_drive(run, tmp_path):
    drive = Drive(frames=40, anomalous=())
    at = drive.images()[5]
    drive.records[at] = replace(drive.records[at], message=replace(drive.records[at].message, encoding="rubbish"))
    status, _, said = run("--drive", write_bag(tmp_path / "garage", drive.records))
    assert status == 1
    assert "garage: expected images that can all be read, found one at" in said and "rubbish" in said


def test_the_same_images_are_not_counted_twice(run, tmp_path):
    records = Drive(frames=20, anomalous=()).records
    first, second = write_bag(tmp_path / "garage", records), write_bag(tmp_path / "copy", records)
    status, _, said = run("--drive", first, second)
    assert status == 1 and "expected every drive once, found the same images in garage and copy" in said
    status, _, said = run("--drive", first, "--topic", IMAGE, "--topic", IMAGE)
    assert status == 1 and f"--topic: expected every topic once, found {IMAGE} twice" in said


@pytest.mark.parametrize("threshold", [0.2, 0.7, 0.9])
def test_the_replay_tells_what_a_bag_evaluation_tells(engine, tmp_path, threshold):
    """A drive with alarms of two strengths, a pause, a frozen camera and a curve, told both ways."""
    drive = Drive(frames=90, anomalous=(8, 9, 10, 30, 50, 51, 52, 53, 70, 72))
    records = faint(drive.records, (50, 51, 52, 53))
    images = [at for at, one in enumerate(records) if one.topic == IMAGE]
    for at in images[56:68]:
        stamp = records[at].message.header.stamp
        records[at] = replace(records[at], message=image(stamp.sec * 10**9 + stamp.nanosec, picture(seed=3)))
    late = 8 * PERIOD_NS
    pause_from = records[images[40]].recorded_ns
    for at, one in enumerate(records):
        if one.recorded_ns >= pause_from:
            stamp = one.message.header.stamp
            moved = stamp.sec * 10**9 + stamp.nanosec + late
            own = replace(one.message.header, stamp=type(stamp)(*divmod(moved, 10**9)))
            records[at] = replace(one, recorded_ns=one.recorded_ns + late, message=replace(one.message, header=own))
    bag = write_bag(tmp_path / "drive", records)
    loaded = load_engine(engine, threads=1)
    try:
        with open_drive(bag) as source:
            detector = Detector(loaded, DetectorConfig(threshold, HAZARD.region))
            (evaluated,) = evaluate_drive([DriveEvaluation(source, detector, DrivePolicy(HAZARD))])
        with open_drive(bag) as source:
            track = record(loaded, CameraImages(source, DriveClock.AUTO), tmp_path / "track.npz")
    finally:
        loaded.close()
    rows = evaluated.tallies[0].rows
    states = list(replay(track, threshold, HAZARD))
    assert [state.level for state in states] == [row.level for row in rows]
    assert count_hazards(states, track.frames.recorded_ns) == evaluated.tallies[0].alarms
    assert len({state.level for state in states}) == 4  # nothing of this drive is lost on either
