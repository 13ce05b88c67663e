"""Does a score map look like the scenes that its threshold was calibrated on?

A network that no longer knows what it sees, blinded by noise or shown what is no street, rarely scores above the
threshold: it has few masks, and where no mask holds a pixel nothing speaks for an anomaly either. Silence of that kind
is not a clear road. What gives it away is the ground, which scores next to the lowest wherever it is known. That is so
for every score that asks how sure of the known the network is; one that does not (``objectness``) scores nothing as
low as known ground, and cannot tell.
"""

from __future__ import annotations

import numpy as np

_STRIDE = 2


def usual_score(score: np.ndarray) -> float:
    """Median over the lower half of a floating [h, w] map, every second cell: what the ground mostly scores."""
    return float(np.median(score[score.shape[0] // 2 :: _STRIDE, ::_STRIDE]))


def scene_shift(usual: float, calibrated: float, threshold: float) -> float:
    """How far ``usual`` lies above ``calibrated``, as a share of the way up to ``threshold``; 0 where it does not.

    At 1 most of the ground scores as an anomaly does. Without a unit, so one limit serves scores of any scale.

    Args:
        usual: ``usual_score`` of a frame.
        calibrated: what clear frames hardly ever exceed, below ``threshold``.
    """
    return 0.0 if usual <= calibrated else (usual - calibrated) / (threshold - calibrated)
