"""Statistics for fitted scores: from frames without anomalies alone, void left out, and kept for the next run."""

from __future__ import annotations

import json

import dataset_trees as trees
import numpy as np
import pytest
from oracle_engine import ROAD, SIZE, SKY, OracleEngine, source, street, streets
from toy_engine import make_toy_raw_engine

from ros_anomaly.cli import evaluate, evaluate_engines, evaluate_sources
from ros_anomaly.evaluation.labelled.fit import fit_statistics
from ros_anomaly.runtime.manifest import load_manifest
from ros_anomaly.scores.names import Aggregation


def test_only_frames_without_anomalies_and_pixels_that_are_not_void_count():
    clean = street("b")
    clean.class_ids[:4] = 255
    fit, used = fit_statistics([*streets()[::2], clean], OracleEngine())
    assert used == 1 and fit.pixels == (SIZE[0] - 4) * SIZE[1]
    statistics = fit.statistics("0" * 64, "test")
    assert [i for i, own in enumerate(statistics.classes) if own] == [SKY, ROAD]
    assert statistics.classes[ROAD].pixels == SIZE[0] // 2 * SIZE[1]


def test_masks_smaller_than_the_labels_take_the_label_in_the_middle_of_a_cell():
    clean = street("b")
    clean.class_ids[:4] = 255
    fit, _ = fit_statistics([clean], OracleEngine(masks_at=4))
    assert fit.pixels == (SIZE[0] - 4) * SIZE[1] // 16


def test_no_frame_without_anomaly():
    with pytest.raises(ValueError, match="frames without anomalies, found none"):
        fit_statistics(streets()[:1], OracleEngine())


def test_the_command_fits_once_and_takes_the_cache_then(tmp_path, monkeypatch, capsys):
    manifest = load_manifest(make_toy_raw_engine(tmp_path))
    opened = []

    def open_raw(name, threads, backend):
        opened.append(OracleEngine(noise=2.0))
        opened[-1].manifest = manifest
        return opened[-1]

    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluate_engines, "open_raw_engine", open_raw)
    monkeypatch.setattr(evaluate_sources, "open_street", lambda split, count: source())
    arguments = ["--engine", str(tmp_path / "toy_raw.json"), "--scores", "sml,kl_matching,uno", "--fit", "validation"]
    arguments += ["--street", "test"]
    results = []
    for _ in range(2):
        assert evaluate.main([*arguments, "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    assert [engine.calls for engine in opened] == [1 + 3, 3]
    assert results[0] == results[1] and list(results[0]["scores"]) == ["sml", "kl_matching", "uno"]
    assert all(np.isfinite(score["ap"]) for score in results[0]["scores"].values())
    assert evaluate.main([*arguments, "--aggregation", "exact"]) == 0
    assert opened[-1].calls == 1 + 3  # statistics of another aggregation are others


def test_statistics_are_of_the_aggregation_asked_for():
    clean, engine = street("b"), OracleEngine(masks_at=4)
    assert fit_statistics([clean], engine)[0].pixels == SIZE[0] * SIZE[1] // 16
    assert fit_statistics([clean], engine, Aggregation.EXACT)[0].pixels == SIZE[0] * SIZE[1]


def test_statistics_are_not_taken_on_the_frames_that_are_evaluated(tmp_path, capsys):
    trees.street_hazards(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    make_toy_raw_engine(tmp_path)
    arguments = ["--engine", str(tmp_path / "toy_raw.json"), "--scores", "sml", "--dataset", "streethazards"]
    arguments += ["--folder", str(tmp_path), "--frames", "1", "--fit"]
    for same in (f"streethazards/test:{tmp_path}", f"recorded-streets:{tmp_path / 'link'}"):
        assert evaluate.main([*arguments, same]) == 2
        said = capsys.readouterr().err
        assert "expected other frames than those evaluated" in said and len(said.strip().splitlines()) == 1
    other = evaluate_sources.open_fit_source(f"streethazards/train:{tmp_path}")
    evaluate_sources.check_fit_apart(other, evaluate_sources.open_fit_source(f"streethazards:{tmp_path}"))
