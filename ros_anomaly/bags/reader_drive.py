"""Opens what a user calls a recorded drive: a bag, or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ros_anomaly.bags.reader import BagReader
from ros_anomaly.bags.reader_cameras import TopicChoice, find_cameras
from ros_anomaly.bags.reader_events import BagDrive, DriveSource
from ros_anomaly.bags.reader_folder import FolderDrive, pictures_in
from ros_anomaly.bags.reader_opening import is_bag_folder


def is_folder_of_pictures(path: Path) -> bool:
    """Whether a drive is pictures in a folder; anything else is taken for a bag."""
    return path.is_dir() and not is_bag_folder(path) and bool(pictures_in(path))


@contextmanager
def open_drive(path: Path, choice: TopicChoice | None = None, rate_hz: float | None = None) -> Iterator[DriveSource]:
    """The drive at a path, open within the ``with`` block.

    Args:
        choice: topics of a bag, where there is one to make.
        rate_hz: pictures a second of a folder; without it their names are stamps in nanoseconds.

    Raises:
        ValueError (BagError): nothing can be read there, or topics are named for a folder or a rate for a bag.
    """
    choice = choice or TopicChoice()
    if is_folder_of_pictures(path):
        if (choice.images, choice.camera_infos, choice.odometry, choice.labels) != ((), (), "", ()):
            raise ValueError(f"{path}: a folder of pictures has no topics, found names of some")
        yield FolderDrive(path, rate_hz)
        return
    if rate_hz is not None:
        raise ValueError(f"rate: expected a folder of pictures, found a bag at {path}, which has stamps")
    with BagReader(path) as bag:
        yield BagDrive(bag, find_cameras(bag, choice))
