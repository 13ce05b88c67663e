"""Connected components of a score map: how large they are, how they score, where they meet the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.types import Region


@dataclass(frozen=True)
class Places:
    """Where components are, [n] each: metres ahead and left (NaN where no contact has a distance), in corridor."""

    distance_m: np.ndarray
    lateral_m: np.ndarray
    in_corridor: np.ndarray

    @classmethod
    def unknown(cls, count: int) -> Places:
        """Without camera geometry all count as in the corridor."""
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.ones(count, bool))

    def with_in_corridor(self, indices: np.ndarray) -> Places:
        """The same with those of ``indices`` in the corridor too."""
        in_corridor = self.in_corridor.copy()
        in_corridor[indices] = True
        return Places(self.distance_m, self.lateral_m, in_corridor)


@dataclass(frozen=True)
class Components:
    """Labels int32 [h, w] (0 background, 1..n), their OpenCV statistics [n, 5], the scores, and pixels per cell."""

    labels: np.ndarray
    stats: np.ndarray
    score: np.ndarray
    scale: tuple[float, float]

    def only(self, keep: np.ndarray) -> Components:
        """Those of which ``keep`` (bool [n]) says so, numbered anew in the same order."""
        if keep.all():
            return self
        new_label = np.zeros(len(keep) + 1, np.int32)
        new_label[1:][keep] = np.arange(1, keep.sum() + 1)
        return Components(new_label[self.labels], self.stats[keep], self.score, self.scale)

    def mask(self, image_size: tuple[int, int]) -> np.ndarray:
        """uint8 [H, W], 255 on all components."""
        return cv2.resize(
            (self.labels > 0).astype(np.uint8) * np.uint8(255), image_size[::-1], interpolation=cv2.INTER_NEAREST
        )

    def place(self, ground: GroundProjection, corridor: Corridor) -> Places:
        """By the lower edges of their lowest cells, projected to the ground."""
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
        return Places(distance, lateral, in_corridor)

    def regions(self, places: Places, limit: int) -> tuple[Region, ...]:
        """At most ``limit`` of them, nearest first, those without distance last."""
        max_score, mean_score = self._scores()
        scale_y, scale_x = self.scale
        left, top = self.stats[:, cv2.CC_STAT_LEFT], self.stats[:, cv2.CC_STAT_TOP]
        right, bottom = left + self.stats[:, cv2.CC_STAT_WIDTH], top + self.stats[:, cv2.CC_STAT_HEIGHT]
        boxes = np.rint(np.stack([left * scale_x, top * scale_y, right * scale_x, bottom * scale_y], 1)).astype(int)
        areas = np.rint(self.stats[:, cv2.CC_STAT_AREA] * scale_x * scale_y).astype(int)
        distance, lateral, in_corridor = places.distance_m, places.lateral_m, places.in_corridor

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

    def _contacts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(component index, u, v) of the lower edge of each component's lowest cell in each column."""
        rows, columns = np.nonzero(self.labels)
        lowest = np.full((len(self.stats), self.labels.shape[1]), -1)
        lowest[self.labels[rows, columns] - 1, columns] = rows  # rows ascend, so the last and lowest stays
        label, column = np.nonzero(lowest >= 0)
        scale_y, scale_x = self.scale
        # Cell c covers pixels c * scale … (c + 1) * scale - 1, and integers are pixel centres: hence the half pixel.
        return label, (column + 0.5) * scale_x - 0.5, (lowest[label, column] + 1) * scale_y - 0.5
