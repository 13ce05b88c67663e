"""Mixed content: where negatives go, what they leave alone, how large they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.labels import ANOMALY_ID, VOID_ID, StreetClass
from ros_anomaly.data.pasting import PasteConfig, paste_negatives

SIZE = (180, 320)
CLEAR = PasteConfig(count=(1, 1), shadow=0.0, tint=0.0, feather=0.0, colour_match=0.0, haze_m=(1e9, 1e9))


def frame() -> tuple[np.ndarray, np.ndarray]:
    class_ids = np.full(SIZE, StreetClass.BACKGROUND, np.uint8)
    class_ids[SIZE[0] // 2 :] = StreetClass.ROAD
    class_ids[:, :5] = VOID_ID
    return np.full((*SIZE, 3), 100, np.uint8), class_ids


def disc(height_m: float | None = 1.6) -> Cutout:
    rgba = np.zeros((200, 200, 4), np.uint8)
    cv2.circle(rgba, (100, 100), 99, (250, 20, 20, 255), -1)
    return Cutout("disc", rgba, height_m)


def test_changes_are_confined_to_the_pasted_pixels_and_inputs_stay():
    image, class_ids = frame()
    before = image.copy(), class_ids.copy()
    seen = 0
    for seed in range(20):
        mixed, ids = paste_negatives(image, class_ids, [disc()], CLEAR, np.random.default_rng(seed))
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
    config = PasteConfig(**{**vars(CLEAR), "plausible": 1.0, "distance_m": (8.0, 20.0)})
    image, class_ids = frame()
    checked = 0
    for seed in range(40):
        _, ids = paste_negatives(image, class_ids, [disc(1.6)], config, np.random.default_rng(seed))
        rows = np.nonzero((ids == ANOMALY_ID).any(1))[0]
        cols = np.nonzero((ids == ANOMALY_ID).any(0))[0]
        if len(rows) == 0 or cols[0] == 0 or cols[-1] == SIZE[1] - 1 or rows[-1] == SIZE[0] - 1:
            continue
        foot_below_horizon = rows[-1] + 1 - SIZE[0] / 2
        assert abs(len(rows) - foot_below_horizon) <= 2
        checked += 1
    assert checked > 15


def test_random_pastes_reach_from_small_to_large():
    config = PasteConfig(**{**vars(CLEAR), "plausible": 0.0})
    image, class_ids = frame()
    heights = []
    for seed in range(150):
        _, ids = paste_negatives(image, class_ids, [disc()], config, np.random.default_rng(seed))
        heights.append(int((ids == ANOMALY_ID).any(1).sum()))
    assert max(heights) <= 0.8 * SIZE[0] + 1
    assert max(heights) > 0.6 * SIZE[0]
    assert min(h for h in heights if h) < 15


def test_hidden_colour_under_transparent_pixels_does_not_bleed():
    """A white square in a transparent black frame must not get a dark rim when it is scaled down."""
    rgba = np.zeros((120, 120, 4), np.uint8)
    rgba[10:110, 10:110] = 255
    image, class_ids = np.full((*SIZE, 3), 255, np.uint8), np.full(SIZE, StreetClass.ROAD, np.uint8)
    for seed in range(10):
        mixed, _ = paste_negatives(image, class_ids, [Cutout("square", rgba)], CLEAR, np.random.default_rng(seed))
        assert mixed.min() >= 253


def test_same_seed_same_result():
    image, class_ids = frame()
    first, second = (
        paste_negatives(image, class_ids, [disc(), disc(None)], PasteConfig(), np.random.default_rng(7))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_only_inlier_frames_and_some_cutouts():
    image, class_ids = frame()
    class_ids[0, 50] = ANOMALY_ID
    with pytest.raises(ValueError, match="inlier frame"):
        paste_negatives(image, class_ids, [disc()], PasteConfig(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one cut-out"):
        paste_negatives(image, frame()[1], [], PasteConfig(), np.random.default_rng(0))


@pytest.mark.parametrize("values", [{"count": (2, 1)}, {"distance_m": (0.0, 1.0)}, {"plausible": 1.5}])
def test_config_checks_itself(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        PasteConfig(**values)
