"""Which pixels count for what: anomalous or not, on the road region or off it, near or far, of small things or big."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, VOID_ID, StreetClass

ROAD_REGION: tuple[int, ...] = (int(StreetClass.ROAD), int(StreetClass.ROAD_LINE), int(StreetClass.SIDEWALK))

_DISTANCE_EDGES_M = (0.0, 10.0, 20.0, 40.0)
UNKNOWN_DISTANCE = "unknown"
DISTANCE_NAMES: tuple[str, ...] = ("0-10 m", "10-20 m", "20-40 m", "over 40 m", UNKNOWN_DISTANCE)

_SIZE_EDGES_PX = (0, 100, 400, 1600, 6400)
SIZE_NAMES: tuple[str, ...] = ("under 100 px", "100-399 px", "400-1599 px", "1600-6399 px", "6400 px and more")
"""Visible pixels of an object in its frame, at the size of the labels."""

VOID = 0
NORMAL_OFF_ROAD = 1
NORMAL_ON_ROAD = 2
FIRST_PART = 3


@dataclass(frozen=True)
class AnomalousPart:
    """What is known of anomalous objects in their frame; those of which the same is known are counted as one.

    Attributes:
        distance, size: of ``DISTANCE_NAMES`` and ``SIZE_NAMES``.
        kinds: what they are, as far as the frame says so; they count for each of them.
        on_road: whether they stand on the road region.
    """

    distance: str
    size: str
    kinds: tuple[str, ...]
    on_road: bool


@dataclass(frozen=True)
class Strata:
    """Which pixels belong together.

    Attributes:
        codes: int32 [H, W], ``VOID``, ``NORMAL_OFF_ROAD``, ``NORMAL_ON_ROAD``, or ``FIRST_PART`` + i for ``parts[i]``.
        parts: of the anomalous objects in view, all different.
    """

    codes: np.ndarray
    parts: tuple[AnomalousPart, ...]


def stratify(frame: Frame) -> Strata:
    """Every pixel by what its figures count for.

    The road region is road, road lines, sidewalk, and the instances that stand on them (``standing_on``): anomalies
    and what belongs there (cars, people, lamps) alike. What has no instance id is never part of it; frames without
    instance ids have only their anomalies, each connected piece taken for one. Distances and kinds come from
    ``frame.info["anomalies"]`` (``instance_id``, ``distance_m``, ``kinds``).
    """
    labels = frame.class_ids
    ground = np.isin(labels, ROAD_REGION)
    anomalous = labels == ANOMALY_ID
    numbers = _part_numbers(frame, anomalous)
    standing = standing_on(numbers, ground)
    region = ground | np.isin(numbers, standing)
    codes = np.where(labels == VOID_ID, VOID, NORMAL_OFF_ROAD + region).astype(np.int32)
    known = {} if frame.instance_ids is None else {int(a["instance_id"]): a for a in frame.info.get("anomalies", ())}
    parts: dict[AnomalousPart, int] = {}
    own = numbers[anomalous]
    objects, inverse, visible_px = np.unique(own, return_inverse=True, return_counts=True)
    code_of = np.zeros(len(objects), np.int32)
    for i, (number, pixels) in enumerate(zip(objects, visible_px, strict=True)):
        facts = known.get(int(number), {})
        distance_m = facts.get("distance_m")
        part = AnomalousPart(
            distance=distance_band(None if distance_m is None else float(distance_m)),
            size=size_band(int(pixels)),
            kinds=tuple(str(kind) for kind in facts.get("kinds", ())),
            on_road=bool(number in standing),
        )
        code_of[i] = FIRST_PART + parts.setdefault(part, len(parts))
    codes[anomalous] = code_of[inverse.reshape(-1)]
    return Strata(codes, tuple(parts))


def standing_on(parts: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Numbers of those ``parts`` (integer [H, W], 0 belongs to none) that stand on ``ground`` (bool [H, W]).

    A part does if at least half of its columns end on ground: the pixel below the lowest one is ground, or lies
    below the image. So one whose foot is hidden does not.
    """
    height, width = parts.shape
    rows, columns = np.nonzero(parts)
    numbers, part = np.unique(parts[rows, columns], return_inverse=True)
    lowest = np.full((len(numbers), width), -1)
    lowest[part, columns] = rows  # rows ascend, so the last and lowest stays
    index, column = np.nonzero(lowest >= 0)
    below = lowest[index, column] + 1
    foot = np.where(below < height, ground[np.minimum(below, height - 1), column], True)
    shares = np.bincount(index, weights=foot, minlength=len(numbers)) / np.bincount(index, minlength=len(numbers))
    return numbers[shares >= 0.5]


def _part_numbers(frame: Frame, anomalous: np.ndarray) -> np.ndarray:
    if frame.instance_ids is not None:
        return frame.instance_ids
    return cv2.connectedComponents(anomalous.astype(np.uint8), connectivity=8)[1]


def distance_band(distance_m: float | None) -> str:
    """The member of ``DISTANCE_NAMES`` that a distance falls into; None is unknown."""
    if distance_m is None:
        return UNKNOWN_DISTANCE
    return DISTANCE_NAMES[max(0, bisect.bisect_right(_DISTANCE_EDGES_M, distance_m) - 1)]


def size_band(visible_px: int) -> str:
    """The member of ``SIZE_NAMES`` that a number of visible pixels falls into."""
    return SIZE_NAMES[max(0, bisect.bisect_right(_SIZE_EDGES_PX, visible_px) - 1)]
