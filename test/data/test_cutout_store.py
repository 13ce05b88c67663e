"""The cut-out store."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.cutout_store import Cutout, CutoutStore, CutoutStoreWriter
from ros_anomaly.data.frame_store import FrameStoreError


def rgba(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (9, 7, 4), dtype=np.uint8)


def test_round_trip_in_the_order_of_names(tmp_path):
    writer = CutoutStoreWriter(tmp_path)
    writer.add(Cutout("sofa", rgba(1), height_m=0.8, info={"object": "sofa"}))
    writer.add(Cutout("crate", rgba(2)))
    with pytest.raises(FrameStoreError):
        CutoutStore(tmp_path)  # not before finish
    assert writer.finish() == 2
    store = CutoutStore(tmp_path)
    assert [store[i].name for i in range(len(store))] == ["crate", "sofa"]
    np.testing.assert_array_equal(store[1].rgba, rgba(1))
    assert store[1].height_m == 0.8
    assert store[1].info == {"object": "sofa"}
    assert store[0].height_m is None
    with pytest.raises(IndexError):
        store[2]


def test_missing_picture_is_named(tmp_path):
    writer = CutoutStoreWriter(tmp_path)
    writer.add(Cutout("crate", rgba(2)))
    writer.finish()
    (tmp_path / "crate.png").unlink()
    with pytest.raises(FrameStoreError, match=r"crate\.png"):
        CutoutStore(tmp_path)[0]


@pytest.mark.parametrize(
    ("array", "height_m"), [(np.zeros((4, 4, 3), np.uint8), 1.0), (np.zeros((0, 4, 4), np.uint8), 1.0), (rgba(0), 0.0)]
)
def test_bad_cutouts_are_refused(array, height_m):
    with pytest.raises(ValueError, match="expected"):
        Cutout("bad", array, height_m)


def test_names_are_unique(tmp_path):
    writer = CutoutStoreWriter(tmp_path)
    writer.add(Cutout("crate", rgba(2)))
    with pytest.raises(ValueError, match="crate"):
        writer.add(Cutout("crate", rgba(3)))
