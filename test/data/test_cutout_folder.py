"""Cut-outs from anybody's folder of RGBA pictures."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from ros_anomaly.data.cutout_folder import CutoutFolder, open_cutouts, tight
from ros_anomaly.data.cutout_store import Cutout, CutoutStore, CutoutStoreWriter
from ros_anomaly.data.datasets.errors import DatasetError

RED = (200, 30, 10)


def write(path: Path, height: int = 40, width: int = 60, alpha: bool = True) -> Path:
    """A red box of half the picture's size in its middle, transparent around."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = (*RED, 255)
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    assert cv2.imwrite(str(path), bgra if alpha else bgra[..., :3], [cv2.IMWRITE_WEBP_QUALITY, 101])
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "box_10.png")
    write(tmp_path / "box_2.webp")
    write(tmp_path / "large" / "photo.png", 1600, 2000)
    write(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "heights_m.json").write_text(json.dumps({"large/photo.png": 1.5}))
    return tmp_path


def test_pictures_of_any_size_are_found_cropped_and_reduced(folder):
    cutouts = CutoutFolder(folder)
    found = {cutouts[i].name: cutouts[i] for i in range(len(cutouts))}
    assert list(found) == ["box_2.webp", "box_10.png", "large/photo.png"]
    for name in ("box_2.webp", "box_10.png"):
        assert found[name].rgba.shape == (20, 30, 4)
        assert (found[name].rgba == (*RED, 255)).all()
        assert found[name].height_m is None
    photo = found["large/photo.png"]
    assert photo.rgba.shape == (512, 640, 4)
    assert photo.height_m == 1.5
    assert np.abs(photo.rgba.astype(int) - (*RED, 255)).max() <= 1
    assert cutouts[0] is cutouts[0]  # decoded once
    assert pickle.loads(pickle.dumps(cutouts))[2].height_m == 1.5
    with pytest.raises(IndexError):
        cutouts[3]


def test_reducing_keeps_hidden_colours_hidden():
    rgba = np.zeros((80, 80, 4), np.uint8)
    rgba[10:70, 11:70] = (255, 255, 255, 255)  # white in black that is transparent
    reduced = tight(np.pad(rgba, ((5, 5), (5, 5), (0, 0))), 20)
    assert reduced is not None and max(reduced.shape[:2]) == 20
    assert (reduced[reduced[..., 3] > 0][:, :3] >= 254).all()
    assert tight(np.zeros((4, 4, 4), np.uint8), 20) is None


def test_a_store_is_opened_as_one(tmp_path):
    writer = CutoutStoreWriter(tmp_path)
    writer.add(Cutout("box", np.full((4, 4, 4), 255, np.uint8), 1.0))
    writer.finish()
    assert isinstance(open_cutouts(tmp_path), CutoutStore)


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="expected a folder of RGBA pictures, found no folder"):
        open_cutouts(tmp_path / "none")
    (tmp_path / "a.txt").touch()
    with pytest.raises(DatasetError, match=r"expected RGBA pictures \(\*\.png, \*\.webp\), found a\.txt"):
        open_cutouts(tmp_path)


def test_pictures_that_are_no_cut_outs_are_named(tmp_path):
    write(tmp_path / "a_opaque.png", alpha=False)
    (tmp_path / "b_broken.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "c_empty.png").touch()
    cv2.imwrite(str(tmp_path / "d_clear.png"), np.zeros((5, 5, 4), np.uint8))
    cutouts = CutoutFolder(tmp_path)
    expected = (
        r"a_opaque\.png: expected an RGBA picture of 8 bits, found uint8 \[40, 60, 3\]",
        r"b_broken\.png: .* found no whole picture",
        r"c_empty\.png: .* found no whole picture",
        r"d_clear\.png: expected an object with an opaque part",
    )
    for index, message in enumerate(expected):
        with pytest.raises(DatasetError, match=message):
            cutouts[index]


@pytest.mark.parametrize(
    ("heights", "message"),
    [
        ({"other.png": 1.0}, "expected names of pictures in the folder, found 'other.png'"),
        ({"box_10.png": -1}, "box_10.png: expected a height of 0 to 100 m, found -1"),
        ({"box_10.png": "tall"}, "found 'tall'"),
        ({"box_10.png": True}, "found True"),
        ([1.0], "expected a JSON object of heights in metres, found list"),
    ],
)
def test_wrong_heights_are_named(folder, heights, message):
    (folder / "heights_m.json").write_text(json.dumps(heights))
    with pytest.raises(DatasetError, match=message):
        CutoutFolder(folder)
