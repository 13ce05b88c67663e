"""Figures that count the time a map takes: each ground truth is compared with the map that is there at its time.

The rule is that of streaming perception (Li et al., "Towards Streaming Perception", ECCV 2020; for road anomalies
"Latency-aware Road Anomaly Segmentation in Videos", arXiv 2401.04942): at the time of a frame, the newest map that
is finished by then is held against the ground truth of that frame, not of the frame it was made from.

Maps are made as the detector node makes them: one at a time, and of the frames that arrive meanwhile the newest is
taken next and the others are dropped. So a latency above the frame period makes maps older than the latency alone.

Images without ground truth take their time, too: they enter the simulated detector and are not compared.

Before the first map is finished there is nothing to compare. Such a frame counts: all its pixels get the lowest
float32, below any score, as a vehicle that has no map yet knows of no anomaly.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.metrics import PixelRanking, RankingFigures
from ros_anomaly.evaluation.sequences.frame import SequenceFrame, at_size

NO_MAP_SCORE = float(np.finfo(np.float32).min)
"""What every pixel scores while there is no map."""

MOST_WAITING = 64
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class StreamingReport:
    """Frame-wise figures and the same with time counted in, over the same pixels.

    Attributes:
        latency_ms: mean over the images.
        frame_wise: the map of a frame against the ground truth of that frame, as if maps took no time.
        streaming: the newest finished map against it.
        frames: all that have ground truth.
        unanswered: of these, frames at whose time no map was finished.
        dropped: images that were never taken up, as a newer one came first.
        map_age_ms: mean age of the image that the map of a frame was made from; None where no map was finished.
        images: all that entered the simulated detector, with ground truth or without.
    """

    latency_ms: float
    frame_wise: RankingFigures
    streaming: RankingFigures
    frames: int
    unanswered: int
    dropped: int
    map_age_ms: float | None
    images: int


@dataclass(frozen=True)
class _Map:
    stamp_ns: int
    score: np.ndarray
    latency_ns: int


class StreamingRanking:
    """Feeds a simulated detector and compares as time goes on.

    Ground truth may come later than its image, and in part never: what was shown is remembered for ``MOST_WAITING``
    images.
    """

    def __init__(self, latency_ms: float | None = None) -> None:
        """``latency_ms`` for every frame; None: each frame's own. ValueError unless finite and at least 0."""
        if latency_ms is not None and not 0 <= latency_ms < float("inf"):
            raise ValueError(f"latency_ms: expected a finite value of at least 0, found {latency_ms}")
        self._latency_ms = latency_ms
        self._at_work: tuple[_Map, int] | None = None  # and when it will be finished
        self._waiting: _Map | None = None
        self._newest: _Map | None = None
        self._shown: OrderedDict[int, _Map | None] = OrderedDict()  # by the stamps of images not compared yet
        self._last_ns: int | None = None
        self._frame_wise, self._streaming = PixelRanking(), PixelRanking()
        self._images = self._frames = self._unanswered = self._dropped = 0
        self._latency_sum_ns = self._age_sum_ns = 0

    def add(self, frame: SequenceFrame) -> None:
        """The next frame, image and ground truth at once; ValueError as of ``arrive``."""
        self.arrive(frame.stamp_ns, frame.score, frame.latency_ms)
        self.compare(frame)

    def arrive(self, stamp_ns: int, score: np.ndarray, latency_ms: float | None = None) -> None:
        """The next image and the map that is made of it; ``latency_ms`` is its own.

        Raises:
            ValueError: its stamp does not advance, or no latency is known for it.
        """
        latency_ms = latency_ms if self._latency_ms is None else self._latency_ms
        if latency_ms is None:
            raise ValueError(f"frame {stamp_ns}: expected its measured latency or one for all, found neither")
        now = stamp_ns
        if self._last_ns is not None and now <= self._last_ns:
            raise ValueError(f"expected ascending stamps, found {now} ns after {self._last_ns} ns")
        self._last_ns = now
        own = _Map(now, score, round(latency_ms * _NS_PER_MS))
        self._finish_until(now - 1)
        self._arrive(own)
        self._finish_until(now)  # what is finished just now takes up this frame, and without latency finishes it
        self._images += 1
        self._latency_sum_ns += own.latency_ns
        self._shown[now] = self._newest
        if len(self._shown) > MOST_WAITING:
            self._shown.popitem(last=False)

    def compare(self, frame: SequenceFrame) -> None:
        """Ground truth of an image that arrived; ValueError for one that did not, or that was compared already."""
        if not self.knows(frame.stamp_ns):
            raise ValueError(f"frame {frame.stamp_ns}: expected the stamp of an image that waits, found none of it")
        newest = self._shown.pop(frame.stamp_ns)
        self._frames += 1
        own = frame.full_score()
        if newest is None:
            self._unanswered += 1
            shown = np.full(own.shape, NO_MAP_SCORE, np.float32)
        else:
            self._age_sum_ns += frame.stamp_ns - newest.stamp_ns
            shown = at_size(newest.score, (own.shape[0], own.shape[1]))
        self._frame_wise.add(own, frame.is_anomaly, frame.valid)
        self._streaming.add(shown, frame.is_anomaly, frame.valid)

    def knows(self, stamp_ns: int) -> bool:
        """Whether an image of this stamp arrived and waits for its ground truth."""
        return stamp_ns in self._shown

    def report(self) -> StreamingReport | None:
        """Over everything added so far; None before the first frame."""
        if self._frames == 0:
            return None
        answered = self._frames - self._unanswered
        return StreamingReport(
            latency_ms=self._latency_sum_ns / self._images / _NS_PER_MS,
            frame_wise=self._frame_wise.figures(),
            streaming=self._streaming.figures(),
            frames=self._frames,
            unanswered=self._unanswered,
            dropped=self._dropped,
            map_age_ms=self._age_sum_ns / answered / _NS_PER_MS if answered else None,
            images=self._images,
        )

    def _arrive(self, own: _Map) -> None:
        if self._at_work is None:
            self._at_work = (own, own.stamp_ns + own.latency_ns)
            return
        self._dropped += self._waiting is not None
        self._waiting = own

    def _finish_until(self, now: int) -> None:
        while self._at_work is not None and self._at_work[1] <= now:
            self._newest, finished_ns = self._at_work
            taken, self._waiting = self._waiting, None
            self._at_work = None if taken is None else (taken, finished_ns + taken.latency_ns)
