"""The calibrate executable over synthetic drives: threshold, recall, what it writes and what it keeps."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from ros_anomaly.cli import calibrate, clear_drives
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.replay import DriveImage
from ros_anomaly.runtime import engines
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.manifest import EngineKind, Manifest, file_entry, load_manifest
from ros_anomaly.scores.names import Aggregation

SIZE = (360, 640)
FALSE_ALARMS = (0.75, 0.35)  # what the clear drives show, each for a second, once in every drive of a minute


class ImageIsScore:
    """Score = red channel / 255 at stride 4."""

    input_size = SIZE
    runs = 0

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def infer(self, image: np.ndarray) -> Prediction:
        self.runs += 1
        score = image[::4, ::4, 0].astype(np.float32) / 255
        return Prediction(score, np.zeros(score.shape, np.uint8))

    def close(self) -> None:
        pass


def clear_drive(index, size, duration_s, rate_hz):
    for frame in range(round(duration_s * rate_hz)):
        image = np.zeros((*size, 3), np.uint8)
        time_s = frame / rate_hz
        for when_s, height in zip((10, 20), FALSE_ALARMS, strict=True):
            if index == 0 and when_s <= time_s < when_s + 1:
                image[240:256, 312:328] = round(height * 255)
        yield DriveImage(image, 10**9 + round(time_s * 1e9), 8.0, 0.0)


def validation_frames():
    labels = np.full(SIZE, StreetClass.ROAD, np.uint8)
    ids = np.zeros(SIZE, np.uint16)
    image = np.zeros((*SIZE, 3), np.uint8)
    for i, brightness in enumerate((0.9, 0.5, 0.2)):
        place = np.s_[240:260, 100 * i : 100 * i + 40]
        labels[place], ids[place], image[place] = StreetClass.ANOMALY, i + 1, round(brightness * 255)
    return [Frame("f", image, labels, ids)]


@pytest.fixture
def manifest_file(tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "toy.onnx").write_bytes(b"not read here")
    manifest = Manifest(
        name="toy",
        kind=EngineKind.FUSED,
        input_size=SIZE,
        output_size=(90, 160),
        num_queries=1,
        score="uno",
        aggregation=Aggregation.STRIDE_4,
        files={"onnx": file_entry(tmp_path / "toy.onnx")},
    )
    path = tmp_path / "toy.json"
    manifest.save(path)
    monkeypatch.setattr(
        engines, "load_engine", lambda name, backend, threads: made.append(ImageIsScore(manifest)) or made[-1]
    )
    monkeypatch.setattr(clear_drives, "clear_drive", clear_drive)
    monkeypatch.setattr(clear_drives, "library", lambda: SimpleNamespace(prepare=lambda workers: None))
    monkeypatch.setattr(clear_drives, "worker_pool", ThreadPoolExecutor)  # what is patched here stays patched there
    monkeypatch.setattr(calibrate, "simulator_fingerprint", lambda: "streets")
    monkeypatch.setattr(calibrate, "street_source", lambda split, frames: validation_frames())
    made: list[ImageIsScore] = []
    return path, made


def test_threshold_is_found_written_and_explained(manifest_file, capsys):
    path, _ = manifest_file
    assert (
        calibrate.main(["--engine", str(path), "--minutes", "2", "--per-minutes", "2", "--rate-hz", "5", "--json"]) == 0
    )
    figures = json.loads(capsys.readouterr().out)
    low, high = (round(height * 255) / 255 for height in (FALSE_ALARMS[1], FALSE_ALARMS[0]))
    assert low <= figures["threshold"] < low + 5e-3 < high  # one event allowed: above the second highest alarm
    assert (figures["false_hazards"], figures["minutes"]) == (1, pytest.approx(2.0))
    assert (figures["object_recall"], figures["objects"]) == (pytest.approx(2 / 3), 3)
    threshold = load_manifest(path).threshold
    assert threshold.value == figures["threshold"]
    assert "<= 1 per 2 simulated minutes" in threshold.rule
    assert "2 anomaly-free drives" in threshold.data and "on 1 frames" in threshold.data
    assert threshold.figures["object_recall"] == pytest.approx(2 / 3)


def test_drives_are_kept_and_a_dry_run_writes_nothing(manifest_file, capsys):
    path, made = manifest_file
    before = path.read_text()
    arguments = ["--engine", str(path), "--minutes", "1", "--rate-hz", "5", "--dry-run"]
    assert calibrate.main(arguments) == 0
    assert calibrate.main(arguments) == 0
    # One engine for the frame of the recall, one a drive; the second time the drive is there.
    assert [engine.runs for engine in made] == [1, 60 * 5, 1]
    assert path.read_text() == before
    assert "0 false hazards in 1.0 minutes" in capsys.readouterr().out
