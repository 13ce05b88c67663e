"""Pictures for people: the image with what was flagged and what is really there drawn in, and JPEG around it."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.evaluation.report.blocks import Picture

FLAGGED_COLOUR = (255, 40, 90)
TRUTH_COLOUR = (80, 220, 255)
INSET_PX = (72, 128)  # height, width
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def jpeg(picture: np.ndarray, quality: int = 85, alt: str = "") -> Picture:
    """uint8 [H, W, 3] RGB as JPEG; ValueError for a picture that OpenCV cannot encode."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"JPEG: expected uint8 [H, W, 3], found {picture.dtype} {list(picture.shape)}")
    done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"JPEG: OpenCV cannot encode a picture of shape {list(picture.shape)}")
    return Picture(data.tobytes(), alt)


def painted(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """A copy of the image uint8 [H, W, 3] with the mask [H, W] (non-zero: flagged) in red; None paints nothing."""
    canvas = image.copy()
    if mask is not None:
        hit = mask > 0
        canvas[hit] = (0.45 * canvas[hit] + 0.55 * np.array(FLAGGED_COLOUR)).astype(np.uint8)
        _contour(canvas, hit, (255, 255, 255))
    return canvas


def outline_truth(canvas: np.ndarray, is_anomaly: np.ndarray) -> None:
    """Draw the edge of what is really anomalous, bool [H, W], in light blue into the canvas."""
    _contour(canvas, is_anomaly, TRUTH_COLOUR)


def _contour(canvas: np.ndarray, region: np.ndarray, colour: tuple[int, int, int]) -> None:
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas, contours, -1, colour, 1, cv2.LINE_AA)


def draw_inset(canvas: np.ndarray, score: np.ndarray, score_range: tuple[float, float]) -> None:
    """Draw the score map [h, w] as a small heat map, between the two scores, into the canvas' lower left."""
    low, high = score_range
    height, width = INSET_PX
    scaled = np.clip((score - low) / max(high - low, 1e-9), 0, 1)
    small = cv2.resize((scaled * 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)
    heat = cv2.cvtColor(cv2.applyColorMap(small, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    top, left = canvas.shape[0] - height - 8, 8
    canvas[top : top + height, left : left + width] = heat
    cv2.rectangle(canvas, (left - 1, top - 1), (left + width, top + height), (255, 255, 255), 1)
    draw_text(canvas, "anomaly score", (left + 4, top + 13), 0.36, (255, 255, 255))


def draw_text(canvas: np.ndarray, text: str, at: tuple[int, int], scale: float, colour: tuple[int, int, int]) -> None:
    """Write at (left, baseline); OpenCV's fonts know ASCII alone."""
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(canvas, plain, at, _FONT, scale, colour, 1, cv2.LINE_AA)


def crop_around(picture: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    """The part of a picture around a box, uint8 [*size, 3]: about twice the box, at the aspect of ``size``."""
    height, width = size
    left, top, right, bottom = box
    wanted = max((right - left) * 2, (bottom - top) * 2 * width / height, width / 3)
    crop_w = int(min(wanted, picture.shape[1], picture.shape[0] * width / height))
    crop_h = int(crop_w * height / width)
    x = int(np.clip((left + right - crop_w) / 2, 0, picture.shape[1] - crop_w))
    y = int(np.clip((top + bottom - crop_h) / 2, 0, picture.shape[0] - crop_h))
    return cv2.resize(picture[y : y + crop_h, x : x + crop_w], (width, height), interpolation=cv2.INTER_CUBIC)


def at_most(picture: np.ndarray, width_px: int) -> np.ndarray:
    """The picture, shrunk to that width if it is wider."""
    height, width = picture.shape[:2]
    if width <= width_px:
        return picture
    return cv2.resize(picture, (width_px, max(round(height * width_px / width), 1)), interpolation=cv2.INTER_AREA)
