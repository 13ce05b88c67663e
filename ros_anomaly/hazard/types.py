"""What the detector says of one frame, and what the monitor says of the road."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class HazardLevel(Enum):
    """State of the road ahead. ``flag`` is what ``~/hazard`` carries."""

    CLEAR = "clear"
    CAUTION = "caution"
    HAZARD = "hazard"
    UNKNOWN = "unknown"

    @property
    def flag(self) -> bool:
        """True where a vehicle must act: a confirmed hazard, or not knowing."""
        return self in (HazardLevel.HAZARD, HazardLevel.UNKNOWN)


@dataclass(frozen=True)
class Region:
    """A connected anomalous region of one frame.

    Attributes:
        box: (left, top, right, bottom) in pixels of the input image, right and bottom exclusive.
        area_px: pixels of the input image.
        max_score, mean_score: anomaly score over the region.
        distance_m: forward distance of its nearest ground contact from ``base_link``; None if it cannot be projected.
        lateral_m: left-positive offset of that point; None likewise.
        in_corridor: whether any of its ground contact lies in the driving corridor. Where it cannot be
            projected, not knowing is not safe: above the horizon it counts if its bearing meets the corridor
            near by, and without camera geometry always.
    """

    box: tuple[int, int, int, int]
    area_px: int
    max_score: float
    mean_score: float
    distance_m: float | None
    lateral_m: float | None
    in_corridor: bool


@dataclass(frozen=True)
class Assessment:
    """Stateless result for one frame.

    Attributes:
        mask: uint8 [H, W], 255 where anomalous, size of the input image.
        score: float32 [h, w] at network size.
        class_ids: uint8 [h, w] at network size.
        regions: nearest first.
        max_score: over the frame.
        latency_ms: image in to assessment out, measured on a steady clock.
        engine_ms, resize_ms: the part of it of the engine, and of bringing the image to the engine's size; None where
            they were not measured.
        scene_shift: how unlike those of calibration the scores of the ground are (``scene.scene_shift``); None where
            the engine's manifest says nothing of them.
    """

    mask: np.ndarray
    score: np.ndarray
    class_ids: np.ndarray
    regions: tuple[Region, ...]
    max_score: float
    latency_ms: float
    engine_ms: float | None = None
    resize_ms: float | None = None
    scene_shift: float | None = None


@dataclass(frozen=True)
class HazardState:
    """What the monitor publishes: ``level``, why (``reason``), and the frame it rests on.

    ``image_stamp_ns`` is None when the state rests on no frame (heartbeat before the first frame, or while
    UNKNOWN); the state returned for a frame carries that frame's stamp, also when the frame cannot be trusted.
    ``nearest_m`` is the distance of the nearest region in the corridor, else of the nearest at all. ``scene_shift`` is
    the assessment's.
    """

    level: HazardLevel
    reason: str
    image_stamp_ns: int | None
    regions: tuple[Region, ...] = ()
    nearest_m: float | None = None
    max_score: float | None = None
    latency_ms: float | None = None
    frame_age_ms: float | None = None
    scene_shift: float | None = None
