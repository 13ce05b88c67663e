"""Images for int8 to be calibrated on: of a folder, of a bag, or of rendered streets, at the engine's size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    import numpy as np


def recorded_images(path: Path, topic: str | None, size: tuple[int, int], count: int) -> list[np.ndarray]:
    """``count`` images spread evenly over a folder of pictures or a bag, uint8 [H, W, 3] RGB of ``size``.

    Images that cannot be read are left out and said on standard error; all of a recording that has fewer.

    Raises:
        ValueError (BagError): nothing can be read there, or a topic that is missing or not the only one.
    """
    from ros_anomaly.bags.reader_cameras import TopicChoice
    from ros_anomaly.bags.reader_drive import is_folder_of_pictures, open_drive
    from ros_anomaly.bags.reader_events import ImageEvent

    rate_hz = 1.0 if is_folder_of_pictures(path) else None  # when they were taken does not matter here
    choice = TopicChoice(images=(topic,) if topic else ())
    with open_drive(path, choice, rate_hz) as drive:
        if len(drive.cameras) != 1:
            topics = ", ".join(camera.image for camera in drive.cameras)
            raise ValueError(f"{path}: expected one camera or --topic, found {topics}")
        events = (one.event for one in drive.events())
        images = (event for event in events if isinstance(event, ImageEvent))
        chosen = []
        for event in _spread(images, drive.frames, count):
            if event.image is None:
                common.say(f"{path}: left out an image: {event.problem}")
            else:
                chosen.append(event.image)
        for problem in drive.problems:
            common.say(f"{path}: {problem}")
    return _fitted(chosen, size)


def street_images(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """``count`` frames of training towns, uint8 [H, W, 3] RGB of ``size``; rendered once and kept in the cache."""
    from ros_anomaly.cli.street_frames import training_source

    store = training_source()
    return _fitted((frame.image for frame in _spread(store, len(store), count)), size)


def _spread(items: Iterable, total: int, count: int) -> Iterator:
    """``count`` of ``total`` items, evenly from first to last; all of them where there are fewer."""
    number = min(count, total)
    wanted = {round(i * (total - 1) / max(number - 1, 1)) for i in range(number)}
    return (item for index, item in enumerate(items) if index in wanted)


def _fitted(images: Iterable[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    from ros_anomaly.detector import fit_image

    return [fit_image(image, size) for image in images]
