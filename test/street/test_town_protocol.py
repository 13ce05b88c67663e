"""The protocols keep what they state, and their frames hold no two things in one place."""

from __future__ import annotations

import json

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.data.labels import ANOMALY_ID, VOID_ID
from ros_anomaly_sim.street.frames import FrameSpec, TrainingFrames, training_frames
from ros_anomaly_sim.street.occupancy import Footprint, overlap
from ros_anomaly_sim.street.protocol import PROTOCOLS, protocol_frame, protocol_frames, void_small_anomalies
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import Town
from ros_anomaly_sim.street.weather import PRESETS

TOWNS = (2000, 2001, 2002, 2003)


@pytest.fixture(scope="module")
def library() -> BoxLibrary:
    return BoxLibrary()


@pytest.fixture(scope="module")
def specs(library: BoxLibrary) -> list[FrameSpec]:
    towns = [Town.generate(seed, library) for seed in TOWNS]
    return [protocol_frame("street-test-1", town, frame, library) for town in towns for frame in range(30)]


def _anomalies(specs: list[FrameSpec]) -> list[dict]:
    return [entry for spec in specs for entry in spec.info["anomalies"]]


def test_a_quarter_has_no_anomaly(specs: list[FrameSpec]):
    assert sum(not spec.info["anomalies"] for spec in specs) == len(specs) // 4
    counts = [len(spec.info["anomalies"]) for spec in specs]
    assert set(counts) == {0, 1, 2, 3}


def test_distances_are_log_uniform(specs: list[FrameSpec]):
    logs = np.log([a["distance_m"] for a in _anomalies(specs)])
    share = np.sort((logs - np.log(5.0)) / np.log(60.0 / 5.0))
    assert share[0] >= -1e-3 and share[-1] <= 1 + 1e-3
    steps = np.arange(1, len(share) + 1) / len(share)
    # Kolmogorov's bound at a level of one in a thousand.
    assert np.abs(share - steps).max() < 1.95 / np.sqrt(len(share))


def test_half_stand_in_the_ego_lane(specs: list[FrameSpec]):
    anomalies = _anomalies(specs)
    share = np.mean([a["in_lane"] for a in anomalies])
    assert abs(share - 0.5) < 3.3 * 0.5 / np.sqrt(len(anomalies))
    assert all(a["in_lane"] == (abs(a["lateral_m"]) <= 1.75) for a in anomalies)


def test_weather_is_spread_over_the_presets(specs: list[FrameSpec]):
    counts = {name: sum(s.info["weather"] == name for s in specs) for name in PRESETS}
    assert sum(counts.values()) == len(specs) and min(counts.values()) > 0.08 * len(specs)


def test_every_model_is_of_the_split(specs: list[FrameSpec], library: BoxLibrary):
    assert {p.model for s in specs for p in s.scene.placements} <= _names(library, Split.TEST)
    reserved = set(library.names("reserved", Split.TEST))
    assert {a["model"] for a in _anomalies(specs)} <= reserved


def _names(library: BoxLibrary, split: Split) -> set[str]:
    kinds = ("car", "person", "tree", "hedge", "street_furniture", "negative", "validation_anomaly", "reserved")
    return {name for kind in kinds for name in library.names(kind, split)}


def test_camera_is_level_and_at_its_height(specs: list[FrameSpec]):
    assert all(s.pose.position[2] == 1.6 and s.pose.pitch_rad == 0.0 and s.pose.roll_rad == 0.0 for s in specs)


def _footprint(placement: Placement, library: BoxLibrary) -> Footprint:
    width, length, _ = library.load(placement.model).size_m
    half = placement.scale / 2
    if placement.tag == "tree":
        width = length = 0.7 / placement.scale
    return Footprint(*placement.position[:2], width * half, length * half, placement.yaw_rad)


def test_nothing_overlaps(specs: list[FrameSpec], library: BoxLibrary):
    for spec in specs[::10]:
        boxes = [_footprint(p, library) for p in spec.scene.placements]
        names = [(p.model, p.tag) for p in spec.scene.placements]
        for i, box in enumerate(boxes):
            for k in range(i):
                if abs(box.x_m - boxes[k].x_m) + abs(box.y_m - boxes[k].y_m) < 12.0:
                    assert not overlap(box, boxes[k]), (spec.name, names[i], names[k])


def test_the_camera_stands_in_nothing(specs: list[FrameSpec], library: BoxLibrary):
    for spec in specs:
        eye = Footprint(*spec.pose.position[:2], 0.6, 0.6, spec.pose.yaw_rad)
        assert not any(overlap(eye, _footprint(p, library)) for p in spec.scene.placements), spec.name


def test_ids_heights_and_classes(specs: list[FrameSpec]):
    for spec in specs:
        placements = {p.instance_id: p for p in spec.scene.placements}
        assert len(placements) == len(spec.scene.placements) and max(placements) <= 65535
        marked = {p.instance_id for p in spec.scene.placements if p.class_id == ANOMALY_ID}
        assert marked == {a["instance_id"] for a in spec.info["anomalies"]}
        assert all(placements[i].position[2] in (0.0, 0.15) for i in marked)


def test_info_is_json_and_names_are_unique(specs: list[FrameSpec]):
    assert len({s.name for s in specs}) == len(specs)
    assert json.loads(json.dumps([s.info for s in specs]))[0]["protocol"] == "street-test-1"


def test_frames_are_repeatable(specs: list[FrameSpec], library: BoxLibrary):
    town = Town.generate(2001, library)
    again = protocol_frame("street-test-1", town, 7, library)
    first = specs[37]
    assert (again.name, again.pose, again.info) == (first.name, first.pose, first.info)
    assert (again.scene.placements, again.scene.weather) == (first.scene.placements, first.scene.weather)


@pytest.mark.parametrize(("frames", "expected"), [(None, 600), (600, 600), (20, 20), (30, 30), (7, 7)])
def test_truncation_is_even_over_towns(library: BoxLibrary, frames: int | None, expected: int):
    source = protocol_frames("street-test-1", library, frames)
    counts = [count for _, count in source.per_town()]
    assert len(source) == sum(counts) == expected
    assert max(counts) - min(counts) <= 1
    assert [town for town, _ in source.per_town()] == list(range(2000, 2020))


def test_validation_uses_its_own_towns_and_objects(library: BoxLibrary):
    assert PROTOCOLS["validation"].towns == range(1000, 1020)
    first = next(s for s in protocol_frames("validation", library, 40) if s.info["anomalies"])
    assert {a["model"] for a in first.info["anomalies"]} <= set(library.names("validation_anomaly", Split.VALIDATION))


def test_bad_requests(library: BoxLibrary):
    with pytest.raises(ValueError, match="street-test-1, validation"):
        protocol_frames("street-test-9", library)
    with pytest.raises(ValueError, match="1..600 .* found 601"):
        protocol_frames("street-test-1", library, 601)
    with pytest.raises(ValueError, match="found 'all'"):
        training_frames(library, anomaly="all")
    with pytest.raises(ValueError, match="found 0"):
        TrainingFrames(library, range(3), 0)


def test_training_frames_vary_and_repeat(library: BoxLibrary):
    source = training_frames(library, towns=[5], frames_per_town=12, anomaly="negatives")
    specs, again = list(source), list(source)
    assert len(source) == len(specs) == 12
    assert [s.info for s in specs] == [s.info for s in again]
    assert [s.pose for s in specs] == [s.pose for s in again]
    heights = [s.pose.position[2] for s in specs]
    assert min(heights) >= 1.25 and max(heights) <= 2.0 and len(set(heights)) == 12
    assert len({s.pose.pitch_rad for s in specs}) == 12
    negatives = set(library.names("negative", Split.TRAIN))
    assert {a["model"] for a in _anomalies(specs)} <= negatives and _anomalies(specs)
    plain = training_frames(library, towns=[5], frames_per_town=4)
    assert all(not s.info["anomalies"] for s in plain)
    assert all(p.class_id != ANOMALY_ID for s in plain for p in s.scene.placements)


def test_small_anomalies_become_void():
    class_ids = np.full((10, 10), 7, np.uint8)
    instance_ids = np.zeros((10, 10), np.uint16)
    instance_ids[0, :] = 60001
    instance_ids[1:3, :] = 60002
    instance_ids[4, :5] = 12
    class_ids[instance_ids > 60000] = ANOMALY_ID
    voided = void_small_anomalies(class_ids, instance_ids, [60001, 60002, 60003])
    assert (voided[0] == VOID_ID).all()
    assert (voided[1:3] == ANOMALY_ID).all()
    assert (voided[3:] == 7).all()
    assert (class_ids[0] == ANOMALY_ID).all()
    assert (void_small_anomalies(class_ids, instance_ids, [60001], min_px=10)[0] == ANOMALY_ID).all()


def test_void_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match=r"expected shape \(4, 4\), found \(4, 5\)"):
        void_small_anomalies(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint16), [])
