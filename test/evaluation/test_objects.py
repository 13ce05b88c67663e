"""Per-object results of a frame and of a drive."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.objects import ObjectTracker, found_objects, time_to_contact_s
from ros_anomaly.evaluation.recall import NearRule, RecallCount, Share, object_recall
from ros_anomaly.hazard.config import RegionConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.runtime.contract import Prediction


def scene() -> np.ndarray:
    ids = np.zeros((20, 40), np.uint16)
    ids[5:15, 5:10] = 3
    ids[5:15, 20:30] = 7
    return ids


def test_found_by_share_of_visible_pixels():
    ids, mask = scene(), np.zeros((20, 40), np.uint8)
    mask[5:7, 5:10] = 255  # 20 % of object 3
    mask[5:15, 20] = 255  # 10 % of object 7
    mask[0, :] = 255
    assert found_objects(mask, ids, [3, 7, 9]) == {3: True, 7: False}
    assert found_objects(mask, ids, [7], min_overlap=0.1) == {7: True}
    assert found_objects(mask, ids, []) == {}
    with pytest.raises(ValueError, match="one shape"):
        found_objects(mask[:5], ids, [3])


def test_when_and_at_what_distance_an_object_was_known():
    tracker = ObjectTracker(stable_frames=2)
    ids = scene()
    found = [False, True, False, True, True, True]
    for frame, is_found in enumerate(found):
        mask = np.where((ids == 3) & is_found, 255, 0).astype(np.uint8)
        tracker.add(frame / 10, mask, ids, {3: 50.0 - 5 * frame, 7: 40.0 - frame}, hazards={3, 7} if frame >= 5 else ())
    known, missed, never_visible = tracker.reports([3, 7, 9])
    assert (known.seen_frames, known.found_frames, known.first_seen_m, known.nearest_m) == (6, 4, 50.0, 25.0)
    assert (known.first_found_s, known.first_found_m) == (0.1, 45.0)
    assert (known.stable_s, known.stable_m) == (0.4, 30.0)
    assert (known.hazard_s, known.hazard_m) == (0.5, 25.0)
    assert not known.missed
    assert missed.missed and missed.found_frames == 0 and missed.hazard_m is None and missed.nearest_m == 35.0
    assert never_visible.missed and never_visible.seen_frames == 0 and never_visible.nearest_m is None
    assert [report.instance_id for report in tracker.reports()] == [3, 7]


def test_a_hazard_counts_for_the_object_that_it_rests_on_alone():
    tracker = ObjectTracker()
    tracker.add(0.0, np.full((20, 40), 255, np.uint8), scene(), {3: 9.0, 7: 60.0}, hazards={3})
    near, far = tracker.reports()
    assert near.hazard_m == 9.0
    assert far.found_frames == 1 and far.hazard_m is None


def test_slivers_are_not_counted_as_seen():
    tracker = ObjectTracker(min_visible_px=60)
    tracker.add(0.0, np.ones((20, 40), np.uint8), scene(), {3: 9.0, 7: 9.0}, hazards={3, 7})
    assert [report.instance_id for report in tracker.reports()] == [7]


def test_time_to_contact_is_distance_over_the_speed_of_that_moment():
    tracker, ids = ObjectTracker(stable_frames=2), scene()
    for frame, speed_mps in enumerate([10.0, 8.0, 4.0]):
        tracker.add(
            frame / 10, ids == 3, ids, {3: 40.0 - frame}, hazards={3} if frame == 2 else (), speed_mps=speed_mps
        )
    (known,) = tracker.reports()
    assert (known.first_found_ttc_s, known.stable_ttc_s, known.hazard_ttc_s) == (4.0, 39.0 / 8.0, 38.0 / 4.0)


@pytest.mark.parametrize(
    ("distance_m", "speed_mps", "expected_s"),
    [
        (20.0, 10.0, 2.0),
        (20.0, 0.0, None),
        (20.0, -3.0, None),
        (20.0, 0.05, None),
        (20.0, None, None),
        (-1.0, 5.0, 0.0),
    ],
)
def test_a_vehicle_that_stands_has_no_contact_ahead(distance_m, speed_mps, expected_s):
    assert time_to_contact_s(distance_m, speed_mps) == expected_s


def test_tracker_checks_its_settings():
    with pytest.raises(ValueError, match="stable_frames >= 1"):
        ObjectTracker(stable_frames=0)


class HalfBlind:
    """Sees anomalies (value 13 in the image) in the left half only."""

    input_size = (20, 40)

    def infer(self, image: np.ndarray) -> Prediction:
        score = (image[..., 0] == StreetClass.ANOMALY).astype(np.float32)
        score[:, 20:] = 0
        return Prediction(score, np.zeros((20, 40), np.uint8))

    def close(self) -> None:
        pass


def labelled(ids: np.ndarray | None, distances: dict[int, float]) -> Frame:
    labels = np.where(scene() > 0, np.uint8(StreetClass.ANOMALY), np.uint8(StreetClass.ROAD))
    anomalies = [{"instance_id": i, "distance_m": d} for i, d in distances.items()]
    return Frame("f", np.repeat(labels[..., None], 3, 2), labels, ids, info={"anomalies": anomalies})


def test_object_recall_by_distance():
    frames = [labelled(scene(), {3: 5.0, 7: 25.0})] * 3
    recall = object_recall(HalfBlind(), frames, 0.5, RegionConfig(min_area_px=4))
    assert (recall.recall, recall.objects) == (0.5, 6)
    assert recall.by_distance == {"0-10 m": (3, 3), "20-40 m": (0, 3)}


def test_object_recall_after_minimum_area_and_without_objects():
    frames = [labelled(scene(), {3: 5.0, 7: 25.0})]
    assert object_recall(HalfBlind(), frames, 0.5, RegionConfig(min_area_px=51)).recall == 0.0
    road = labelled(scene(), {})
    road.class_ids[:] = StreetClass.ROAD
    assert object_recall(HalfBlind(), [road], 0.5, RegionConfig()).recall is None
    with pytest.raises(ValueError, match="expected instance ids"):
        object_recall(HalfBlind(), [labelled(None, {})], 0.5, RegionConfig())


@pytest.mark.parametrize(
    ("box", "distance_m", "is_near"),
    [
        ((20, 32, 28, 36), 12.0, True),
        ((20, 32, 28, 36), 30.0, True),
        ((20, 32, 28, 36), 30.1, False),  # too far
        ((20, 32, 10, 20), 12.0, False),  # beside the corridor
        ((25, 32, 28, 36), 12.0, False),  # 56 visible pixels
        ((4, 16, 28, 36), 12.0, True),  # above the horizon: its bearing meets the corridor
    ],
)
def test_objects_that_must_be_found_are_large_close_and_in_the_way(box, distance_m, is_near):
    top, bottom, left, right = box
    ids = np.zeros((48, 64), np.uint16)
    ids[top:bottom, left:right] = 3
    labels = np.where(ids > 0, np.uint8(StreetClass.ANOMALY), np.uint8(StreetClass.ROAD))
    info = {"anomalies": [{"instance_id": 3, "distance_m": distance_m}]}
    frame = Frame("f", np.repeat(labels[..., None], 3, 2), labels, ids, info=info)
    count = RecallCount(RegionConfig(), NearRule(GroundProjection.from_fov((48, 64), np.pi / 2)))
    count.add(frame, (ids > 0).astype(np.float32), 0.5)
    taken_up = RecallCount(RegionConfig(), count.near_rule)
    taken_up.count_from(json.loads(json.dumps(count.plain())))
    assert taken_up.figures() == count.figures()
    assert count.figures().near == Share(int(is_near), int(is_near))


def test_share_of_no_objects_is_unknown():
    assert Share(0, 0).share is None and Share(1, 4).share == 0.25
    assert RecallCount().figures().near is None
