"""Keeps the worst misses and false flags of a run as pictures, a bounded number however long it is."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.evaluation.report import pictures
from ros_anomaly.evaluation.report.blocks import FilmStrip, Still

_WIDTH_PX = 640


class FilmRoll:
    """The worst of what it is offered: at most ``most`` stills, one a group, worst first; of equals the earlier.

    Frames of a drive resemble each other: whoever offers an object of it gives its id as the group.
    """

    def __init__(self, most: int = 6) -> None:
        if most < 1:
            raise ValueError(f"FilmRoll: expected room for at least 1 still, found {most}")
        self._most = most
        self._offers = 0
        self._kept: dict[Hashable, tuple[float, int, Still]] = {}

    def offer(self, badness: float, still: Callable[[], Still], group: Hashable = None) -> bool:
        """Keep a still if it is among the worst; it is made only then. Returns whether it was kept."""
        self._offers += 1
        group = self._offers if group is None else ("group", group)
        own = self._kept.get(group)
        if own is not None and own[0] >= badness:
            return False
        if own is None and len(self._kept) >= self._most:
            mildest = min(self._kept, key=lambda key: (self._kept[key][0], -self._kept[key][1]))
            if self._kept[mildest][0] >= badness:
                return False
            del self._kept[mildest]
        self._kept[group] = (badness, self._offers, still())
        return True

    def stills(self) -> list[Still]:
        """What was kept, worst first."""
        worst = heapq.nlargest(self._most, self._kept.values(), key=lambda item: (item[0], -item[1]))
        return [still for _, _, still in worst]


@dataclass(frozen=True)
class LabelledFrame:
    """One frame as it is judged, all of one size [H, W].

    Attributes:
        name: stands in the caption.
        image: uint8 [H, W, 3] RGB.
        score: floating [H, W].
        flagged: bool, what the detector says is anomalous.
        is_anomaly: bool, what really is.
        valid: bool, False where void.
    """

    name: str
    image: np.ndarray
    score: np.ndarray
    flagged: np.ndarray
    is_anomaly: np.ndarray
    valid: np.ndarray

    def __post_init__(self) -> None:
        shapes = {name: getattr(self, name).shape[:2] for name in ("image", "score", "flagged", "is_anomaly", "valid")}
        if len(set(shapes.values())) != 1:
            raise ValueError(f"{self.name}: expected arrays of one size, found {shapes}")


class MistakeReel:
    """Looks at every frame for the largest anomaly that was missed and the largest false flag.

    A connected anomalous region is missed if less than ``min_overlap`` of it is flagged, a flagged one is false if
    none of it is anomalous or void; how bad either is, is its number of pixels. Regions below ``min_px`` do not count.
    """

    def __init__(self, most: int = 6, min_px: int = 20, min_overlap: float = 0.2) -> None:
        self._misses, self._false_flags = FilmRoll(most), FilmRoll(most)
        self._min_px, self._min_overlap = min_px, min_overlap

    def add(self, frame: LabelledFrame, group: Hashable = None) -> None:
        """Consider a frame; of one ``group`` (an object, a stretch of the drive) only the worst stays."""
        miss = self._largest(frame.is_anomaly & frame.valid, frame.flagged, self._min_overlap)
        if miss:
            self._misses.offer(miss, lambda: _still(frame, f"{miss} px missed"), group)
        false = self._largest(frame.flagged & frame.valid, frame.is_anomaly | ~frame.valid, np.finfo(float).tiny)
        if false:
            self._false_flags.offer(false, lambda: _still(frame, f"{false} px flagged, none of it anomalous"), group)

    def misses(self) -> FilmStrip:
        """The largest anomalies that were missed."""
        return FilmStrip(self._misses.stills(), "Worst misses", _LEGEND, "Nothing was missed.")

    def false_flags(self) -> FilmStrip:
        """The largest regions that were flagged without reason."""
        return FilmStrip(self._false_flags.stills(), "Worst false flags", _LEGEND, "Nothing was flagged falsely.")

    def _largest(self, regions: np.ndarray, excuse: np.ndarray, share: float) -> int:
        """Pixels of the largest connected region less than ``share`` of which is excused; 0 if there is none."""
        count, parts, stats, _ = cv2.connectedComponentsWithStats(regions.astype(np.uint8), connectivity=8)
        areas = stats[:, cv2.CC_STAT_AREA]
        excused = np.bincount(parts[regions & excuse], minlength=count)
        wrong = (excused < share * areas) & (areas >= self._min_px)
        wrong[0] = False
        return int(areas[wrong].max()) if wrong.any() else 0


_LEGEND = "Red: flagged. Light blue edge: really anomalous. Lower left: the score map from its lowest to its highest."


def _still(frame: LabelledFrame, what: str) -> Still:
    canvas = pictures.painted(frame.image, frame.flagged)
    pictures.outline_truth(canvas, frame.is_anomaly)
    canvas = pictures.at_most(canvas, _WIDTH_PX)
    height, width = canvas.shape[:2]
    if height >= 2 * pictures.INSET_PX[0] and width >= 2 * pictures.INSET_PX[1]:
        pictures.draw_inset(canvas, frame.score, (float(frame.score.min()), float(frame.score.max())))
    caption = f"{frame.name}: {what}"
    return Still(pictures.jpeg(canvas, alt=caption), caption)
