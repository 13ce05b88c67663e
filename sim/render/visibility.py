"""What of a scene is drawn, and how finely."""

from __future__ import annotations

import numpy as np

MIN_DIAMETER_PX = 1.0
_TRIANGLES_PER_PX2 = 0.3


def levels_of_detail(diameters_px: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Level 0..2 (near, middle, far), int [n], for projected diameters [n] and triangle counts [n, 3].

    The finest level whose triangles are not smaller than the pixels warrant. Simple models so keep their full
    shape, thin parts included, at any distance.
    """
    budget = _TRIANGLES_PER_PX2 * diameters_px**2
    level = np.full(len(diameters_px), 2)
    level[triangles[:, 1] <= budget] = 1
    level[triangles[:, 0] <= budget] = 0
    return level
