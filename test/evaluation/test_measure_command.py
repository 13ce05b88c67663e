"""The measure executable: figures of stored score maps, and files that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ros_anomaly.cli import measure as measure_command
from ros_anomaly.cli.score_file import ScoreFile
from ros_anomaly.evaluation.conventions import CONVENTIONS

KEYS = ["ap", "auroc", "fpr95", "best_f1", "threshold", "siou", "ppv", "f1_star", "frames", "pixels"]


def square() -> np.ndarray:
    labels = np.zeros((2, 40, 60), np.uint8)
    labels[0, :30, :30] = 1
    return labels


def test_offers_every_convention():
    assert set(CONVENTIONS) == set(measure_command.CONVENTION_NAMES)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_frames_come_one_by_one_from_every_kind_of_file(tmp_path, save, order):
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.integers(0, 2, (3, 4, 5)).astype(np.uint8)
    path = tmp_path / "scores.npz"
    save(path, scores=np.asarray(scores, order=order), labels=labels)
    file = ScoreFile(path)
    frames = list(file.frames())
    assert len(file) == len(frames) == 3
    np.testing.assert_array_equal(np.stack([s for s, _ in frames]), scores)
    np.testing.assert_array_equal(np.stack([one for _, one in frames]), labels)


def test_a_file_is_not_held_in_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "scores.npz"
    np.savez(path, scores=np.zeros((60, 200, 300), np.float32), labels=np.zeros((60, 200, 300), np.uint8))
    tracemalloc.start()
    for _ in ScoreFile(path).frames():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 200 * 300 * 5  # some frames of the sixty


def test_caos_has_no_components_and_skips_images_without_anomaly(tmp_path, capsys):
    path = tmp_path / "scores.npz"
    labels = square()
    labels[0, 35:] = 255
    np.savez(path, scores=(labels == 1) - np.float32(0.5), labels=labels)
    assert measure_command.main([str(path), "--convention", "caos", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == KEYS
    assert [figures[k] for k in KEYS] == [1.0, 1.0, 0.0, None, None, None, None, None, 2, 2400]


@pytest.mark.parametrize("harm", ["cut short", "bytes lost"])
def test_a_broken_file_is_one_line(tmp_path, capsys, harm):
    path = tmp_path / "scores.npz"
    scores = np.random.default_rng(0).normal(size=(3, 40, 60)).astype(np.float32)
    np.savez(path, scores=scores, labels=np.zeros((3, 40, 60), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[:9000] if harm == "cut short" else content[:5000] + bytes(1000) + content[6000:])
    assert measure_command.main([str(path)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and "expected a numpy .npz file" in lines[0]


def test_no_frames_and_python_objects_are_refused(tmp_path, capsys):
    path = tmp_path / "scores.npz"
    np.savez(path, scores=np.zeros((0, 4, 5)), labels=np.zeros((0, 4, 5)))
    assert measure_command.main([str(path)]) == 1
    assert "expected at least one, found none" in capsys.readouterr().err
    np.savez(path, scores=np.full((1, 2, 2), None), labels=np.zeros((1, 2, 2)))
    assert measure_command.main([str(path)]) == 1
    assert "Python objects" in capsys.readouterr().err


def test_measure_executable(tmp_path, capsys):
    labels = square()
    path = tmp_path / "scores.npz"
    np.savez(path, scores=labels.astype(np.float16) - 0.5, labels=labels)
    assert measure_command.main([str(path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == KEYS
    assert (figures["f1_star"], figures["frames"], figures["pixels"]) == (1.0, 2, 4800)
    assert measure_command.main([str(path), "--convention", "fishyscapes"]) == 0
    assert "siou       undefined" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"scores": np.zeros((1, 2, 2))}, "found no 'labels'"),
        ({"scores": np.zeros((1, 2, 2)), "labels": np.zeros((1, 2, 3))}, "labels of the same shape"),
        ({"scores": np.full((1, 2, 2), np.nan), "labels": np.zeros((1, 2, 2), np.uint8)}, "finite"),
    ],
)
def test_bad_files_are_one_line(tmp_path, capsys, arrays, said):
    path = tmp_path / "scores.npz"
    np.savez(path, **arrays)
    assert measure_command.main([str(path)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and said in lines[0]


@pytest.mark.parametrize("content", [b"no numpy here", b"", b"PK\x03\x04 cut short", b"\x93NUMPY"])
def test_what_is_no_npz(tmp_path, capsys, content):
    path = tmp_path / "scores.npz"
    path.write_bytes(content)
    assert measure_command.main([str(path)]) == 1
    assert "expected a numpy .npz file" in capsys.readouterr().err
