"""Where an actor's box appears in the image of a CARLA camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_NEAR_M = 0.1


@dataclass(frozen=True)
class PixelBox:
    """Box in pixels, right and bottom exclusive; cut off at the image's edges."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area_px(self) -> int:
        """0 if it is empty."""
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def grown(self, by_px: int, size: tuple[int, int]) -> PixelBox:
        """Larger by so much on every side, inside an image of ``size`` (height, width)."""
        return PixelBox(
            max(0, self.left - by_px),
            max(0, self.top - by_px),
            min(size[1], self.right + by_px),
            min(size[0], self.bottom + by_px),
        )

    def overlap_px(self, other: PixelBox) -> int:
        """Pixels that both have."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)


def box_in_image(
    corners: np.ndarray, camera_from_world: np.ndarray, size: tuple[int, int], fov_rad: float
) -> PixelBox | None:
    """The smallest box around projected points; None if it is outside the image, or any point is behind the camera.

    Args:
        corners: float64 [N, 3] in CARLA's world frame.
        camera_from_world: float64 [4, 4], the inverse of the camera's transform (x forward, y right, z up).
        size: (height, width).
        fov_rad: horizontal field of view.
    """
    points = corners @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    if points[:, 0].min() < _NEAR_M:
        return None
    height, width = size
    focal = width / (2 * math.tan(fov_rad / 2))
    # Edges of pixels here, not their centres: half the width is the middle.
    u = width / 2 + focal * points[:, 1] / points[:, 0]
    v = height / 2 - focal * points[:, 2] / points[:, 0]
    box = PixelBox(
        max(0, math.floor(u.min())),
        max(0, math.floor(v.min())),
        min(width, math.ceil(u.max())),
        min(height, math.ceil(v.max())),
    )
    return box if box.area_px else None
