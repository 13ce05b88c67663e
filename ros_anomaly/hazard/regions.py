"""Score map to mask and regions: stateless, and bounded in time and number whatever the map looks like."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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
    """Regions of ``score > threshold``: 8-connected components at score-map size, at least ``min_area_px`` large.

    Where a region meets the ground is the lower edge of its lowest pixel in each column, projected; a region
    is in the corridor if one of these points is. A point above the horizon has no distance: it counts if its
    bearing meets the corridor at ``blind_range_m`` (the upper half of something near, found alone, is such a
    region). Without ``ground`` every region counts as in the corridor.

    A map that falls into more than ``max_components`` pieces is noise, not a view of objects: it gives one region
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
    above: np.ndarray = (score > threshold).astype(np.uint8)
    if config.opening_cells:
        size = 2 * config.opening_cells + 1
        above = cv2.morphologyEx(above, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    if not above.any():
        return np.zeros(image_size, np.uint8), ()

    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8, ltype=cv2.CV_32S)
    scale_y, scale_x = image_size[0] / score.shape[0], image_size[1] / score.shape[1]
    noise = count - 1 > config.max_components
    if noise:
        labels, stats = above.astype(np.int32), _single_component(above)
    keep: np.ndarray = stats[:, cv2.CC_STAT_AREA] * (scale_y * scale_x) >= config.min_area_px
    keep[0] = False
    if not keep.any():
        return np.zeros(image_size, np.uint8), ()

    new_label = np.zeros(len(stats), np.int32)
    new_label[keep] = np.arange(1, keep.sum() + 1)
    labels, stats = new_label[labels], stats[keep]
    found = _Components(labels, stats, score, (scale_y, scale_x))
    mask = cv2.resize((labels > 0).astype(np.uint8) * np.uint8(255), image_size[::-1], interpolation=cv2.INTER_NEAREST)
    return mask, found.regions(None if noise else ground, corridor, config.max_regions)


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


@dataclass(frozen=True)
class _Components:
    """Labels int32 [h, w] (0 background, 1..n), their OpenCV statistics [n, 5], the scores, and pixels per cell."""

    labels: np.ndarray
    stats: np.ndarray
    score: np.ndarray
    scale: tuple[float, float]

    def regions(self, ground: GroundProjection | None, corridor: Corridor, limit: int) -> tuple[Region, ...]:
        n = len(self.stats)
        max_score, mean_score = self._scores()
        if ground is None:
            distance, lateral, in_corridor = np.full(n, np.nan), np.full(n, np.nan), np.ones(n, bool)
        else:
            distance, lateral, in_corridor = self._place(ground, corridor)
        scale_y, scale_x = self.scale
        left, top = self.stats[:, cv2.CC_STAT_LEFT], self.stats[:, cv2.CC_STAT_TOP]
        right, bottom = left + self.stats[:, cv2.CC_STAT_WIDTH], top + self.stats[:, cv2.CC_STAT_HEIGHT]
        boxes = np.rint(np.stack([left * scale_x, top * scale_y, right * scale_x, bottom * scale_y], 1)).astype(int)
        areas = np.rint(self.stats[:, cv2.CC_STAT_AREA] * scale_x * scale_y).astype(int)

        far = np.nan_to_num(distance, nan=np.inf)
        kept = np.lexsort((-areas, far, ~in_corridor))[:limit]  # what is in the way is never the one left out
        kept = kept[np.lexsort((-areas[kept], far[kept]))]
        return tuple(
            Region(
                box=(int(boxes[i, 0]), int(boxes[i, 1]), int(boxes[i, 2]), int(boxes[i, 3])),
                area_px=int(areas[i]),
                max_score=float(max_score[i]),
                mean_score=float(mean_score[i]),
                distance_m=None if np.isnan(distance[i]) else float(distance[i]),
                lateral_m=None if np.isnan(lateral[i]) else float(lateral[i]),
                in_corridor=bool(in_corridor[i]),
            )
            for i in kept
        )

    def _scores(self) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.stats)
        inside = self.labels > 0
        label, score = self.labels[inside] - 1, self.score[inside].astype(np.float64)
        highest = np.full(n, -np.inf)
        np.maximum.at(highest, label, score)
        return highest, np.bincount(label, weights=score, minlength=n) / np.bincount(label, minlength=n)

    def _place(self, ground: GroundProjection, corridor: Corridor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(distance, lateral, in corridor) of every component, [n] each; NaN where no contact has a distance."""
        label, u, v = self._contacts()
        rays = ground.rays(u, v)
        x, y = ground.ground_from_rays(rays)
        blind = np.isnan(x)
        reach = corridor.config.blind_range_m / np.maximum(np.hypot(rays[:, 0], rays[:, 1]), 1e-9)
        test_x = np.where(blind, ground.mount.x_m + reach * rays[:, 0], x)
        test_y = np.where(blind, ground.mount.y_m + reach * rays[:, 1], y)

        n = len(self.stats)
        in_corridor = np.zeros(n, bool)
        in_corridor[label[corridor.contains(test_x, test_y)]] = True
        distance, lateral = np.full(n, np.nan), np.full(n, np.nan)
        farthest_first = np.argsort(-x[~blind], kind="stable")  # the last assignment to an index stays: the nearest
        seen = label[~blind][farthest_first]
        distance[seen], lateral[seen] = x[~blind][farthest_first], y[~blind][farthest_first]
        return distance, lateral, in_corridor

    def _contacts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(component index, u, v) of the lower edge of each component's lowest cell in each column."""
        rows, columns = np.nonzero(self.labels)
        lowest = np.full((len(self.stats), self.labels.shape[1]), -1)
        lowest[self.labels[rows, columns] - 1, columns] = rows  # rows ascend, so the last and lowest stays
        label, column = np.nonzero(lowest >= 0)
        scale_y, scale_x = self.scale
        # Cell c covers pixels c * scale … (c + 1) * scale - 1, and integers are pixel centres: hence the half pixel.
        return label, (column + 0.5) * scale_x - 0.5, (lowest[label, column] + 1) * scale_y - 0.5
