"""Which pixels of an instance image belong to which anomaly.

CARLA's instance ids are not actor ids, and its props have stock tags. What is known is where an actor's box appears in
the image: of all ids, an actor's own is the one that lies wholly inside and fills it best. What is behind or in front
of it is larger, or reaches out of it. An id keeps its meaning while its actor lives, so that the evidence of all frames
counts together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from ros_anomaly_sim.bridge.projection import PixelBox

_SMALLEST_BOX_PX = 30
_INSIDE_SHARE = 0.95
_FILLED_SHARE = 0.05
_GROWN_SHARE = 0.05
# Ground, sky and buildings have pieces that may lie wholly inside a box; signs and lights (7, 8), people (12, 13) and
# vehicles (14 to 19) do so far off, while what was spawned is hidden. A prop is none of these.
_NEVER = np.isin(np.arange(256), (1, 2, 3, 4, 7, 8, 9, 10, 11, *range(12, 20), 23, 24, 25, 26, 27))


class AnomalyIds:
    """Finds the instance id of each actor, and remembers."""

    def __init__(self) -> None:
        self._evidence: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    def see(self, tags: np.ndarray, ids: np.ndarray, boxes: Mapping[int, PixelBox]) -> None:
        """Take in one instance image.

        Args:
            tags: uint8 [H, W] semantic tags.
            ids: uint16 [H, W] instance ids.
            boxes: where the box of each actor appears.
        """
        keys = _keys(tags, ids)
        for actor, box in boxes.items():
            if box.area_px < _SMALLEST_BOX_PX:
                continue
            margin = 1 + round(_GROWN_SHARE * max(box.right - box.left, box.bottom - box.top))
            part = box.grown(margin, (ids.shape[0], ids.shape[1]))
            inside = keys[part.top : part.bottom, part.left : part.right]
            for key, count in zip(*(a.tolist() for a in np.unique(inside, return_counts=True)), strict=True):
                if _NEVER[key >> 16] or count < _FILLED_SHARE * box.area_px:
                    continue
                if count >= _INSIDE_SHARE * np.count_nonzero(keys == key):
                    self._evidence[actor][key] += count

    def id_of(self, actor: int) -> int | None:
        """Instance id of an actor as far as is known."""
        key = self._key_of(actor)
        return None if key is None else key & 0xFFFF

    def mask(self, tags: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """bool [H, W]: pixels of all actors whose id is known."""
        known = [key for key in map(self._key_of, self._evidence) if key is not None]
        return np.isin(_keys(tags, ids), known)

    def renumbered(self, tags: np.ndarray, ids: np.ndarray, first: int) -> np.ndarray:
        """uint16 [H, W]: ``ids`` with ``first + actor`` for the pixels of each actor whose id is known.

        Whatever else bears that number gets the actor's own id for it, so that no two things become one.
        """
        keys, numbered = _keys(tags, ids), ids.copy()
        known = {actor: key for actor in self._evidence if (key := self._key_of(actor)) is not None}
        for actor, key in known.items():
            numbered[ids == first + actor] = key & 0xFFFF
        for actor, key in known.items():
            numbered[keys == key] = first + actor
        return numbered

    def _key_of(self, actor: int) -> int | None:
        evidence = self._evidence.get(actor)
        # The larger evidence; of equals the smaller key, whatever order they came in.
        return min(evidence, key=lambda key: (-evidence[key], key)) if evidence else None


def _keys(tags: np.ndarray, ids: np.ndarray) -> np.ndarray:
    # In CARLA an id is unique only together with its tag.
    return (tags.astype(np.int32) << 16) | ids
