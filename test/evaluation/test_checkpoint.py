"""State of unfinished runs: whole or absent, under its own key; kept frames and times go through it unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation.labelled.checkpoint import (
    Checkpoint,
    code_fingerprint,
    prefixed,
    text_array,
    text_of,
    without_prefix,
)
from ros_anomaly.evaluation.labelled.kept_frames import KeptFrames
from ros_anomaly.evaluation.labelled.timing import Stopwatch


def test_state_comes_back_and_goes(tmp_path):
    checkpoint = Checkpoint(tmp_path / "made", {"a": 1})
    assert checkpoint.load() is None
    checkpoint.save({"x/y": np.arange(3), "z": np.zeros((0, 2), np.uint8)})
    checkpoint.save({"x/y": np.arange(4)})
    assert checkpoint.load()["x/y"].tolist() == [0, 1, 2, 3] and set(checkpoint.load()) == {"x/y"}
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]
    checkpoint.remove()
    assert checkpoint.load() is None


def test_an_interrupted_save_leaves_the_state_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.save({"x": np.arange(3)})

    def cut_short(path, **arrays):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", cut_short)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save({"x": np.arange(9)})
    assert checkpoint.load()["x"].tolist() == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 1


def test_key_decides_the_file_whatever_the_order_of_its_parts(tmp_path):
    assert Checkpoint(tmp_path, {"a": 1, "b": 2}).path == Checkpoint(tmp_path, {"b": 2, "a": 1}).path
    assert Checkpoint(tmp_path, {"a": 1}).path != Checkpoint(tmp_path, {"a": 2}).path


def test_prefixes_and_texts():
    state = {**prefixed("one", {"a/b": np.ones(1)}), **prefixed("other", {"a/b": np.zeros(1)})}
    assert without_prefix("one", state) == {"a/b": np.ones(1)}
    assert text_of(text_array({"ä": [1.25, None]})) == {"ä": [1.25, None]}
    assert len(code_fingerprint()) == 16


def offer(kept: KeptFrames, ranks: list[float]) -> list[str]:
    drawn = []
    for number, rank in enumerate(ranks):
        name = f"f{number}"
        kept.offer(name, number, rank, {"ap": rank}, lambda name=name: drawn.append(name) or name.encode())
    return drawn


def test_kept_frames_are_the_lowest_and_only_they_are_drawn():
    kept = KeptFrames(2)
    assert offer(kept, [3.0, 1.0, 5.0, 1.0, 2.0]) == ["f0", "f1", "f3"]
    assert [(frame.name, frame.rank, frame.jpeg) for frame in kept.frames()] == [("f1", 1.0, b"f1"), ("f3", 1.0, b"f3")]
    assert KeptFrames.from_state(2, kept.state()).frames() == kept.frames()
    none = KeptFrames(0)
    assert offer(none, [1.0]) == [] and none.frames() == ()
    with pytest.raises(ValueError, match="at least 0"):
        KeptFrames(-1)


def test_times():
    assert Stopwatch().figures() is None
    watch = Stopwatch(np.array([0.001] * 50))
    for _ in range(50):
        watch.add(0.003)
    figures = watch.figures()
    assert (figures.median_ms, figures.frames) == (pytest.approx(2.0), 100)
    assert figures.p99_ms == pytest.approx(3.0) and figures.mean_ms == pytest.approx(2.0)
