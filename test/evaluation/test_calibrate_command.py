"""The calibrate executable over synthetic drives: threshold, recall, what it writes and what it keeps."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ros_anomaly.cli import calibrate, clear_drives
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.score_track import DriveImage
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.runtime import engines
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.manifest import EngineKind, Manifest, file_entry, load_manifest
from ros_anomaly.runtime.threshold import Threshold
from ros_anomaly.scores.names import Aggregation

SIZE = (360, 640)
GROUND = GroundProjection.from_fov(SIZE, math.pi / 2)
INTRINSICS = (GROUND.fx, GROUND.fy, GROUND.cx, GROUND.cy)
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
        image = np.full((*size, 3), (0, 60, 120), np.uint8)
        time_s = frame / rate_hz
        for when_s, height in zip((10, 20), FALSE_ALARMS, strict=True):
            if index == 0 and when_s <= time_s < when_s + 1:
                image[240:256, 312:328, 0] = round(height * 255)
        image[::8, ::8] = (0, 200, frame % 256)  # no two images in a row are the same, and none is blank
        stamp_ns = 10**9 + round(time_s * 1e9)
        yield DriveImage(image, stamp_ns, stamp_ns, (8.0, 0.0), INTRINSICS)


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
        score="eam",
        aggregation=Aggregation.MASKS,
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


def run(path, *options) -> int:
    return calibrate.main(["--engine", str(path), "--rate-hz", "5", "--workers", "1", *options])


def test_threshold_is_found_written_and_explained(manifest_file, capsys):
    path, _ = manifest_file
    assert run(path, "--minutes", "2", "--per-minutes", "2", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["threshold"] == pytest.approx(FALSE_ALARMS[1], abs=1 / 255)  # one allowed: where the second begins
    assert (figures["false_hazards"], figures["allowed"], figures["minutes"]) == (1, 1, pytest.approx(2.0))
    assert figures["false_hazards_per_10_min_below"] == pytest.approx(4.744 * 5, abs=0.01)
    assert [drive["false_hazards_s"] for drive in figures["drives"]] == [[pytest.approx(10.2)], []]
    assert (figures["object_recall"], figures["objects"]) == (pytest.approx(2 / 3), 3)
    assert figures["object_recall_near"]["objects"] == 0  # nobody knows how far they are
    assert all(count <= 1 for threshold, count in figures["tried"] if threshold >= figures["threshold"])
    assert figures["command"].endswith("--minutes 2 --rate-hz 5 --max-false-hazards 1 --per-minutes 2")
    threshold = load_manifest(path).threshold
    assert threshold.value == figures["threshold"] and threshold.rule == figures["rule"]
    assert "<= 1 per 2 minutes" in threshold.rule
    assert threshold.data == figures["data"]
    assert "2 rendered anomaly-free drives" in threshold.data and "all frames of the streets'" in threshold.data
    assert threshold.figures["object_recall"] == threshold.figures["object_recall unknown"] == pytest.approx(2 / 3)
    assert threshold.figures["false_hazards_per_10_min_below"] == figures["false_hazards_per_10_min_below"]
    assert threshold.settings == HazardConfig().calibrated() and threshold.inherited_from == ""
    assert threshold.backend == "onnxruntime"
    assert threshold.usual_score == figures["usual_score"] == 0.0  # what clear_drive shows, its false alarms aside


def test_clear_images_that_the_node_calls_unfamiliar_are_counted_and_prove_nothing(manifest_file, monkeypatch, capsys):
    path, _ = manifest_file

    def foggy(index, size, duration_s, rate_hz):
        for number, one in enumerate(clear_drive(index, size, duration_s, rate_hz)):
            image = one.image.copy()
            if number in (100, 101):
                image[size[0] // 2 :, :, 0] = 250
            yield replace(one, image=image)

    monkeypatch.setattr(clear_drives, "clear_drive", foggy)
    assert run(path, "--minutes", "1", "--no-recall", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["drives"][0]["unfamiliar"] == 2 and figures["usual_score"] == 0.0
    assert figures["minutes"] < 1.0


def test_a_score_that_is_as_low_on_nothing_as_on_the_road_judges_no_scene(manifest_file, monkeypatch, capsys):
    path, _ = manifest_file
    manifest = replace(load_manifest(path), score="objectness")
    manifest.save(path)
    monkeypatch.setattr(engines, "load_engine", lambda *_: ImageIsScore(manifest))
    assert run(path, "--minutes", "1", "--no-recall") == 0
    assert "scenes are not judged: the ground of clear images scores 0.0000" in capsys.readouterr().err
    assert load_manifest(path).threshold.usual_score is None


def test_ground_that_scores_as_high_as_the_threshold_judges_no_scene(manifest_file, monkeypatch, capsys):
    path, _ = manifest_file

    def bright(index, size, duration_s, rate_hz):
        for one in clear_drive(index, size, duration_s, rate_hz):
            image = one.image.copy()
            image[size[0] // 2 :, :, 0] = 255
            yield replace(one, image=image)

    monkeypatch.setattr(clear_drives, "clear_drive", bright)
    assert run(path, "--minutes", "1", "--no-recall") == 0
    assert "scenes are not judged" in capsys.readouterr().err
    assert load_manifest(path).threshold.usual_score is None


def test_drives_are_kept_and_a_dry_run_writes_nothing(manifest_file, capsys):
    path, made = manifest_file
    before = path.read_text()
    for _ in range(2):
        assert run(path, "--minutes", "1", "--dry-run") == 0
    # One engine for the frame of the recall, one a drive; the second time the drive is there.
    assert [engine.runs for engine in made] == [1, 60 * 5, 1]
    assert path.read_text() == before
    said = capsys.readouterr().out
    assert "0 false hazards in 1.0 minutes, 0 allowed" in said
    assert "true rate is below 30 in 10 minutes" in said and "the rule speaks of 10 minutes" in said


def test_the_manifest_remembers_the_backend_and_its_change_is_told(manifest_file, capsys):
    path, _ = manifest_file
    own = Threshold(0.5, "rule", "data", backend="onnxruntime")
    replace(load_manifest(path), thresholds={"eam": own}).save(path)
    assert run(path, "--minutes", "1", "--no-recall", "--backend", "openvino:bf16") == 0
    assert "replaced by one for backend openvino:bf16 (calibrated with onnxruntime)" in capsys.readouterr().err
    assert load_manifest(path).threshold.backend == "openvino:bf16"


def test_the_same_twice_writes_the_same_manifest(manifest_file):
    path, _ = manifest_file
    assert run(path, "--minutes", "1") == 0
    first = path.read_bytes()
    assert run(path, "--minutes", "1") == 0
    assert path.read_bytes() == first


def test_what_the_policy_says_is_kept_with_the_threshold(manifest_file, tmp_path, capsys):
    path, _ = manifest_file
    params = tmp_path / "params.yaml"
    params.write_text("/**:\n  ros__parameters:\n    corridor: {half_width_m: 0.5}\n    region: {min_area_px: 300}\n")
    assert run(path, "--minutes", "1", "--no-recall", "--params", str(params), "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["false_hazards"] == 0 and figures["threshold"] < FALSE_ALARMS[1]  # 256 pixels are no region
    assert "object_recall" not in figures and figures["recall_data"] is None
    threshold = load_manifest(path).threshold
    assert threshold.settings == {
        **HazardConfig().calibrated(),
        "region.min_area_px": 300,
        "corridor.half_width_m": 0.5,
    }
    assert "object_recall" not in threshold.figures
    params.write_text("/**:\n  ros__parameters:\n    camera: {z_m: 2.5}\n")
    assert run(path, "--minutes", "1", "--params", str(params)) == 1
    assert "expected the streets' own camera pose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--drive", "bag", "--minutes", "3"], "--minutes: expected without --drive"),
        (["--topic", "/a"], "--topic: expected with --drive"),
        (["--no-recall", "--frames", "3"], "--frames: expected without --no-recall"),
    ],
)
def test_options_that_contradict_each_other(manifest_file, options, said, capsys):
    assert calibrate.main(["--engine", str(manifest_file[0]), *options]) == 2
    assert said in capsys.readouterr().err
