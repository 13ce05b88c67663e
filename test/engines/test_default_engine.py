"""The engine that ships is the one whose figures its card states: held to stored frames and to its own manifest."""

from __future__ import annotations

from pathlib import Path

import engine_reference
import numpy as np
import pytest

from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import load_manifest

SCORE_BOUND = 2e-3
"""float16 storage of scores within ±1 costs up to 5e-4; the rest is for other builds of ONNX Runtime."""
CLASS_SHARE = 0.999
COMMITTED_BYTES = 40e6


@pytest.fixture(scope="module")
def engine():
    with_threads = load_engine("default", threads=2)
    yield with_threads
    with_threads.close()


@pytest.mark.parametrize("path", engine_reference.frame_paths(), ids=lambda path: path.stem)
def test_predictions_are_the_stored_ones(engine, path: Path) -> None:
    prediction = engine.infer(engine_reference.read_frame(path))
    score, class_ids = engine_reference.stored_prediction(path)
    np.testing.assert_allclose(prediction.score, score.astype(np.float32), atol=SCORE_BOUND)
    assert (prediction.class_ids == class_ids).mean() >= CLASS_SHARE


def test_frames_are_stored() -> None:
    assert len(engine_reference.frame_paths()) == engine_reference.FRAMES


def test_stored_frames_show_anomalous_and_normal_pixels() -> None:
    scores = np.concatenate(
        [engine_reference.stored_prediction(path)[0].ravel() for path in engine_reference.frame_paths()]
    )
    manifest = load_manifest(manifest_path("default"))
    assert manifest.threshold is not None
    share = float((scores > manifest.threshold.value).mean())
    assert 0 < share < 0.2


def test_the_manifest_is_calibrated_and_its_files_are_whole() -> None:
    path = manifest_path("default")
    manifest = load_manifest(path)
    for role in manifest.files:
        assert manifest.file(role, path.parent).is_file()
    assert manifest.threshold is not None and manifest.threshold.rule and manifest.threshold.data


def test_what_is_committed_stays_small() -> None:
    folder = manifest_path("default").parent
    files = [folder / f"default.{ending}" for ending in ("json", "onnx", "safetensors", "md")]
    assert sum(file.stat().st_size for file in files) <= COMMITTED_BYTES


def test_the_model_card_tells_the_threshold_of_the_manifest() -> None:
    path = manifest_path("default")
    threshold = load_manifest(path).threshold
    assert threshold is not None and threshold.usual_score is not None
    card = path.with_suffix(".md").read_text()
    assert f"{threshold.value:.4f}: `ros-anomaly-calibrate" in card and f"- data: {threshold.data}\n" in card
    assert f"{100 * threshold.figures['object_recall']:.1f} % of {threshold.figures['objects']:.0f} (" in card
    assert f"scores at most {threshold.usual_score:.4f} in 99 of 100" in card
