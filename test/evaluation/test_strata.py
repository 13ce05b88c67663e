"""Which pixels count for what: road region, distance, size."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_engine import CAR, street

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.strata import (
    FIRST_PART,
    NORMAL_OFF_ROAD,
    NORMAL_ON_ROAD,
    VOID,
    AnomalousPart,
    Strata,
    distance_band,
    size_band,
    standing_on,
    stratify,
)


def part_at(strata: Strata, row: int, column: int) -> AnomalousPart:
    return strata.parts[strata.codes[row, column] - FIRST_PART]


def test_strata_of_road_and_anomalies():
    strata = stratify(street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0))))
    assert part_at(strata, 25, 15) == AnomalousPart("0-10 m", "100-399 px", (), on_road=True)
    assert part_at(strata, 5, 45) == AnomalousPart("over 40 m", "under 100 px", (), on_road=False)
    assert len(np.unique(strata.codes[20:32, 10:20])) == 1
    assert strata.codes[40, 40] == NORMAL_ON_ROAD and strata.codes[0, 0] == NORMAL_OFF_ROAD


def test_kinds_come_from_the_frame_and_objects_of_which_the_same_is_known_share_a_stratum():
    frame = street(objects=((20, 32, 10, 20, 8.0), (20, 32, 30, 40, 9.0), (20, 32, 50, 60, 9.5)))
    frame.info["anomalies"][2]["kinds"] = ["animal", "unseen"]
    strata = stratify(frame)
    assert len(strata.parts) == 2 and strata.codes[25, 15] == strata.codes[25, 35]
    assert part_at(strata, 25, 55).kinds == ("animal", "unseen")


def test_void_is_of_no_stratum():
    frame = street()
    frame.class_ids[:5] = 255
    assert (stratify(frame).codes[:5] == VOID).all()


def test_anomalies_without_instances_are_told_apart_by_connection():
    whole = street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0)))
    strata = stratify(Frame("f", whole.image, whole.class_ids))
    assert part_at(strata, 25, 15).on_road and not part_at(strata, 5, 45).on_road
    assert {part.distance for part in strata.parts} == {"unknown"}


def test_anomalous_pixels_of_no_instance_stand_nowhere():
    frame = street(objects=((20, 32, 10, 20, 8.0),))
    frame.instance_ids[:] = 0
    assert stratify(frame).parts == (AnomalousPart("unknown", "100-399 px", (), on_road=False),)


def test_what_stands_on_the_road_belongs_to_its_region_anomalous_or_not():
    frame = street(objects=((20, 32, 10, 20, 8.0),))
    frame.class_ids[20:30, 30:40], frame.instance_ids[20:30, 30:40] = CAR, 7  # on the road
    frame.class_ids[5:15, 30:40], frame.instance_ids[5:15, 30:40] = CAR, 8  # before the sky
    frame.class_ids[20:30, 50:60] = StreetClass.WALL  # no instance
    in_region = stratify(frame).codes == NORMAL_ON_ROAD
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


@pytest.mark.parametrize(
    ("visible_px", "band"),
    [
        (0, "under 100 px"),
        (99, "under 100 px"),
        (100, "100-399 px"),
        (6399, "1600-6399 px"),
        (10**6, "6400 px and more"),
    ],
)
def test_size_bands(visible_px, band):
    assert size_band(visible_px) == band
