"""What is cut from inlier frames: objects that keep their class, and patches that stand in for negatives.

Pasted negatives have seams, another light and another sharpness. Where cars and people are pasted as well and stay what
they are, none of that tells the unknown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.frames import FrameArrays
from ros_anomaly.data.shapes import bounds, random_silhouette

_TRIES = 4
_MIN_PIXELS = 120
_LOOK_STEP = 4


@dataclass(frozen=True)
class Piece:
    """An object of an inlier class as it was seen.

    Attributes:
        cutout: the object. class_id: its class.
        foot: its lowest row, and height_share: its height, both as shares of its frame's height.
    """

    cutout: Cutout
    class_id: int
    foot: float
    height_share: float


class InlierPieces:
    """Draws objects of inlier classes from frames.

    Args:
        frames: at least one.
        things: ids of the classes that have objects.

    Raises:
        ValueError: no frames or no such classes.
    """

    def __init__(self, frames: FrameArrays, things: Collection[int]) -> None:
        if len(frames) == 0 or not things:
            raise ValueError(f"pieces: expected frames and classes of objects, found {len(frames)} and {len(things)}")
        self._frames, self._things = frames, np.array(sorted(things))

    def draw(self, rng: np.random.Generator) -> Piece | None:
        """A whole object (none that the frame's edge cuts off); None where a few frames showed none."""
        for _ in range(_TRIES):
            image, class_ids = self._frames.arrays(int(rng.integers(len(self._frames))))
            seen = np.bincount(class_ids[::_LOOK_STEP, ::_LOOK_STEP].ravel(), minlength=256)[self._things]
            present = self._things[seen * _LOOK_STEP**2 >= _MIN_PIXELS]
            if len(present) and (piece := _object_of(image, class_ids, int(rng.choice(present)), rng)):
                return piece
        return None


class InlierCrops:
    """Negatives for comparison: patches of inlier frames in random shapes, which are no unknown objects at all."""

    def __init__(self, frames: FrameArrays, sides_px: tuple[int, int] = (48, 256)) -> None:
        if len(frames) == 0:
            raise ValueError("inlier crops: expected frames, found none")
        self._frames, self._sides_px = frames, sides_px

    def draw(self, rng: np.random.Generator) -> Cutout:
        """A patch of any place of a frame."""
        image, _ = self._frames.arrays(int(rng.integers(len(self._frames))))
        limit = min(image.shape[:2])
        side = min(limit, int(np.exp(rng.uniform(*np.log(self._sides_px)))))
        mask = random_silhouette(rng, side)
        y, x = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        top, bottom, left, right = bounds(mask)
        patch = np.asarray(image[y + top : y + bottom, x + left : x + right])
        return Cutout("inlier_crop", np.dstack([patch, mask[top:bottom, left:right]]), info={"object": "inlier crop"})


def _object_of(image: np.ndarray, class_ids: np.ndarray, class_id: int, rng: np.random.Generator) -> Piece | None:
    """One connected region of the class, all larger ones alike in chance."""
    mask = (class_ids == class_id).astype(np.uint8)
    _, regions, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    height, width = class_ids.shape
    left, top, wide, high, pixels = boxes.T
    whole = (left > 0) & (top > 0) & (left + wide < width) & (top + high < height) & (pixels >= _MIN_PIXELS)
    whole[0] = False  # the rest of the picture
    if not whole.any():
        return None
    chosen = int(rng.choice(np.flatnonzero(whole)))
    x, y, w, h = (int(value) for value in boxes[chosen, :4])
    alpha = (regions[y : y + h, x : x + w] == chosen).astype(np.uint8) * 255
    rgba = np.dstack([np.asarray(image[y : y + h, x : x + w]), alpha])
    return Piece(Cutout("piece", rgba, info={"class_id": class_id}), class_id, (y + h) / height, h / height)
