"""A scored frame as a picture for people."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.evaluation.report import pictures

_PANE_WIDTH_PX = 480


def frame_picture(image: np.ndarray, is_anomaly: np.ndarray, score: np.ndarray) -> bytes:
    """JPEG of two panes: the image, and the score from dark (lowest in this frame) to bright (highest).

    Args:
        image: uint8 [h, w, 3] RGB.
        is_anomaly: bool [H, W]; its edges are drawn into both panes.
        score: float32 [H, W].
    """
    height, width = score.shape
    size = (max(1, round(height * _PANE_WIDTH_PX / width)), _PANE_WIDTH_PX)
    truth = _resized(is_anomaly.astype(np.float32), size) > 0  # whatever small thing is anomalous stays visible
    panes = [_resized(image, size), _heat(_resized(score, size))]
    for pane in panes:
        pictures.outline_truth(pane, truth)
    return pictures.jpeg(np.hstack(panes)).data


def _resized(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA))


def _heat(score: np.ndarray) -> np.ndarray:
    low, high = float(score.min()), float(score.max())
    levels = (score - low) * (255.0 / (high - low)) if high > low else np.zeros_like(score)
    return cv2.cvtColor(cv2.applyColorMap(levels.astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
