"""The picture for people: what is anomalous is tinted, regions are framed, the state stands above."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState

_TINT = np.array([255, 0, 60], np.float32)
_OPACITY = 0.45
_COLOURS = {
    HazardLevel.CLEAR: (60, 200, 90),
    HazardLevel.CAUTION: (255, 190, 0),
    HazardLevel.HAZARD: (255, 40, 40),
    HazardLevel.UNKNOWN: (170, 170, 170),
}


def draw_overlay(image: np.ndarray, assessment: Assessment, state: HazardState) -> np.ndarray:
    """New uint8 [H, W, 3] RGB picture of ``image`` (same size) with mask, regions and state drawn into it."""
    picture = image.copy()
    inside = assessment.mask > 0
    picture[inside] = (picture[inside] * (1 - _OPACITY) + _TINT * _OPACITY).astype(np.uint8)
    scale = max(image.shape[0] / 360, 0.3)
    thickness = max(round(scale), 1)
    for region in assessment.regions:
        colour = _COLOURS[HazardLevel.HAZARD if region.in_corridor else HazardLevel.CAUTION]
        left, top, right, bottom = region.box
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thickness)
        if region.distance_m is not None:
            _write(picture, f"{region.distance_m:.0f} m", (left, max(top - 3, 10)), 0.4 * scale, colour)
    band = round(22 * scale)
    picture[:band] = (picture[:band] * 0.35).astype(np.uint8)
    text = f"{state.level.name}  {state.reason}"
    _write(picture, text, (round(6 * scale), round(15 * scale)), 0.45 * scale, _COLOURS[state.level])
    return picture


def _write(picture: np.ndarray, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    # OpenCV's fonts know ASCII alone.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(picture, plain, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
