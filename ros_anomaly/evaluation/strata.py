"""Which pixels count for what: anomalous or not, on the road region or off it, near or far, of small things or big."""

from __future__ import annotations

import bisect

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
_NORMAL = 1
_ANOMALOUS = 3
_SIZES = len(SIZE_NAMES)
NUM_STRATA = _ANOMALOUS + 2 * len(DISTANCE_NAMES) * _SIZES


def normal_strata(road_only: bool) -> tuple[int, ...]:
    """Strata of pixels that are not anomalous."""
    return (_NORMAL + 1,) if road_only else (_NORMAL, _NORMAL + 1)


def anomalous_strata(road_only: bool, distance: int | None = None, size: int | None = None) -> tuple[int, ...]:
    """Strata of anomalous pixels, of one distance or size (index into ``DISTANCE_NAMES``, ``SIZE_NAMES``) or of all."""
    distances = range(len(DISTANCE_NAMES)) if distance is None else (distance,)
    sizes = range(_SIZES) if size is None else (size,)
    regions = (1,) if road_only else (0, 1)
    return tuple(_anomalous_stratum(d, s, on_road) for d in distances for s in sizes for on_road in regions)


def _anomalous_stratum(distance: int, size: int, on_road: int) -> int:
    return _ANOMALOUS + 2 * (distance * _SIZES + size) + on_road


def stratify(frame: Frame) -> np.ndarray:
    """Stratum of every pixel, uint8 [H, W] below ``NUM_STRATA``; 0 is void.

    The road region is road, road lines, sidewalk, and the instances that stand on them (``standing_on``): anomalies
    and what belongs there (cars, people, lamps) alike. What has no instance id is never part of it; frames without
    instance ids have only their anomalies, each connected piece taken for one. Distances come from
    ``frame.info["anomalies"]`` (``instance_id``, ``distance_m``).
    """
    labels = frame.class_ids
    ground = np.isin(labels, ROAD_REGION)
    anomalous = labels == ANOMALY_ID
    parts = _parts(frame, anomalous)
    region = ground | np.isin(parts, standing_on(parts, ground))
    strata = np.where(labels == VOID_ID, VOID, _NORMAL + region).astype(np.uint8)
    distances = {int(a["instance_id"]): float(a["distance_m"]) for a in frame.info.get("anomalies", ())}
    for part, visible_px in zip(*np.unique(parts[anomalous], return_counts=True), strict=True):
        pixels = anomalous & (parts == part)
        distance_m = distances.get(int(part)) if frame.instance_ids is not None else None
        band = DISTANCE_NAMES.index(distance_band(distance_m))
        size = SIZE_NAMES.index(size_band(int(visible_px)))
        strata[pixels] = _anomalous_stratum(band, size, 0) + region[pixels]
    return strata


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


def _parts(frame: Frame, anomalous: np.ndarray) -> np.ndarray:
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
