"""A picture without labels as the engine sees it: for looking at, as nothing can be measured."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.evaluation.report import pictures
from ros_anomaly.hazard.types import Assessment

_PANE_WIDTH_PX = 480


@dataclass(frozen=True)
class PhotoFigures:
    """What came of a photo.

    Attributes:
        flagged: share of its pixels in the mask.
        regions: how many regions the mask has.
        max_score: highest score.
        scene_shift: see ``Assessment``.
        classes: share of its pixels by class name, largest first.
    """

    flagged: float
    regions: int
    max_score: float
    scene_shift: float | None
    classes: dict[str, float]


def photo_figures(assessment: Assessment, class_names: tuple[str, ...]) -> PhotoFigures:
    """Figures of one assessed photo; ``class_names`` by class id."""
    counts = np.bincount(assessment.class_ids.ravel(), minlength=len(class_names))
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    return PhotoFigures(
        flagged=float((assessment.mask > 0).mean()),
        regions=len(assessment.regions),
        max_score=assessment.max_score,
        scene_shift=assessment.scene_shift,
        classes={class_names[i]: float(counts[i] / counts.sum()) for i in order},
    )


def photo_sheet(image: np.ndarray, assessment: Assessment, palette: np.ndarray, threshold: float) -> np.ndarray:
    """Three panes: the photo with the mask in red, the score from -1 (dark) to 1 (bright), the classes.

    Args:
        image: uint8 [H, W, 3] RGB.
        palette: uint8 [256, 3], colours by class id.
        threshold: written above the score.

    Returns:
        uint8 [h, 3 w, 3].
    """
    height, width = image.shape[:2]
    size = (_PANE_WIDTH_PX, max(1, round(height * _PANE_WIDTH_PX / width)))  # OpenCV's order
    painted = cv2.resize(pictures.painted(image, assessment.mask), size, interpolation=cv2.INTER_AREA)
    # One scale for all photos and engines, so that they can be compared: UNO's score is about within -1 to 1.
    levels = np.clip((assessment.score + 1.0) * 127.5, 0, 255).astype(np.uint8)
    heat = cv2.applyColorMap(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR), cv2.COLORMAP_INFERNO)
    classes = cv2.resize(palette[assessment.class_ids], size, interpolation=cv2.INTER_NEAREST)
    panes = [np.ascontiguousarray(pane) for pane in (painted, cv2.cvtColor(heat, cv2.COLOR_BGR2RGB), classes)]
    title = f"score, highest {assessment.max_score:.2f}, threshold {threshold:.2f}"
    pictures.draw_text(panes[1], title, (6, 14), 0.4, (255, 255, 255))
    return np.hstack(panes)


def cropped(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The largest part around the middle of a picture [H, W, 3] that has the proportions of ``shape`` (h, w)."""
    height, width = image.shape[:2]
    scale = min(height / shape[0], width / shape[1])
    own_h, own_w = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    top, left = (height - own_h) // 2, (width - own_w) // 2
    return np.ascontiguousarray(image[top : top + own_h, left : left + own_w])
