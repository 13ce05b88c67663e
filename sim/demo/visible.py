"""Which real anomalies a frame shows, how large, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ros_anomaly.hazard.types import Region
from ros_anomaly_sim.bridge.drive_file import StreetObject
from ros_anomaly_sim.bridge.vehicle_messages import ahead_and_left

MIN_VISIBLE_PX = 20
"""Objects with fewer visible pixels are void: neither asked for nor held against the detector."""


@dataclass(frozen=True)
class VisibleObject:
    """A real anomaly in one frame: visible pixels, bounding box, and where it is from base_link."""

    object: StreetObject
    pixels: int
    box: tuple[int, int, int, int]
    ahead_m: float
    left_m: float

    @property
    def counts(self) -> bool:
        """Whether enough of it is visible to be asked for."""
        return self.pixels >= MIN_VISIBLE_PX


def visible_objects(
    objects: Iterable[StreetObject], instance_ids: np.ndarray, ego: tuple[float, float, float]
) -> list[VisibleObject]:
    """Those of ``objects`` with at least one pixel in ``instance_ids``, integer [H, W], seen from base_link ``ego``."""
    found = []
    for item in objects:
        rows, columns = np.nonzero(instance_ids == item.instance_id)
        if len(rows) == 0:
            continue
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        found.append(VisibleObject(item, len(rows), box, *ahead_and_left(ego, item.position)))
    return found


def objects_in_the_way(
    visible: Iterable[VisibleObject], regions: Sequence[Region], mask: np.ndarray, instance_ids: np.ndarray
) -> frozenset[int]:
    """Instance ids of the objects that a region in the corridor lies on: some masked pixel of theirs is in its box.

    Args:
        regions: the detector's, of this frame.
        mask: the detector's, [H, W], non-zero where anomalous.
        instance_ids: integer [H, W], ground truth of the same image.
    """
    reached: set[int] = set()
    for left, top, right, bottom in (region.box for region in regions if region.in_corridor):
        window = np.s_[top:bottom, left:right]
        reached.update(np.unique(instance_ids[window][mask[window] > 0]).tolist())
    return frozenset(item.object.instance_id for item in visible if item.object.instance_id in reached)
