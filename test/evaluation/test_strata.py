"""Which pixels count for what: road region, distance, size."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_engine import CAR, street

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.strata import (
    SIZE_NAMES,
    VOID,
    anomalous_strata,
    distance_band,
    normal_strata,
    size_band,
    standing_on,
    stratify,
)


def test_strata_of_road_and_anomalies():
    frame = street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0)))
    strata = stratify(frame)
    on_road = np.isin(strata, anomalous_strata(road_only=True))
    assert on_road[20:32, 10:20].all() and not on_road[4:10].any()
    assert np.isin(strata[4:10, 40:50], anomalous_strata(road_only=False, distance=3)).all()
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


def test_size_is_what_is_visible_of_one_object():
    strata = stratify(street(objects=((20, 32, 10, 20, 8.0), (4, 10, 40, 50, 45.0))))
    small, middle = (anomalous_strata(False, size=SIZE_NAMES.index(name)) for name in ("under 100 px", "100-399 px"))
    assert np.isin(strata[20:32, 10:20], middle).all() and np.isin(strata[4:10, 40:50], small).all()


def test_strata_of_bands_are_a_partition():
    everything = sorted(anomalous_strata(False))
    for kind, count in (("distance", 5), ("size", len(SIZE_NAMES))):
        parts = [anomalous_strata(False, **{kind: i}) for i in range(count)]
        assert sorted(s for part in parts for s in part) == everything
