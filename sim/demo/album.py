"""Chooses the pictures that tell a run: each object when known or at its plainest, false flags, the open road."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.evaluation.report.pictures import crop_around, jpeg
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.demo.timeline import Moment
from ros_anomaly_sim.demo.visible import VisibleObject

THUMBNAIL_PX = (150, 240)  # height, width
_MOST_FALSE = 3
_QUALITY = 88
_GROWTH = 1.3  # a plainer view replaces the kept one only if it shows so much more: encoding costs time


@dataclass(frozen=True)
class Photo:
    """A kept picture, uint8 [H, W, 3] RGB as JPEG bytes, and its simulated time."""

    time_s: float
    jpeg: bytes

    def pixels(self) -> np.ndarray:
        """The picture as uint8 [H, W, 3] RGB."""
        bgr = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None  # our own encoding
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


@dataclass(frozen=True)
class Shot:
    """One frame as the album is shown it: ``plain`` is the image with the mask alone, ``picture`` has it all."""

    moment: Moment
    plain: np.ndarray
    picture: np.ndarray
    visible: Sequence[VisibleObject]


class Album:
    """Sees every frame and keeps few; JPEG in memory, some 60 kB each.

    ``known`` has each object at the moment it was first stably found, ``plainest`` where most of it was in view,
    ``close`` a crop of that.
    """

    def __init__(self) -> None:
        self.first: Photo | None = None
        self.open_road: Photo | None = None
        self.known: dict[int, Photo] = {}
        self.plainest: dict[int, Photo] = {}
        self.close: dict[int, Photo] = {}
        self.false_flags: list[Photo] = []
        self._most_pixels: dict[int, float] = {}
        self._suspect: Photo | None = None
        self._exonerated = False

    def consider(self, shot: Shot, stably_found: Collection[int]) -> None:
        """Keep the frame for every reason there is to keep it; ``stably_found`` are instance ids, up to this frame."""
        if self.first is None:
            self.first = self._photo(shot)
        if shot.moment.level is HazardLevel.CLEAR and not shot.visible and self.open_road is None:
            self.open_road = self._photo(shot)
        for item in shot.visible:
            if item.object.instance_id in stably_found and item.object.instance_id not in self.known:
                self.known[item.object.instance_id] = self._photo(shot)
            self._look_closely(shot, item)
        self._suspect_hazard(shot)

    def finish(self) -> None:
        """The run is over: a HAZARD that is still up is judged now."""
        self._judge_suspect()

    def of_object(self, instance_id: int) -> Photo | None:
        """The moment at which it was known, else when it was plainest to see; None if it never came into view."""
        return self.known.get(instance_id) or self.plainest.get(instance_id)

    def _look_closely(self, shot: Shot, item: VisibleObject) -> None:
        height, width = shot.plain.shape[:2]
        left, _, right, bottom = item.box
        whole = left > 0 and right < width and bottom < height
        worth = item.pixels if whole else item.pixels / 1000  # cut off by the image's edge, it is hard to tell
        instance_id = item.object.instance_id
        if worth > _GROWTH * self._most_pixels.get(instance_id, 0):
            self._most_pixels[instance_id] = worth
            self.plainest[instance_id] = self._photo(shot)
            crop = crop_around(shot.plain, item.box, THUMBNAIL_PX)
            self.close[instance_id] = Photo(shot.moment.time_s, jpeg(crop, _QUALITY).data)

    def _suspect_hazard(self, shot: Shot) -> None:
        """A HAZARD is false if it rested on nothing real while it was up: keep its first frame until that is known."""
        if shot.moment.level is None:
            return
        if shot.moment.level is not HazardLevel.HAZARD:
            self._judge_suspect()
            self._exonerated = False
        elif shot.moment.objects_in_the_way:
            self._suspect, self._exonerated = None, True
        elif self._suspect is None and not self._exonerated:
            self._suspect = self._photo(shot)

    def _judge_suspect(self) -> None:
        if self._suspect is not None and len(self.false_flags) < _MOST_FALSE:
            self.false_flags.append(self._suspect)
        self._suspect = None

    @staticmethod
    def _photo(shot: Shot) -> Photo:
        return Photo(shot.moment.time_s, jpeg(shot.picture, _QUALITY).data)
