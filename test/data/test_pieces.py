"""What is cut from inlier frames: objects that keep their class, patches that stand in for negatives."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.blending import NO_CHANGES
from ros_anomaly.data.labels import PALETTE, StreetClass
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.data.piece_pasting import paste_pieces
from ros_anomaly.data.pieces import InlierCrops, InlierPieces
from ros_anomaly.data.reshaping import ReshapeConfig

SIZE = (120, 200)
CAR, ROAD = int(StreetClass.CAR), int(StreetClass.ROAD)


class Frames:
    """A car of 40x20 pixels on the road, one that the edge cuts off, one far too small; in the palette's colours."""

    def __init__(self, with_car: bool = True) -> None:
        class_ids = np.zeros(SIZE, np.uint8)
        class_ids[60:] = ROAD
        class_ids[100:120, 0:30] = CAR
        class_ids[64:68, 150:156] = CAR
        if with_car:
            class_ids[70:90, 80:120] = CAR
        self.frame = PALETTE[class_ids], class_ids
        for array in self.frame:
            array.setflags(write=False)

    def __len__(self) -> int:
        return 3

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.frame


def test_only_whole_objects_of_some_size_are_cut():
    pieces = InlierPieces(Frames(), {CAR})
    for seed in range(10):
        piece = pieces.draw(np.random.default_rng(seed))
        assert piece is not None
        assert piece.class_id == CAR
        assert piece.cutout.rgba.shape == (20, 40, 4)
        assert (piece.cutout.rgba == (*PALETTE[CAR], 255)).all()
        assert (piece.foot, piece.height_share) == (90 / 120, 20 / 120)
    assert InlierPieces(Frames(with_car=False), {CAR}).draw(np.random.default_rng(0)) is None


def test_pieces_keep_their_class_and_grow_as_they_come_nearer():
    config = PasteConfig(pieces=(1, 1), look=NO_CHANGES)
    image, class_ids = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
    class_ids[60:] = ROAD
    heights = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mixed, ids = paste_pieces(image, class_ids, InlierPieces(Frames(), {CAR}), config, rng)
        assert set(np.unique(ids)) == {0, ROAD, CAR}
        assert (mixed[ids == CAR] == PALETTE[CAR]).all()
        assert not mixed[ids != CAR].any()
        rows = np.flatnonzero((ids == CAR).any(1))
        if rows[-1] == SIZE[0] - 1:
            continue
        height, foot = len(rows), rows[-1] + 1
        # As seen: 20 px high with its foot 30 px below the horizon.
        assert height / 20 == pytest.approx((foot - 60) / 30, abs=0.08)
        heights.append(height)
    assert min(heights) < 17 and max(heights) > 23
    assert not image.any() and set(np.unique(class_ids)) == {0, ROAD}


def test_pieces_of_other_colours_and_forms_keep_their_class():
    reshape = ReshapeConfig(stretch=1.0, stretch_by=(1.5, 2.0))
    config = PasteConfig(pieces=(1, 1), look=NO_CHANGES, piece_tint=1.0, piece_reshape=reshape, piece_scale=(1.0, 1.0))
    image, class_ids = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
    class_ids[60:] = ROAD
    colours, widths = set(), []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        mixed, ids = paste_pieces(image, class_ids, InlierPieces(Frames(), {CAR}), config, rng)
        assert set(np.unique(ids)) == {0, ROAD, CAR}
        columns = np.flatnonzero((ids == CAR).any(0))
        if 0 < columns[0] and columns[-1] < SIZE[1] - 1:
            widths.append(len(columns))
        colours.update(map(tuple, mixed[ids == CAR][:1].tolist()))
    assert len(colours) > 5
    # As seen they are 40 px wide.
    assert min(widths) >= 59 and max(widths) <= 81
    with pytest.raises(ValueError, match=r"piece_reshape splice: expected 0, found 0\.5"):
        PasteConfig(piece_reshape=ReshapeConfig(splice=0.5))


def test_inlier_crops_show_inlier_pixels():
    crops = InlierCrops(Frames(), sides_px=(30, 60))
    colours = {tuple(colour) for colour in PALETTE[[0, ROAD, CAR]].tolist()}
    for seed in range(10):
        cutout = crops.draw(np.random.default_rng(seed))
        assert max(cutout.rgba.shape[:2]) <= 60
        assert {tuple(colour) for colour in cutout.rgba[cutout.rgba[..., 3] > 0][:, :3].tolist()} <= colours
    first, second = (crops.draw(np.random.default_rng(3)).rgba for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_to_cut_from_is_an_error():
    with pytest.raises(ValueError, match="expected frames and classes of objects, found 3 and 0"):
        InlierPieces(Frames(), set())
