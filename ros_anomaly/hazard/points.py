"""Anomalies as points on the ground, for costmaps and planners."""

from __future__ import annotations

import numpy as np

from ros_anomaly.hazard.ground import GroundProjection

MAX_RANGE_M = 100.0
"""Beyond it one row of pixels spans many metres, and a point says nothing of where the thing stands."""


def ground_points(mask: np.ndarray, score: np.ndarray, ground: GroundProjection) -> np.ndarray:
    """Where anomalies meet the ground: the lowest pixel of every unbroken vertical run of each score-map column.

    What stands up covers the ground behind it: its upper pixels, projected, would lie metres behind the thing and
    fill a costmap with a shadow. Runs that end above the horizon, or further away than ``MAX_RANGE_M``, give none.

    Args:
        mask: uint8 [H, W], non-zero where anomalous, of the size that ``ground`` is for.
        score: floating [h, w].

    Returns:
        float32 [n, 4]: x forward, y left, z = 0 in metres of ``base_link``, and the highest score of the run.
    """
    (height, width), (rows, columns) = mask.shape, score.shape
    scale_y, scale_x = height / rows, width / columns
    middle_v = ((np.arange(rows) + 0.5) * scale_y).astype(int)
    middle_u = ((np.arange(columns) + 0.5) * scale_x).astype(int)
    marked = mask[np.ix_(middle_v, middle_u)] > 0
    # One column after the other, a gap below each, so that no run goes on into the next column.
    flat = np.vstack([marked, np.zeros((1, columns), bool)]).T.ravel()
    starts = np.flatnonzero(flat & ~np.roll(flat, 1))
    if not len(starts):
        return np.zeros((0, 4), np.float32)
    ends = np.flatnonzero(flat & ~np.roll(flat, -1))
    scores = np.vstack([np.where(marked, score, -np.inf), np.full((1, columns), -np.inf)]).T.ravel()
    highest = np.maximum.reduceat(scores, starts)
    column, lowest_row = np.divmod(ends, rows + 1)
    # Pixel centres are integers: the lower edge of a cell is half a pixel below its last one.
    u, v = (column + 0.5) * scale_x - 0.5, (lowest_row + 1) * scale_y - 0.5
    x, y = ground.ground_from_pixels(u, v)
    near = np.hypot(x, y) <= MAX_RANGE_M  # False for the NaN of a point above the horizon
    return np.stack([x, y, np.zeros_like(x), highest], axis=1)[near].astype(np.float32)
