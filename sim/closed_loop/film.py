"""A drive as a video: each image with what the detector made of it, what it acted on, and what is really there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.carla_views import CarlaView
from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.closed_loop.course import Course
from ros_anomaly_sim.closed_loop.drivers import Sight, Verdict
from ros_anomaly_sim.closed_loop.folder import partial
from ros_anomaly_sim.closed_loop.result import TrackPoint
from ros_anomaly_sim.film.pictures import BANNER_PX, Truth, View, draw
from ros_anomaly_sim.film.video import VideoWriter

_NOTHING_SEEN = Sight()


@dataclass(frozen=True)
class _Frame:
    stamp_ns: int
    view: CarlaView
    point: TrackPoint
    acted_on: Verdict


class DriveFilm:
    """Watches a drive and writes it to a file that appears when ``keep`` is called, whole or not at all.

    A frame is written when it is decided whether the detector judged its image, so that few wait in memory.
    ``times_s`` has the seconds from the start of the drive of every frame, ``was_judged`` whether its image was judged.
    Use as a context manager.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate_hz: int) -> None:
        self._path, self._partial = path, partial(path)
        height = size[0] + BANNER_PX
        # H.264 in 4:2:0 has even sizes only.
        self._size = (height - height % 2, size[1] - size[1] % 2)
        self._writer = VideoWriter(self._partial, self._size, rate_hz)
        self._pending: deque[_Frame] = deque()
        self._sights: dict[int, Sight | None] = {}
        self._judged_to_ns = -1
        self._score_range: tuple[float, float] | None = None
        self.times_s: list[float] = []
        self.was_judged: list[bool] = []

    def begin(self, course: Course) -> None:
        self._anomalies, self._front_m = course.anomalies, course.front_m

    def judged(self, moment: Moment, verdict: Verdict) -> None:
        self._sights[moment.stamp_ns] = verdict.sight
        self._judged_to_ns = moment.stamp_ns

    def ticked(self, moment: Moment, point: TrackPoint, acted_on: Verdict) -> None:
        if moment.view is not None:
            self._pending.append(_Frame(moment.stamp_ns, moment.view, point, acted_on))
        while self._pending and self._pending[0].stamp_ns <= self._judged_to_ns:
            self._write(self._pending.popleft())

    def keep(self) -> None:
        """The drive is over: finish the file and put it in its place; a drive without images has none.

        Raises:
            OSError: that cannot be.
        """
        while self._pending:
            self._write(self._pending.popleft())
        self._writer.close()
        if self.times_s:
            self._partial.replace(self._path)

    def __enter__(self) -> DriveFilm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._partial.unlink(missing_ok=True)

    def _write(self, frame: _Frame) -> None:
        self.was_judged.append(frame.stamp_ns in self._sights)
        sight = self._sights.pop(frame.stamp_ns, None) or _NOTHING_SEEN
        picture = draw(
            View(
                image=frame.view.image,
                mask=sight.mask,
                score=sight.score,
                score_range=self._range(sight.score),
                level=HazardLevel(frame.point.level),
                caption=_caption(frame.point, frame.acted_on),
                truths=tuple(self._truths(frame)),
                regions=tuple((box.left, box.top, box.right, box.bottom) for box in sight.boxes),
            )
        )
        self._writer.write(np.ascontiguousarray(picture[: self._size[0], : self._size[1]]))
        self.times_s.append(frame.point.at_s)

    def _truths(self, frame: _Frame) -> list[Truth]:
        truths = []
        for number, box in sorted(frame.view.boxes.items()):
            placed = self._anomalies[number]
            gap_m = placed.first_m - frame.point.travelled_m - self._front_m
            truths.append(Truth((box.left, box.top, box.right, box.bottom), f"{placed.name} {gap_m:.0f} m"))
        return truths

    def _range(self, score: np.ndarray | None) -> tuple[float, float]:
        """What the score inset spans: from a low percentile of the first map to the highest score so far."""
        if score is None:
            return self._score_range or (0.0, 1.0)
        low, high = self._score_range or (float(np.percentile(score, 5)), float(score.max()))
        self._score_range = (low, max(high, float(score.max())))
        return self._score_range


def _caption(point: TrackPoint, acted_on: Verdict) -> str:
    words = [f"{point.at_s:4.1f} s", f"{3.6 * point.speed_mps:2.0f} km/h"]
    if point.braking:
        words.append("BRAKES")
    if acted_on.level is not HazardLevel.CLEAR:
        words.append(acted_on.reason)
    return "   ".join(words)
