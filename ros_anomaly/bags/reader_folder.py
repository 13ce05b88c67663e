"""A folder of pictures as a drive: the stamps are in the names, or the pictures come at a given rate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly.bags.names import natural_order
from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.bags.reader_events import DriveEvent, ImageEvent

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_FIRST_STAMP_NS = 10_000_000_000  # a stamp of zero means "no time" in ROS
_NS_PER_S = 1_000_000_000
_STAMP = re.compile(r"\d{16,19}")  # nanoseconds since 1970 have 19 digits until the year 2286


def pictures_in(folder: Path) -> list[Path]:
    """Pictures that lie in a folder, by name; numbers in names count as numbers (2 before 10)."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file()]
    return sorted(found, key=natural_order)


class FolderDrive:
    """Pictures of one camera; recorded when they were taken. There is no camera_info, odometry or label.

    Args:
        folder: pictures named by their stamps in nanoseconds (``1700000000100000000.png``), or in any other order of
            names if ``rate_hz`` is given.

    Raises:
        ValueError: no pictures, or neither stamps nor a rate.
    """

    def __init__(self, folder: Path, rate_hz: float | None = None) -> None:
        paths = pictures_in(folder)
        if not paths:
            raise ValueError(f"{folder}: expected pictures ({', '.join(PICTURES)}), found none")
        if rate_hz is None:
            if odd := [path.name for path in paths if not _STAMP.fullmatch(path.stem)]:
                raise ValueError(
                    f"{folder}: expected pictures named by their stamps in nanoseconds, or a rate, found {odd[0]}"
                )
            stamps = [int(path.stem) for path in paths]
        elif 0 < rate_hz <= 1000:
            stamps = [_FIRST_STAMP_NS + round(index * _NS_PER_S / rate_hz) for index in range(len(paths))]
        else:
            raise ValueError(f"rate_hz: expected above 0 and at most 1000, found {rate_hz}")
        self._pictures = list(zip(stamps, paths, strict=True))
        self.name = folder.resolve().name
        self.cameras: Sequence[CameraTopics] = (CameraTopics(f"/{self.name}", None, None, None),)
        self.frames = len(paths)
        self.problems: Sequence[str] = ()

    def events(self) -> Iterator[DriveEvent]:
        for stamp_ns, path in self._pictures:
            image, problem = _picture(path)
            yield DriveEvent(stamp_ns, (0,), ImageEvent(stamp_ns, "camera", image, problem))


def _picture(path: Path) -> tuple[np.ndarray | None, str]:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        return None, f"{path.name}: expected a picture, found {path.stat().st_size} bytes that OpenCV cannot read"
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), ""
