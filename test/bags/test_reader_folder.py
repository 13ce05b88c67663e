"""Folders of pictures are drives, too."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drive_bags import picture

from ros_anomaly.bags.reader_folder import FolderDrive


def write(folder, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(names):
        cv2.imwrite(str(folder / name), picture(True, seed)[..., ::-1])


def test_stamps_are_in_the_names(tmp_path):
    write(tmp_path / "front", "1700000000200000000.png", "1700000000100000000.png")
    drive = FolderDrive(tmp_path / "front")
    events = list(drive.events())
    assert [event.recorded_ns for event in events] == [1_700_000_000_100_000_000, 1_700_000_000_200_000_000]
    assert all(event.event.stamp_ns == event.recorded_ns and event.cameras == (0,) for event in events)
    np.testing.assert_array_equal(events[0].event.image, picture(True, 1))
    assert (drive.name, drive.frames, drive.cameras[0].image) == ("front", 2, "/front")


def test_a_rate_serves_where_names_are_none_and_numbers_count_as_such(tmp_path):
    write(tmp_path / "front", "frame_10.png", "frame_2.png")
    with pytest.raises(ValueError, match="named by their stamps in nanoseconds, or a rate, found frame_2.png"):
        FolderDrive(tmp_path / "front")
    events = list(FolderDrive(tmp_path / "front", rate_hz=20.0).events())
    assert events[1].recorded_ns - events[0].recorded_ns == 50_000_000 and events[0].recorded_ns > 0
    np.testing.assert_array_equal(events[0].event.image, picture(True, 1))


def test_what_is_no_picture_is_a_bad_image_and_no_folder_without_any(tmp_path):
    write(tmp_path / "front", "1.png")
    (tmp_path / "front" / "2.png").write_bytes(b"not a picture")
    events = list(FolderDrive(tmp_path / "front", 10.0).events())
    assert events[0].event.image is not None and events[1].event.image is None
    assert "2.png: expected a picture, found 13 bytes" in events[1].event.problem
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="expected pictures .*, found none"):
        FolderDrive(tmp_path / "empty", 10.0)
    with pytest.raises(ValueError, match="rate_hz"):
        FolderDrive(tmp_path / "front", 0.0)
