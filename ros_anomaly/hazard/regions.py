"""Score map to mask and regions: stateless, and bounded in time and number whatever the map looks like."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.hazard.components import Components, Places
from ros_anomaly.hazard.config import RegionConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.types import Region

_STRAIGHT = Corridor()


def find_regions(
    score: np.ndarray,
    threshold: float,
    image_size: tuple[int, int],
    config: RegionConfig,
    ground: GroundProjection | None = None,
    corridor: Corridor = _STRAIGHT,
) -> tuple[np.ndarray, tuple[Region, ...]]:
    """Regions: cores of ``score > threshold``, each grown to what is connected to it at a lower level.

    That level lies ``grow_share`` of the way from the threshold down to the map's median, which is what most of a
    street scores: it needs no knowledge of the score's scale. Components are 8-connected, at score-map size. A core has
    at least ``min_area_px`` pixels above the threshold. What is grown belongs to the region in every way: mask, box,
    mean score, and where it meets the ground.

    Where a region meets the ground is the lower edge of its lowest pixel in each column, projected; a region
    is in the corridor if one of these points is, or if one of its cores by itself would be: growing may add to what
    is in the way, never take from it. A point above the horizon has no distance: it counts if its
    bearing meets the corridor at ``blind_range_m`` (the upper half of something near, found alone, is such a
    region). Without ``ground`` every region counts as in the corridor.

    A map whose cores fall into more than ``max_components`` pieces is noise, not a view of objects: it gives one region
    that holds all of them and counts as in the corridor, so that it can never pass as clear.

    Args:
        score: floating [h, w], finite, higher is more anomalous.
        threshold: finite; strictly greater is anomalous.
        image_size: (H, W) of the input image, to whose pixels boxes, areas, mask and ``ground`` refer.

    Returns:
        mask uint8 [H, W], 255 on the pixels of all regions; the regions, nearest first, those without distance last.

    Raises:
        ValueError: shape, threshold or values of the score map are not as above.
    """
    _check(score, threshold, image_size)
    nothing: tuple[np.ndarray, tuple[Region, ...]] = (np.zeros(image_size, np.uint8), ())
    above: np.ndarray = (score > threshold).astype(np.uint8)
    if config.opening_cells:
        size = 2 * config.opening_cells + 1
        above = cv2.morphologyEx(above, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    if not above.any():
        return nothing

    scale = (image_size[0] / score.shape[0], image_size[1] / score.shape[1])
    cores = _components(above, score, scale)
    if len(cores.stats) > config.max_components:
        everything = Components(above.astype(np.int32), _single_component(above)[1:], score, scale)
        return everything.mask(image_size), everything.regions(Places.unknown(1), config.max_regions)
    cores = cores.only(_areas_px(cores) >= config.min_area_px)
    if not len(cores.stats):
        return nothing

    found, places = cores, _places(cores, ground, corridor)
    if config.grow_share:
        found, home = _grown(cores, _growth_level(score, threshold, config.grow_share))
        places = _places(found, ground, corridor).with_in_corridor(home[places.in_corridor])
    return found.mask(image_size), found.regions(places, config.max_regions)


def _places(components: Components, ground: GroundProjection | None, corridor: Corridor) -> Places:
    return Places.unknown(len(components.stats)) if ground is None else components.place(ground, corridor)


def _components(marked: np.ndarray, score: np.ndarray, scale: tuple[float, float]) -> Components:
    """Of a uint8 [h, w] map that is non-zero where marked."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8, ltype=cv2.CV_32S)
    return Components(labels, stats[1:], score, scale)


def _areas_px(components: Components) -> np.ndarray:
    return components.stats[:, cv2.CC_STAT_AREA] * (components.scale[0] * components.scale[1])


def _growth_level(score: np.ndarray, threshold: float, share: float) -> float:
    usual = float(np.median(score[::2, ::2]))  # of a quarter of the cells: as good, and in time on any map
    return threshold - share * max(0.0, threshold - usual)


def _grown(cores: Components, level: float) -> tuple[Components, np.ndarray]:
    """What scores higher than ``level`` and holds a core; and for each core the index int64 of what holds it."""
    wide = _components(((cores.score > level) | (cores.labels > 0)).astype(np.uint8), cores.score, cores.scale)
    inside = cores.labels > 0
    home = np.zeros(len(cores.stats), np.int64)
    home[cores.labels[inside] - 1] = wide.labels[inside] - 1  # a core lies in one component: whichever cell is written
    held, index = np.unique(home, return_inverse=True)
    return wide.only(np.isin(np.arange(len(wide.stats)), held)), index


def _check(score: np.ndarray, threshold: float, image_size: tuple[int, int]) -> None:
    if score.ndim != 2 or score.size == 0 or not np.issubdtype(score.dtype, np.floating):
        raise ValueError(f"score map: expected a non-empty floating [h, w] array, found {score.dtype} {score.shape}")
    if image_size[0] < score.shape[0] or image_size[1] < score.shape[1]:
        raise ValueError(f"image_size: expected at least the score map's {score.shape}, found {image_size}")
    if not np.isfinite(threshold):
        raise ValueError(f"threshold: expected a finite number, found {threshold}")
    if not np.isfinite(score).all():
        raise ValueError(f"score map: expected finite values, found {int((~np.isfinite(score)).sum())} that are not")


def _single_component(above: np.ndarray) -> np.ndarray:
    """Statistics as OpenCV's, int32 [2, 5]: background, and everything else taken together."""
    left, top, width, height = cv2.boundingRect(above)
    return np.array([[0, 0, 0, 0, 0], [left, top, width, height, cv2.countNonZero(above)]], np.int32)
