"""One engine over frames with known answers: figures, resumption, conventions, kept frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracle_engine import ANOMALY, SIZE, OracleEngine, source, street, streets

from ros_anomaly.data.frames import Frame, LabelKind
from ros_anomaly.data.labels import INLIER_ID
from ros_anomaly.evaluation import score_figures
from ros_anomaly.evaluation.labelled.checkpoint import Checkpoint
from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, EvaluationResult, details
from ros_anomaly.evaluation.labelled.run import EngineReport, Saving, evaluate
from ros_anomaly.evaluation.labelled.score_maps import FusedScorer, RawScorer
from ros_anomaly.evaluation.labelled.spill import Spill
from ros_anomaly.evaluation.metrics import RankingFigures
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import get_score


def scorer(engine: OracleEngine, *names: str, aggregation: Aggregation = Aggregation.MASKS) -> RawScorer:
    return RawScorer(engine, [get_score(name) for name in names], aggregation)


def anomalous_px(bands: dict[str, RankingFigures]) -> dict[str, int]:
    return {name: own.anomalous_px for name, own in bands.items()}


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_perfect_engine(aggregation):
    report = evaluate(source(), scorer(OracleEngine(), "uno", "objectness", "uno", aggregation=aggregation))
    assert (report.frames, report.anomalous_frames, report.miou) == (3, 2, 1.0)
    assert list(report.scores) == ["uno", "objectness"]
    for score in report.scores.values():
        assert (score.full.ap, score.full.auroc, score.full.fpr95) == (1.0, 1.0, 0.0)
        assert score.full.anomalous_px == 120 + 60
        assert score.road.anomalous_px == 120
        assert {band: own.anomalous_px for band, own in score.by_distance.items()} == {"0-10 m": 120, "over 40 m": 60}
        assert {band: own.anomalous_px for band, own in score.by_size.items()} == {
            "under 100 px": 60,
            "100-399 px": 120,
        }
        assert {name: own.anomalous_px for name, own in score.by_weather.items()} == {"fog": 60, "noon": 120}
        assert score.by_weather["fog"].normal_px == SIZE[0] * SIZE[1] - 60
        assert score.best_f1 == 1.0 and score.by_convention is None


def test_blind_engine_is_no_better_than_chance():
    report = evaluate(source(), scorer(OracleEngine(blind=True), "uno_clamped"))
    prevalence = 180 / (3 * SIZE[0] * SIZE[1])
    assert report.scores["uno_clamped"].full.ap == pytest.approx(prevalence, rel=0.5)
    assert report.scores["uno_clamped"].full.fpr95 > 0.4
    assert report.miou == 1.0
    assert [frame.name for frame in report.misses] == ["c", "a"]  # fewer anomalous pixels, lower AP


def test_scores_of_smaller_masks_are_brought_to_the_labels_size():
    report = evaluate(source(streets()[:1]), scorer(OracleEngine(masks_at=2), "uno"))
    assert report.scores["uno"].full.ap > 0.95
    assert 0.9 < report.miou <= 1.0


def test_without_frames_or_scores():
    with pytest.raises(ValueError, match="at least one frame, found none"):
        evaluate(source([]), scorer(OracleEngine(), "uno"))
    with pytest.raises(ValueError, match="at least one name"):
        scorer(OracleEngine())


def test_frames_without_anomaly_have_no_ranking_but_classes():
    report = evaluate(source([street()]), scorer(OracleEngine(), "uno"))
    score = report.scores["uno"]
    assert score.full.ap is None and score.full_ap_ci is None and score.curve is None and score.best_f1 is None
    assert report.miou == 1.0 and report.misses == () and len(report.false_flags) == 1


def anomaly_masks() -> list[Frame]:
    """The streets as a dataset labels them that knows no classes."""
    frames = []
    for frame in streets():
        labels = np.where(frame.class_ids == ANOMALY, ANOMALY, INLIER_ID).astype(np.uint8)
        frames.append(replace(frame, class_ids=labels, instance_ids=None, info={}))
    return frames


def test_labels_without_classes_give_no_classes_road_or_bands():
    report = evaluate(source(anomaly_masks(), LabelKind.ANOMALY_MASK), scorer(OracleEngine(), "uno"))
    score = report.scores["uno"]
    assert report.miou is None and report.iou is None and score.road is None
    assert score.full.ap == 1.0 and score.by_distance == {} and score.by_weather == {}
    assert sum(own.anomalous_px for own in score.by_size.values()) == 180


def test_records_and_kept_frames_tell_of_every_frame_alone():
    report = evaluate(source(), scorer(OracleEngine(), "uno", "msp"), worst=1)
    assert [(record.name, record.anomalous_px) for record in report.records] == [("a", 120), ("b", 0), ("c", 60)]
    assert [record.ap["uno"] for record in report.records] == [1.0, None, 1.0]
    assert set(report.records[1].normal_tail) == {"uno", "msp"}
    assert [frame.name for frame in report.misses] == ["a"] and len(report.false_flags) == 1
    assert report.misses[0].jpeg.startswith(b"\xff\xd8") and report.misses[0].facts["anomalous_px"] == 120


def test_false_flags_are_the_frames_whose_normal_pixels_score_highest():
    loud = street("loud")
    loud.image[30:34, 10:20] = ANOMALY  # the engine sees one where the labels know none
    report = evaluate(source([street("quiet"), loud]), scorer(OracleEngine(), "uno"))
    assert [frame.name for frame in report.false_flags] == ["loud", "quiet"]
    assert report.false_flags[0].facts["normal_tail"] > 0.9 > 0 > report.false_flags[1].facts["normal_tail"]


def many() -> list[Frame]:
    return [replace(frame, name=f"{frame.name}{i}") for i in range(4) for frame in streets()]


def same_figures(one: EngineReport, other: EngineReport) -> bool:
    """Whether two runs agree in everything but the time they took; curves hold arrays, so they are compared apart."""

    def figures(report: EngineReport) -> EngineReport:
        scores = {name: replace(score, curve=None) for name, score in report.scores.items()}
        return replace(report, scores=scores, engine_time=None, scores_time=None)

    curves = [
        (np.concatenate([a.curve.thresholds, a.curve.recall, a.curve.fpr]), b.curve)
        for a, b in zip(one.scores.values(), other.scores.values(), strict=True)
    ]
    alike = all(np.array_equal(a, np.concatenate([b.thresholds, b.recall, b.fpr])) for a, b in curves)
    return alike and figures(one) == figures(other)


@pytest.mark.parametrize("convention", [None, "smiyc-obstacle", "caos"])
def test_an_interrupted_run_goes_on_and_gives_the_same_figures(tmp_path, monkeypatch, convention):
    monkeypatch.setattr(score_figures, "_EXACT_SCORES", 500)
    names = ("uno", "msp")  # of which the first shares cells between scores, as in runs of many pixels
    whole_saving = Saving(Checkpoint(tmp_path / "whole", {"run": 1}), every=5)
    whole = evaluate(source(many()), scorer(OracleEngine(noise=8.0), *names), convention, saving=whole_saving)
    saving = Saving(Checkpoint(tmp_path / "broken", {"run": 1}), every=5)
    with pytest.raises(KeyboardInterrupt):
        engine = OracleEngine(noise=8.0, fails_at=9)
        evaluate(source(many()), scorer(engine, *names), convention, saving=saving)
    engine, told = OracleEngine(noise=8.0), []
    resumed = evaluate(source(many()), scorer(engine, *names), convention, saving=saving, progress=told.append)
    assert engine.calls == 12 - 5 and told == [5] + [1] * 7
    assert resumed.engine_time.frames == 12
    assert 0 < whole.scores["uno"].full.fpr95 < 1  # there is something to get wrong
    assert same_figures(resumed, whole)


def test_saving_does_not_change_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(score_figures, "_EXACT_SCORES_OF_A_ROW", 1 << 20)
    saving = Saving(Checkpoint(tmp_path, {}), every=1)
    saved = evaluate(source(many()), scorer(OracleEngine(noise=8.0), "uno"), saving=saving)
    assert same_figures(saved, evaluate(source(many()), scorer(OracleEngine(noise=8.0), "uno")))


def test_a_finished_run_is_not_run_again(tmp_path):
    saving = Saving(Checkpoint(tmp_path, {}), every=100)
    first = evaluate(source(), scorer(OracleEngine(), "uno"), saving=saving)
    engine = OracleEngine()
    assert same_figures(evaluate(source(), scorer(engine, "uno"), saving=saving), first) and engine.calls == 0


def test_state_of_another_key_is_not_taken_up(tmp_path):
    evaluate(source(), scorer(OracleEngine(), "uno"), saving=Saving(Checkpoint(tmp_path, {"engine": "one"})))
    engine = OracleEngine()
    evaluate(source(), scorer(engine, "uno"), saving=Saving(Checkpoint(tmp_path, {"engine": "other"})))
    assert engine.calls == 3


def test_broken_state_is_named(tmp_path):
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.path.write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match=checkpoint.path.name):
        evaluate(source(), scorer(OracleEngine(), "uno"), saving=Saving(checkpoint))
    with pytest.raises(ValueError, match="at least 1 frame"):
        Saving(checkpoint, every=0)


def test_components_by_convention_are_found_at_the_final_threshold():
    report = evaluate(source(), scorer(OracleEngine(), "uno"), "smiyc-obstacle")
    own = report.scores["uno"].by_convention
    assert (own.ranking.ap, own.best_f1) == (1.0, 1.0)
    assert (own.components.siou, own.components.ppv, own.components.f1_star) == (1.0, 1.0, 1.0)
    assert own.components.true_components == 2
    assert report.scores["uno"].headline is own.ranking


def test_pooled_convention_agrees_with_the_pooled_figures_and_keeps_their_interval():
    score = evaluate(source(many()), scorer(OracleEngine(noise=8.0), "uno"), "fishyscapes").scores["uno"]
    assert score.headline == score.full and score.by_convention.components is None
    assert score.headline_ap_ci == score.full_ap_ci is not None


def test_figures_by_image_have_no_interval_of_pooled_pixels():
    score = evaluate(source(many()), scorer(OracleEngine(noise=8.0), "uno"), "caos").scores["uno"]
    assert score.per_image and score.headline_ap_ci is None and score.full_ap_ci is not None


def test_the_stored_threshold_is_that_of_the_convention_and_the_pooled_one_stands_apart():
    stored = {}
    for convention in ("smiyc-obstacle", "caos"):
        report = evaluate(source(many()), scorer(OracleEngine(noise=8.0), "uno"), convention)
        result = EvaluationResult("a", "", convention, "masks", (EvaluatedEngine("e", "0", "raw", report),))
        stored[convention] = details(result)["engines"]["e"]["scores"]["uno"], report.scores["uno"]
    plain, score = stored["smiyc-obstacle"]
    assert plain["threshold"] == score.by_convention.threshold
    plain, score = stored["caos"]
    assert plain["best_f1"] is None and plain["threshold"] is None
    assert plain["pooled"]["best_f1"] == score.best_f1 and plain["pooled"]["threshold"] == score.threshold


def test_score_maps_that_do_not_fit_the_disk_are_told_at_the_first(tmp_path):
    native, labels = np.zeros((2, 8, 12), np.float32), np.zeros((8, 12), np.uint8)
    with pytest.raises(OSError, match=r"expected 7680000.0 GB for score maps of 10000000000000 frames, found .* free"):
        Spill(tmp_path, 10**13).put(0, native, labels)
    Spill(tmp_path, 2).put(1, native, labels)


class FusedOracle:
    """Gives one score map at a quarter of the size, brighter where the image says anomaly."""

    input_size = SIZE

    class manifest:  # noqa: N801
        score = "uno_clamped"

    def infer(self, image: np.ndarray) -> Prediction:
        labels = image[::4, ::4, 0]
        return Prediction((labels == ANOMALY).astype(np.float32), np.where(labels == ANOMALY, 7, labels))


def test_a_fused_engine_gives_its_own_score_alone(tmp_path: Path):
    frame = street("a", ((20, 32, 8, 20, 8.0),))
    report = evaluate(source([frame]), FusedScorer(FusedOracle()), "smiyc-obstacle")
    assert list(report.scores) == ["uno_clamped"]
    assert report.scores["uno_clamped"].full.ap > 0.9 and report.miou == 1.0
