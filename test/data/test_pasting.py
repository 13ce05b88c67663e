"""Mixed content: where negatives go, what they leave alone, how large they are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ros_anomaly.data.blending import NO_CHANGES, LookConfig, blend
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.labels import ANOMALY_ID, CITYSCAPES_CLASSES, VOID_ID, StreetClass
from ros_anomaly.data.negatives import AnyCutout
from ros_anomaly.data.pasting import PasteConfig, paste_negatives
from ros_anomaly.data.placement import PaperPlacement, PasteMode, Place, StreetPlacement

SIZE = (180, 320)
STREET = StreetPlacement(beyond_edge=0.0, overlap=0.0)
CLEAR = PasteConfig(count=(1, 1), min_pixels=0, street=STREET, look=NO_CHANGES)


def frame() -> tuple[np.ndarray, np.ndarray]:
    class_ids = np.full(SIZE, StreetClass.BACKGROUND, np.uint8)
    class_ids[SIZE[0] // 2 :] = StreetClass.ROAD
    class_ids[:, :5] = VOID_ID
    return np.full((*SIZE, 3), 100, np.uint8), class_ids


def disc(height_m: float | None = 1.6, side: int = 200) -> Cutout:
    rgba = np.zeros((side, side, 4), np.uint8)
    cv2.circle(rgba, (side // 2, side // 2), side // 2 - 1, (250, 20, 20, 255), -1)
    return Cutout("disc", rgba, height_m)


def street(**values: object) -> PasteConfig:
    return replace(CLEAR, street=replace(STREET, **values))  # type: ignore[arg-type]


def paste(config: PasteConfig, seed: int, *cutouts: Cutout) -> tuple[np.ndarray, np.ndarray]:
    return paste_negatives(*frame(), AnyCutout(cutouts or (disc(),)), config, np.random.default_rng(seed))


def box(ids: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the anomaly, ends exclusive."""
    rows, columns = np.nonzero(ids == ANOMALY_ID)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_changes_are_confined_to_the_pasted_pixels_and_inputs_stay():
    image, class_ids = frame()
    before = image.copy(), class_ids.copy()
    seen = 0
    for seed in range(20):
        mixed, ids = paste_negatives(image, class_ids, AnyCutout([disc()]), CLEAR, np.random.default_rng(seed))
        changed_ids = ids != class_ids
        assert set(np.unique(ids[changed_ids])) <= {ANOMALY_ID}
        # Without shadow a pixel far from the object is untouched.
        near = cv2.dilate((ids == ANOMALY_ID).astype(np.uint8), np.ones((5, 5))) > 0
        assert (mixed == image).all(-1)[~near].all()
        # The object is seen where it is labelled (a red disc on grey).
        if changed_ids.any():
            seen += 1
            assert mixed[ids == ANOMALY_ID].mean(0)[0] > 150
    assert seen > 10
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(class_ids, before[1])


def test_plausible_size_follows_perspective():
    """A 1.6 m object seen by a camera 1.6 m up stands as high as its foot lies below the horizon."""
    config = street(plausible=1.0, distance_m=(8.0, 20.0))
    checked = 0
    for seed in range(40):
        _, ids = paste(config, seed, disc(1.6))
        top, bottom, left, right = box(ids)
        if left == 0 or right == SIZE[1] or bottom == SIZE[0]:
            continue
        assert abs((bottom - top) - (bottom - SIZE[0] / 2)) <= 2
        checked += 1
    assert checked > 15


def test_distances_are_log_uniform_however_narrow_the_road_is():
    """Half of the feet lie beyond the geometric mean of the distances, on a road that narrows to a point."""
    class_ids = np.zeros(SIZE, np.uint8)
    triangle = np.array([[0, SIZE[0]], [SIZE[1], SIZE[0]], [SIZE[1] // 2, SIZE[0] // 2]])
    cv2.fillPoly(class_ids, [triangle], int(StreetClass.ROAD))
    image, config = np.zeros((*SIZE, 3), np.uint8), street(plausible=1.0, distance_m=(4.0, 64.0), height_m=(1.0, 1.0))
    drops = []
    for seed in range(200):
        negatives = AnyCutout([disc(1.0)])
        _, ids = paste_negatives(image, class_ids, negatives, config, np.random.default_rng(seed))
        bottom = box(ids)[1]
        drops.append(bottom - SIZE[0] / 2)
    drop_at_16_m = 0.5 * SIZE[1] * 1.6 / 16
    assert 0.38 < np.mean(np.array(drops) < drop_at_16_m) < 0.62


def test_random_pastes_reach_from_small_to_large():
    heights = []
    for seed in range(150):
        _, ids = paste(street(plausible=0.0), seed)
        heights.append(int((ids == ANOMALY_ID).any(1).sum()))
    assert max(heights) <= 0.8 * SIZE[0] + 1
    assert max(heights) > 0.6 * SIZE[0]
    assert min(h for h in heights if h) < 15


def test_nothing_is_enlarged_beyond_its_limit():
    config = street(plausible=0.0, enlarge=1.5)
    tallest = max(int((paste(config, seed, disc(side=20))[1] == ANOMALY_ID).any(1).sum()) for seed in range(60))
    assert 24 <= tallest <= 30


def test_the_papers_mode_is_whole_never_enlarged_and_anywhere():
    config = replace(CLEAR, mode=PasteMode.PAPER, paper=PaperPlacement((40, 90)))
    sides, tops = [], []
    for seed in range(80):
        top, bottom, left, right = box(paste(config, seed, disc(side=400))[1])
        sides.append(max(bottom - top, right - left))
        tops.append(top)
        assert abs((bottom - top) - (right - left)) <= 1, "nothing is cut off"
    # The disc leaves a rim of a few pixels of its square free.
    assert 36 <= min(sides) <= 44 and 84 <= max(sides) <= 90
    assert min(tops) < 15 and max(tops) > SIZE[0] - 60
    small = {
        box(paste(config, seed, disc(side=30))[1])[1] - box(paste(config, seed, disc(side=30))[1])[0] for seed in (1, 2)
    }
    assert small == {29}
    assert paste(replace(config, count=(3, 3)), 0, disc(side=400))[1].size


def test_pastes_overlap_and_cross_the_edges_if_asked_to():
    def cut_off(config: PasteConfig) -> float:
        edges = [paste(config, seed)[1] == ANOMALY_ID for seed in range(60)]
        return np.mean([edge[:, 0].any() or edge[:, -1].any() for edge in edges])

    assert cut_off(street(plausible=1.0, distance_m=(8.0, 20.0), beyond_edge=1.0)) > 0.5
    assert cut_off(street(plausible=1.0, distance_m=(8.0, 20.0))) < 0.35

    def apart(config: PasteConfig) -> float:
        found = [(paste(replace(config, count=(2, 2)), seed)[1] == ANOMALY_ID).astype(np.uint8) for seed in range(40)]
        return np.mean([cv2.connectedComponents(mask)[0] - 1 == 2 for mask in found])

    plausible = {"plausible": 1.0, "distance_m": (6.0, 15.0)}
    assert apart(street(**plausible, overlap=1.0)) < 0.4 < apart(street(**plausible))


def test_what_is_hardly_seen_becomes_void():
    config = replace(street(plausible=1.0, distance_m=(59.0, 60.0)), min_pixels=40)
    _, ids = paste(config, 3, disc(0.8))
    assert not (ids == ANOMALY_ID).any()
    new_void = (ids == VOID_ID) & (frame()[1] != VOID_ID)
    assert 0 < new_void.sum() < 40
    _, ids = paste(replace(config, min_pixels=0), 3, disc(0.8))
    np.testing.assert_array_equal(ids == ANOMALY_ID, new_void)


def test_hidden_colour_under_transparent_pixels_does_not_bleed():
    """A white square in a transparent black frame must not get a dark rim when it is scaled down."""
    rgba = np.zeros((120, 120, 4), np.uint8)
    rgba[10:110, 10:110] = 255
    image, class_ids = np.full((*SIZE, 3), 255, np.uint8), np.full(SIZE, StreetClass.ROAD, np.uint8)
    for seed in range(10):
        negatives = AnyCutout([Cutout("square", rgba)])
        mixed, _ = paste_negatives(image, class_ids, negatives, CLEAR, np.random.default_rng(seed))
        assert mixed.min() >= 253


@pytest.mark.parametrize("part", ["colour_match", "feather", "shadow", "haze", "tint", "texture"])
def test_every_part_of_the_look_can_be_switched_alone(part):
    def blended(look: LookConfig, seed: int) -> np.ndarray:
        image = np.full((*SIZE, 3), 30, np.uint8)
        cutout = disc()
        blend(image, cutout.rgba, Place(150, 160, 80.0, distance_m=30.0), look, np.random.default_rng(seed))
        return image

    plain = blended(NO_CHANGES, 0)
    np.testing.assert_array_equal(plain, blended(NO_CHANGES, 1))  # nothing is left to chance
    assert plain[110, 160].tolist() == [250, 20, 20]
    changed = [blended(replace(NO_CHANGES, **{part: 1.0}), seed) for seed in range(4)]
    assert any((image != plain).any() for image in changed)
    # Colours change within, edges and ground around.
    inside = {"feather": False, "shadow": False}.get(part, True)
    assert any((image[110, 160] != plain[110, 160]).any() for image in changed) == inside


def test_same_seed_same_result():
    first, second = (paste(PasteConfig(), 7, disc(), disc(None)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_anomalies_have_the_id_after_the_classes():
    image, class_ids = np.full((*SIZE, 3), 100, np.uint8), np.zeros(SIZE, np.uint8)  # all road
    negatives = AnyCutout([disc()])
    _, ids = paste_negatives(image, class_ids, negatives, CLEAR, np.random.default_rng(0), CITYSCAPES_CLASSES)
    assert set(np.unique(ids)) == {0, 19}


def test_only_inlier_frames_and_some_cutouts():
    image, class_ids = frame()
    class_ids[0, 50] = ANOMALY_ID
    with pytest.raises(ValueError, match="inlier frame"):
        paste_negatives(image, class_ids, AnyCutout([disc()]), PasteConfig(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one cut-out"):
        AnyCutout([])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (PasteConfig, {"count": (2, 1)}),
        (PasteConfig, {"pieces": (0, 1)}),
        (PasteConfig, {"min_pixels": -1}),
        (PasteConfig, {"piece_scale": (0.0, 1.0)}),
        (StreetPlacement, {"distance_m": (0.0, 1.0)}),
        (StreetPlacement, {"plausible": 1.5}),
        (StreetPlacement, {"enlarge": 0.0}),
        (PaperPlacement, {"side_px": (9, 3)}),
        (LookConfig, {"texture": -0.1}),
        (LookConfig, {"haze_m": (5.0, 1.0)}),
    ],
)
def test_config_checks_itself(kind, values):
    with pytest.raises(ValueError, match=next(iter(values))):
        kind(**values)
