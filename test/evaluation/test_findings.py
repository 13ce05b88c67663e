"""UNO against the other scores, correlation of its parts, kinds of anomalies, coarse rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracle_engine import OracleEngine, source, street, streets

from ros_anomaly.data.corruptions import Corruption
from ros_anomaly.evaluation import score_figures
from ros_anomaly.evaluation.labelled.corrupted import corrupted_source
from ros_anomaly.evaluation.labelled.run import evaluate
from ros_anomaly.evaluation.labelled.score_maps import RawScorer
from ros_anomaly.evaluation.metrics import ScoreCounts, ranking_figures
from ros_anomaly.evaluation.score_figures import ScoreFigures
from ros_anomaly.evaluation.strata import stratify
from ros_anomaly.scores.registry import get_score


def scorer(engine: OracleEngine, *names: str) -> RawScorer:
    return RawScorer(engine, [get_score(name) for name in names])


def test_uno_is_compared_with_every_other_score_and_its_parts_with_each_other():
    frames = [replace(frame, name=f"{frame.name}{i}") for i in range(4) for frame in streets()]
    names = ("uno", "unc", "objectness", "msp")
    report = evaluate(source(frames), scorer(OracleEngine(noise=10.0), *names))
    assert list(report.gains) == ["uno"] and list(report.gains["uno"]) == ["unc", "objectness", "msp"]
    for other, gain in report.gains["uno"].items():
        assert gain.ap == pytest.approx(report.scores["uno"].full.ap - report.scores[other].full.ap)
        assert gain.low <= gain.ap <= gain.high and gain.is_sure == (gain.low > 0)
    assert set(report.correlation) == {"all", "anomalous"} and -1 <= report.correlation["anomalous"] <= 1


def test_without_its_parts_there_is_no_correlation_and_without_uno_no_gain():
    report = evaluate(source(), scorer(OracleEngine(), "unc", "msp"))
    assert report.correlation == {} and report.gains == {} and report.recall == {}


def test_an_object_counts_for_every_kind_that_it_has():
    animal, chair = (20, 32, 10, 20, 8.0), (20, 32, 30, 40, 9.0)
    frame = street("a", (animal, chair))
    frame.info["anomalies"][0]["kinds"] = ["animal", "never seen"]
    frame.info["anomalies"][1]["kinds"] = ["household"]
    report = evaluate(source([frame]), scorer(OracleEngine(), "uno"))
    assert {kind: own.anomalous_px for kind, own in report.scores["uno"].by_kind.items()} == {
        "animal": 120,
        "household": 120,
        "never seen": 120,
    }


def test_rows_that_share_cells_stay_within_the_bound_they_state(monkeypatch):
    monkeypatch.setattr(score_figures, "_EXACT_SCORES_OF_A_ROW", 256)
    rng = np.random.default_rng(0)
    figures = ScoreFigures()
    exact: dict[str, tuple[ScoreCounts, ScoreCounts]] = {}
    for i in range(30):
        frame = street(f"f{i}", ((10, 40, 10, 50, 8.0),), weather=f"w{i % 2}")
        anomalous = frame.class_ids == 13
        score = rng.normal(anomalous * 1.5, 1.0).astype(np.float32)
        figures.add(score, stratify(frame), frame.info["weather"])
        own = exact.setdefault(frame.info["weather"], (ScoreCounts(), ScoreCounts()))
        own[0].add(score[anomalous])
        own[1].add(score[~anomalous])
    for weather, found in figures.report("s").by_weather.items():
        true = ranking_figures(*exact[weather])
        assert 0 < found.max_error < 33e-4
        for name in ("ap", "auroc", "fpr95"):
            assert getattr(found, name) == pytest.approx(getattr(true, name), abs=found.max_error + 1e-12)
        assert (found.anomalous_px, found.normal_px) == (true.anomalous_px, true.normal_px)


def test_coarser_counts_take_fewer_cells():
    scores = np.random.default_rng(0).normal(size=400_000).astype(np.float32)
    fine, coarse = ScoreCounts(1024), ScoreCounts(1024, coarseness=32.0)
    for counts in (fine, coarse):
        counts.add(scores)
        assert counts.total() == len(scores)
    assert len(coarse._cells) < len(fine._cells) / 8
    again = ScoreCounts.from_state(coarse.state())
    again.add(scores)
    assert len(again._cells) < len(fine._cells) / 8  # goes on as coarsely
    with pytest.raises(ValueError, match="a coarseness of 1 to 1000, found 1024 and 0.5"):
        ScoreCounts(1024, 0.5)


def test_corrupted_frames_have_other_pictures_and_the_same_truth():
    clean = source()
    noisy = corrupted_source(clean, Corruption("noise", 5.0), seed=1)
    one, other = clean.frames[0], noisy.frames[0]
    assert len(noisy.frames) == 3 and noisy.fingerprint != clean.fingerprint and noisy.name == clean.name
    assert not np.array_equal(one.image, other.image) and other.class_ids is one.class_ids
    assert np.array_equal(other.image, noisy.frames[0].image)
    assert not np.array_equal(other.image, corrupted_source(clean, Corruption("noise", 5.0)).frames[0].image)
