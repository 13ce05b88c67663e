"""Score map to regions: geometry by hand, invariants over arbitrary maps, bounds on time and number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ros_anomaly.hazard.config import CameraMount, CorridorConfig, RegionConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.regions import find_regions

IMAGE = (360, 640)
GROUND = GroundProjection.from_fov(IMAGE, math.pi / 2)
CONFIG = RegionConfig()
PLAIN = RegionConfig(min_area_px=32, grow_share=0.0)


def score_map(*blocks: tuple[int, int, int, int, float]) -> np.ndarray:
    """float32 [90, 160] of zeros with blocks (top, bottom, left, right, score)."""
    score = np.zeros((90, 160), np.float32)
    for top, bottom, left, right, value in blocks:
        score[top:bottom, left:right] = value
    return score


def find(score, threshold=0.5, image=IMAGE, config=CONFIG, ground=GROUND, corridor=Corridor()):  # noqa: B008
    return find_regions(score, threshold, image, config, ground, corridor)


def test_one_block_by_hand():
    score = score_map((60, 64, 78, 82, 0.8))
    score[61, 79] = 1.0
    mask, (region,) = find(score)
    assert region.box == (312, 240, 328, 256) and region.area_px == 256
    assert region.max_score == 1.0 and region.mean_score == pytest.approx((15 * 0.8 + 1.0) / 16)
    # Lower edge at v = 255.5, 76 pixels below the principal point; f = 320, camera 1.6 m high, 1.5 m ahead.
    assert region.distance_m == pytest.approx(1.5 + 1.6 * 320 / 76)
    assert abs(region.lateral_m) < 0.2 and region.in_corridor
    assert mask.dtype == np.uint8 and mask.shape == IMAGE and set(np.unique(mask)) == {0, 255}
    assert (mask[240:256, 312:328] == 255).all() and (mask > 0).sum() == 256


def test_threshold_is_strict():
    score = score_map((60, 64, 78, 82, 0.5))
    assert find(score, 0.5)[1] == ()
    assert len(find(score, 0.4999)[1]) == 1


def test_minimum_area_is_in_image_pixels_and_clears_the_mask_too():
    score = score_map((60, 61, 78, 82, 1.0))  # 4 cells of 16 pixels
    assert len(find(score, config=RegionConfig(min_area_px=64))[1]) == 1
    mask, regions = find(score, config=RegionConfig(min_area_px=65))
    assert regions == () and not mask.any()


def test_corners_connect():
    score = score_map((60, 62, 70, 72, 1.0), (62, 64, 72, 74, 1.0))
    assert len(find(score)[1]) == 1


def test_nearest_first_and_those_without_distance_last():
    sky = (10, 20, 78, 82, 1.0)
    near, far = (70, 80, 20, 30, 1.0), (50, 55, 80, 84, 1.0)
    distances = [r.distance_m for r in find(score_map(sky, far, near))[1]]
    assert distances[0] < distances[1] and distances[2] is None


def test_contact_is_the_nearest_of_all_columns():
    # A foot with something beside it that ends higher up: the foot decides.
    upright, foot = (50, 67, 100, 104, 1.0), (66, 70, 90, 100, 1.0)
    (region,) = find(score_map(upright, foot))[1]
    assert region.distance_m == pytest.approx(1.5 + 1.6 * 320 / (279.5 - 179.5))


@pytest.mark.parametrize(
    ("left", "right", "inside"), [(78, 82, True), (96, 100, True), (101, 105, False), (20, 24, False)]
)
def test_corridor_of_ground_contact(left, right, inside):
    # Row 64 is 6.7 m from the camera: 1.6 m to the side are 76 pixels, 19 cells from the middle.
    (region,) = find(score_map((60, 64, left, right, 1.0)))[1]
    u_inner = (min(abs(left + 0.5 - 80), abs(right - 0.5 - 80))) * 4
    assert (u_inner / 76 * 1.6 <= 1.6) == inside
    assert region.in_corridor is inside


def test_beyond_the_corridor_is_off_it():
    score = score_map((46, 47, 76, 84, 1.0))
    assert find(score)[1][0].distance_m == pytest.approx(1.5 + 1.6 * 320 / 8)  # 65.5 m
    assert not find(score)[1][0].in_corridor
    assert find(score, corridor=Corridor(CorridorConfig(length_m=70.0)))[1][0].in_corridor


def test_above_the_horizon_counts_by_bearing():
    ahead, aside = find(score_map((20, 30, 78, 82, 1.0)))[1][0], find(score_map((20, 30, 20, 24, 1.0)))[1][0]
    assert ahead.distance_m is None and ahead.lateral_m is None and ahead.in_corridor
    assert not aside.in_corridor


def test_without_geometry_every_region_counts():
    (region,) = find(score_map((60, 64, 0, 4, 1.0)), ground=None)[1]
    assert region.in_corridor and region.distance_m is None


def test_noise_is_never_clear():
    score = np.zeros((90, 160), np.float32)
    score[::2, ::2] = 1.0  # 3600 single cells, each below the minimum area
    mask, (region,) = find(score)
    assert region.in_corridor and region.distance_m is None
    assert region.area_px == 3600 * 16 == (mask > 0).sum()
    assert region.box == (0, 0, 636, 356)


def test_what_is_in_the_way_is_listed_however_much_else_there_is():
    score = np.zeros((90, 160), np.float32)
    for top in range(46, 66, 4):
        for left in range(2, 36, 4):
            score[top : top + 2, left : left + 2] = 1.0  # beside the corridor
    score[56:59, 78:82] = 1.0  # in it, and farther than many of the others
    mask, regions = find(score, config=RegionConfig(max_regions=5))
    assert len(regions) == 5
    assert [r for r in regions if r.in_corridor and r.box == (312, 224, 328, 236)]
    assert (mask > 0).sum() > 5 * 64


def test_opening_removes_what_is_thin():
    score = score_map((60, 80, 80, 81, 1.0), (60, 70, 100, 110, 1.0))
    assert len(find(score)[1]) == 2
    (region,) = find(score, config=RegionConfig(opening_cells=1))[1]
    assert region.box[0] >= 400


def test_sizes_that_are_no_multiple():
    mask, (region,) = find(np.ones((9, 16), np.float32), image=(35, 65), ground=None)
    assert mask.shape == (35, 65) and mask.all()
    assert region.box == (0, 0, 65, 35) and region.area_px == 35 * 65


@pytest.mark.parametrize(
    ("score", "threshold", "said"),
    [
        (np.full((90, 160), np.nan, np.float32), 0.5, "14400 that are not"),
        (np.zeros((90, 160, 1), np.float32), 0.5, r"found float32 \(90, 160, 1\)"),
        (np.zeros((90, 160), np.uint8), 0.5, "found uint8"),
        (np.zeros((0, 160), np.float32), 0.5, "non-empty"),
        (np.zeros((90, 160), np.float32), math.nan, "threshold"),
        (np.zeros((400, 160), np.float32), 0.5, "image_size"),
    ],
)
def test_bad_input_is_refused(score, threshold, said):
    with pytest.raises(ValueError, match=said):
        find(score, threshold)


def worst_maps() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    noise = rng.random((90, 160), dtype=np.float32)
    sparse = (rng.random((90, 160)) > 0.97).astype(np.float32)
    blocks = np.kron(rng.random((30, 54)) > 0.7, np.ones((3, 3)))[:90, :160].astype(np.float32)
    return {"noise": noise, "sparse": sparse, "blocks": blocks, "all": np.ones((90, 160), np.float32)}


@pytest.mark.parametrize("name", ["noise", "sparse", "blocks", "all"])
def test_regions_are_few_whatever_the_map_looks_like(name):
    mask, regions = find(worst_maps()[name])
    assert 1 <= len(regions) <= 64 and (mask > 0).any()


def test_a_core_grows_to_what_scores_nearly_as_high():
    # The map's median is 0: a quarter of the way down from 0.8 lies 0.6.
    core, around, other = (60, 62, 78, 82, 0.9), (58, 66, 74, 86, 0.61), (60, 66, 100, 110, 0.79)
    mask, (region,) = find(score_map(other, around, core), 0.8)
    assert region.box == (296, 232, 344, 264) and region.area_px == 8 * 12 * 16 == (mask > 0).sum()
    assert region.max_score == pytest.approx(0.9) and region.mean_score < 0.8
    assert region.distance_m == pytest.approx(1.5 + 1.6 * 320 / (263.5 - 179.5))  # the foot is that of all of it
    lower = score_map((58, 66, 74, 86, 0.59), core)
    assert find(lower, 0.8)[1][0].area_px == 8 * 16
    assert find(lower, 0.8, config=RegionConfig(grow_share=0.3))[1][0].area_px == 8 * 12 * 16
    assert find(score_map(around, core), 0.8, config=RegionConfig(grow_share=0.0))[1][0].area_px == 8 * 16


def test_growing_knows_no_scale_and_no_sign():
    scores = score_map((60, 62, 78, 82, 0.9), (58, 66, 74, 86, 0.61), (20, 30, 20, 30, 0.3))
    expected = find(scores, 0.8)[0]
    for factor, offset in ((100.0, 0.0), (0.01, -3.0), (1.0, 50.0)):
        assert (find(scores * np.float32(factor) + np.float32(offset), 0.8 * factor + offset)[0] == expected).all()


def test_two_cores_in_one_thing_are_one_region():
    scores = score_map((50, 70, 78, 82, 0.7), (50, 53, 78, 82, 0.9), (67, 70, 78, 82, 0.9))
    assert len(find(scores, 0.8)[1]) == 1
    assert len(find(scores, 0.8, config=RegionConfig(grow_share=0.0))[1]) == 2


def test_growing_never_takes_a_core_out_of_the_corridor():
    # Above the horizon (row 179.5) the core counts by its bearing. What it grows to meets the ground 130 m ahead,
    # beyond the corridor, which says nothing about the core.
    core = score_map((40, 45, 78, 82, 0.9))
    assert find(core, 0.8)[1][0].in_corridor
    (region,) = find(score_map((40, 46, 76, 84, 0.7), (40, 45, 78, 82, 0.9)), 0.8)[1]
    assert region.distance_m == pytest.approx(1.5 + 1.6 * 320 / 4)
    assert region.in_corridor
    # Its surroundings alone would not be.
    assert not find(score_map((40, 46, 76, 84, 0.9)), 0.8)[1][0].in_corridor


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.float32, (12, 20), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.sampled_from([0.1, 0.3, 0.7]),
    st.sampled_from([0.1, 0.25, 0.9]),
)
def test_growing_keeps_every_core_and_adds_no_region_without_one(score, threshold, share):
    ground = GroundProjection.from_fov((48, 80), math.pi / 2)
    cores, plain = find(score, threshold, (48, 80), PLAIN, ground)
    grown = RegionConfig(min_area_px=32, grow_share=share)
    mask, regions = find(score, threshold, (48, 80), grown, ground)
    level = threshold - share * max(0.0, threshold - float(np.median(score[::2, ::2])))
    assert (mask >= cores).all() and len(regions) <= len(plain)
    assert not mask[np.kron(score <= level, np.ones((4, 4), bool))].any()
    for region in regions:
        left, top, right, bottom = region.box
        assert cores[top:bottom, left:right].any() and region.max_score > threshold
    assert any(r.in_corridor for r in regions) >= any(r.in_corridor for r in plain)


@settings(max_examples=150, deadline=None)
@given(arrays(np.float32, (12, 20), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])), st.sampled_from([0.1, 0.3, 0.7]))
def test_mask_and_regions_agree_on_any_map(score, threshold):
    config = PLAIN
    ground = GroundProjection.from_fov((48, 80), math.pi / 2)
    mask, regions = find(score, threshold, (48, 80), config, ground)
    assert sum(r.area_px for r in regions) == (mask > 0).sum()
    assert not mask[np.kron(score <= threshold, np.ones((4, 4), bool))].any()
    for region in regions:
        left, top, right, bottom = region.box
        assert 0 <= left < right <= 80 and 0 <= top < bottom <= 48
        assert mask[top:bottom, left:right].any() and region.area_px >= 32
        assert threshold < region.mean_score <= region.max_score <= 1.0
        assert (region.distance_m is None) == (region.lateral_m is None)
    known = [r.distance_m for r in regions if r.distance_m is not None]
    assert known == sorted(known)


@settings(max_examples=100, deadline=None)
@given(
    st.floats(3.0, 55.0), st.floats(-1.2, 1.2), st.floats(-0.05, 0.05), st.floats(-0.02, 0.05), st.floats(-0.05, 0.05)
)
def test_a_box_standing_in_the_corridor_is_found_in_it(x_m, y_m, roll, pitch, yaw):
    """Draw the foot of a box where the camera would see it; the region must lie where the box stands."""
    ground = GroundProjection.from_fov(IMAGE, math.pi / 2, CameraMount(roll_rad=roll, pitch_rad=pitch, yaw_rad=yaw))
    u, v = (float(p) for p in ground.pixels_from_ground(x_m + 1.5, y_m))
    row, column = round((v + 0.5) / 4), int((u + 0.5) // 4)
    if not (4 <= row <= 90 and 2 <= column < 158):
        return
    score = score_map((row - 4, row, column - 1, column + 1, 1.0))
    (region,) = find(score, ground=ground, config=PLAIN)[1]
    below = ground.ground_from_pixels(u, [v - 5.0, v + 5.0])[0]
    if region.distance_m is not None and np.isfinite(below).all():
        assert below[1] - 0.3 <= region.distance_m <= below[0] + 0.3
    # One cell of rounding to either side at that distance.
    if abs(y_m) + 8 / 320 * (x_m + 3) * 1.2 < 1.5 and x_m < 40:
        assert region.in_corridor
