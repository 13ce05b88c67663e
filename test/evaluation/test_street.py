"""The street evaluator over frames with known answers, and what counts as road region."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.strata import (
    VOID,
    anomalous_strata,
    distance_band,
    normal_strata,
    standing_on,
    stratify,
)
from ros_anomaly.evaluation.street import evaluate_frames
from ros_anomaly.runtime.contract import RawPrediction

SIZE = (48, 64)
SKY, ROAD, CAR, ANOMALY = StreetClass.BACKGROUND, StreetClass.ROAD, StreetClass.CAR, StreetClass.ANOMALY


def street(name: str = "f", objects: tuple[tuple[int, int, int, int, float], ...] = ()) -> Frame:
    """Sky above, road below, anomalies as (top, bottom, left, right, distance)."""
    labels = np.full(SIZE, SKY, np.uint8)
    labels[24:] = ROAD
    ids = np.zeros(SIZE, np.uint16)
    anomalies = []
    for i, (top, bottom, left, right, distance) in enumerate(objects, start=1):
        labels[top:bottom, left:right] = ANOMALY
        ids[top:bottom, left:right] = i
        anomalies.append({"instance_id": i, "distance_m": distance})
    return Frame(name, np.repeat(labels[..., None], 3, axis=2), labels, ids, info={"anomalies": anomalies})


class OracleEngine:
    """One query a class: its mask is that class's pixels, read from the image that carries the labels."""

    def __init__(self, blind: bool = False, masks_at: int = 1) -> None:
        self.input_size = SIZE
        self._blind = blind
        self._step = masks_at

    def infer(self, image: np.ndarray) -> RawPrediction:
        labels = image[:: self._step, :: self._step, 0]
        if self._blind:
            labels = np.where(labels == ANOMALY, ROAD, labels)
        masks = np.stack([np.where(labels == c, 12.0, -12.0) for c in range(14)]).astype(np.float32)
        return RawPrediction((np.eye(14, 15) * 20).astype(np.float32), masks)


FRAMES = [street("a", ((20, 32, 10, 20, 8.0),)), street("b"), street("c", ((4, 10, 40, 50, 45.0),))]


@pytest.mark.parametrize("aggregation", ["stride_4", "exact"])
def test_perfect_engine(aggregation):
    from ros_anomaly.scores.names import Aggregation

    report = evaluate_frames(FRAMES, OracleEngine(), ["uno", "objectness", "uno"], Aggregation(aggregation))
    assert (report.frames, report.anomalous_frames, report.miou) == (3, 2, 1.0)
    assert list(report.scores) == ["uno", "objectness"]
    for score in report.scores.values():
        assert (score.full.ap, score.full.auroc, score.full.fpr95) == (1.0, 1.0, 0.0)
        assert score.full.anomalous_px == 120 + 60
        assert score.road.anomalous_px == 120
        assert {band: own.anomalous_px for band, own in score.by_distance.items()} == {"0-10 m": 120, "over 40 m": 60}


def test_blind_engine_is_no_better_than_chance():
    report = evaluate_frames(FRAMES, OracleEngine(blind=True), ["uno_clamped"])
    prevalence = 180 / (3 * SIZE[0] * SIZE[1])
    assert report.scores["uno_clamped"].full.ap == pytest.approx(prevalence, rel=0.5)
    assert report.scores["uno_clamped"].full.fpr95 > 0.4
    assert report.miou == 1.0
    assert [frame.name for frame in report.worst] == ["c", "a"]  # fewer anomalous pixels, lower AP


def test_scores_of_smaller_masks_are_brought_to_the_labels_size():
    report = evaluate_frames(FRAMES[:1], OracleEngine(masks_at=2), ["uno"])
    assert report.scores["uno"].full.ap > 0.95
    assert 0.9 < report.miou <= 1.0


def test_without_frames_or_scores():
    with pytest.raises(ValueError, match="at least one, found none"):
        evaluate_frames([], OracleEngine(), ["uno"])
    with pytest.raises(ValueError, match="at least one name"):
        evaluate_frames(FRAMES, OracleEngine(), [])
    with pytest.raises(ValueError, match="nonsense"):
        evaluate_frames(FRAMES, OracleEngine(), ["nonsense"])


def test_frames_without_anomaly_have_no_ranking_but_classes():
    report = evaluate_frames([street()], OracleEngine(), ["uno"])
    assert report.scores["uno"].full.ap is None and report.scores["uno"].full_ap_ci is None
    assert report.miou == 1.0 and report.worst == ()


def test_strata_of_road_and_anomalies():
    frame = street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0)))
    strata = stratify(frame)
    on_road = np.isin(strata, anomalous_strata(road_only=True))
    assert on_road[20:32, 10:20].all() and not on_road[4:10].any()
    assert np.isin(strata[4:10, 40:50], anomalous_strata(road_only=False, band=3)).all()
    assert np.isin(strata[40, 40], normal_strata(road_only=True))
    assert strata[0, 0] in normal_strata(road_only=False) and strata[0, 0] not in normal_strata(road_only=True)


def test_void_is_of_no_stratum():
    frame = street()
    frame.class_ids[:5] = 255
    assert (stratify(frame)[:5] == VOID).all()


def test_anomalies_without_instances_are_told_apart_by_connection():
    whole = street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0)))
    strata = stratify(Frame("f", whole.image, whole.class_ids))
    assert np.isin(strata[20:32, 10:20], anomalous_strata(road_only=True)).all()
    assert not np.isin(strata[4:10, 40:50], anomalous_strata(road_only=True)).any()


def test_what_stands_on_the_road_belongs_to_its_region_anomalous_or_not():
    frame = street(objects=((20, 32, 10, 20, 8.0),))
    frame.class_ids[20:30, 30:40], frame.instance_ids[20:30, 30:40] = CAR, 7  # on the road
    frame.class_ids[5:15, 30:40], frame.instance_ids[5:15, 30:40] = CAR, 8  # before the sky
    frame.class_ids[20:30, 50:60] = StreetClass.WALL  # no instance
    in_region = np.isin(stratify(frame), normal_strata(road_only=True))
    assert in_region[20:30, 30:40].all() and not in_region[5:15, 30:40].any()
    assert not in_region[20:30, 50:60].any() and not in_region[20:32, 10:20].any()


def test_standing_on_needs_half_of_the_columns():
    ground = np.zeros((10, 10), bool)
    ground[8:, :5] = True
    parts = np.zeros((10, 10), np.uint16)
    parts[4:8, 2:8] = 40
    assert standing_on(parts, ground).tolist() == [40]  # 3 of 6 columns
    parts[4:8, 8] = 40
    assert standing_on(parts, ground).tolist() == []  # 3 of 7
    parts[4:, 9] = 9
    assert standing_on(parts, ground).tolist() == [9]  # reaches below the image
    assert standing_on(np.zeros_like(parts), ground).tolist() == []


@pytest.mark.parametrize(
    ("distance_m", "band"),
    [(0.0, "0-10 m"), (-1.0, "0-10 m"), (10.0, "10-20 m"), (39.9, "20-40 m"), (400.0, "over 40 m"), (None, "unknown")],
)
def test_distance_bands(distance_m, band):
    assert distance_band(distance_m) == band
