"""The look executable: sheets of photos, what is said of them, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import look
from ros_anomaly.evaluation.photos import cropped


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two grey photos of other shapes than the engine's; the second has a magenta square in its middle."""
    folder = tmp_path / "photos"
    folder.mkdir()
    plain, odd = np.full((144, 300, 3), 127, np.uint8), np.full((300, 160, 3), 127, np.uint8)
    odd[130:170, 60:100] = (255, 0, 255)
    cv2.imwrite(str(folder / "plain.png"), plain)
    cv2.imwrite(str(folder / "odd.jpg"), odd)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_every_photo_gets_a_sheet_and_a_line(photos, tmp_path, capsys):
    engine = make_toy_engine(tmp_path)
    arguments = [str(photos), "--engine", str(engine), "--threshold", "0", "--out", str(tmp_path / "out"), "--json"]
    assert look.main(arguments) == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)["photos"]
    assert list(figures) == ["odd.jpg", "plain.jpg"] and "odd.jpg: " in err
    assert figures["odd.jpg"]["regions"] == 1 and 0.05 < figures["odd.jpg"]["flagged"] < 0.5
    assert figures["plain.jpg"]["regions"] == 0 and figures["plain.jpg"]["flagged"] == 0
    assert sum(figures["plain.jpg"]["classes"].values()) == pytest.approx(1.0)
    sheet = cv2.imread(str(tmp_path / "out" / "odd.jpg"))
    assert sheet.shape[1] == 3 * 480
    assert cv2.imread(str(tmp_path / "out" / "plain.jpg")).shape == sheet.shape  # both were cropped alike


def test_photos_may_be_corrupted_first(photos, tmp_path, capsys):
    engine = make_toy_engine(tmp_path)
    arguments = [str(photos / "odd.jpg"), "--engine", str(engine), "--threshold", "0", "--corrupt", "noise@5", "--json"]
    assert look.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert list(json.loads(capsys.readouterr().out)["photos"]) == ["odd.jpg"]


def test_photos_of_one_name_keep_sheets_of_their_own(photos, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "odd.png").write_bytes((photos / "plain.png").read_bytes())
    sheets = look._photos([photos, tmp_path / "more", photos / "odd.jpg"])
    assert sorted(sheets.values()) == ["odd.jpg", "odd_2.jpg", "plain.jpg"]


@pytest.mark.parametrize(
    ("photo", "more", "said"),
    [
        ("absent.jpg", [], "found nothing at that path"),
        ("empty", [], "expected pictures (.png"),
        ("notes.txt", [], "bytes that OpenCV cannot read"),
        ("odd.jpg", ["--corrupt", "jpeg"], "expected one, NAME:AMOUNT"),
        ("odd.jpg", ["--corrupt", "snow:1"], "brightness, fog"),
    ],
)
def test_bad_photos_are_one_line(photos, tmp_path, capsys, photo, more, said):
    (photos / "empty").mkdir()
    arguments = [str(photos / photo), "--engine", str(make_toy_engine(tmp_path)), "--threshold", "0"]
    assert look.main([*arguments, *more, "--out", str(tmp_path / "out")]) != 0
    err = capsys.readouterr().err
    assert said in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("shape", [(36, 64), (64, 36)])
def test_a_crop_has_the_proportions_asked_for_and_keeps_the_middle(shape):
    image = np.zeros((100, 150, 3), np.uint8)
    image[50, 75] = 255
    part = cropped(image, shape)
    assert part.shape[0] / part.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.02)
    assert part.shape[0] == 100 or part.shape[1] == 150
    row, column = np.argwhere(part[..., 0])[0]
    assert abs(row - part.shape[0] / 2) <= 1 and abs(column - part.shape[1] / 2) <= 1
