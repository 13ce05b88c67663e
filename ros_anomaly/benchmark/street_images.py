"""Pictures that look enough like streets to time things on, where there are no frames."""

from __future__ import annotations

import cv2
import numpy as np


def street_like_images(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """uint8 [H, W, 3] RGB pictures of sky, road and lane markings with sensor noise; no two alike."""
    height, width = size
    scene = np.empty((height, width, 3), np.uint8)
    scene[: height // 2] = (140, 170, 210)
    scene[height // 2 :] = (95, 95, 98)
    for foot in (width // 4, 3 * width // 4):
        cv2.line(scene, (width // 2, height // 2), (foot, height - 1), (225, 225, 225), max(height // 90, 1))
    rng = np.random.default_rng(0)
    noise = (rng.normal(0.0, 4.0, (height, width, 3)) for _ in range(count))
    return [np.clip(scene + sample, 0, 255).astype(np.uint8) for sample in noise]
