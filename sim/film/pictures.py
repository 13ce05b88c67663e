"""Pictures of a run: the camera image with what was found drawn in, a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.evaluation.report.pictures import FLAGGED_COLOUR, TRUTH_COLOUR, draw_inset, draw_text, painted
from ros_anomaly.evaluation.report.timeline import LEVEL_COLOURS
from ros_anomaly.hazard.types import HazardLevel

BANNER_PX = 40
_LABEL_SCALE = 0.45
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Truth:
    """One anomalous object as it is visible in a frame: its box (left, top, right, bottom) and a label."""

    box: tuple[int, int, int, int]
    label: str


@dataclass(frozen=True)
class View:
    """What one picture shows.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        mask: uint8 [H, W], 0 or 255; None for a frame that was not processed.
        score: float32 [h, w], drawn as an inset between ``score_range``; None likewise.
        level: hazard level after this frame.
        caption: right side of the banner.
        truths: objects that are really there.
        regions: boxes (left, top, right, bottom) of what was flagged, drawn in red where there is no mask.
    """

    image: np.ndarray
    mask: np.ndarray | None
    score: np.ndarray | None
    score_range: tuple[float, float]
    level: HazardLevel
    caption: str
    truths: tuple[Truth, ...] = ()
    regions: tuple[tuple[int, int, int, int], ...] = ()


def draw(view: View) -> np.ndarray:
    """uint8 [H + BANNER_PX, W, 3] RGB: banner, image, mask in red, true objects framed in light blue, score inset."""
    canvas = painted(view.image, view.mask)
    for left, top, right, bottom in view.regions if view.mask is None else ():
        cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), FLAGGED_COLOUR, 2)
    _frame_objects(canvas, view.truths)
    if view.score is not None:
        draw_inset(canvas, view.score, view.score_range)
    return np.vstack([_banner(view.level, view.caption, canvas.shape[1]), canvas])


def _frame_objects(canvas: np.ndarray, truths: Sequence[Truth]) -> None:
    """Frames for all, labels largest object first; a label that would cover another is left out."""
    taken: list[tuple[int, int, int, int]] = []
    for truth in sorted(truths, key=lambda t: -(t.box[2] - t.box[0]) * (t.box[3] - t.box[1])):
        left, top, right, bottom = truth.box
        cv2.rectangle(canvas, (left - 3, top - 3), (right + 2, bottom + 2), TRUTH_COLOUR, 1, cv2.LINE_AA)
        label = _label_box(canvas, truth)
        if not any(_overlap(label, other) for other in taken):
            taken.append(label)
            cv2.rectangle(canvas, label[:2], label[2:], TRUTH_COLOUR, -1)
            draw_text(canvas, truth.label, (label[0] + 3, label[3] - 4), _LABEL_SCALE, (10, 30, 40))


def _label_box(canvas: np.ndarray, truth: Truth) -> tuple[int, int, int, int]:
    """Where a label goes: above its object, or at the top of the image where there is no room; always inside."""
    left, top, _, _ = truth.box
    (text_width, text_height), _ = cv2.getTextSize(truth.label, _FONT, _LABEL_SCALE, 1)
    width, height = text_width + 6, text_height + 8
    x = int(np.clip(left - 3, 0, max(canvas.shape[1] - width - 1, 0)))
    y = int(np.clip(top - 3 - height, 0, canvas.shape[0] - height - 1))
    return x, y, x + width, y + height


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _banner(level: HazardLevel, caption: str, width: int) -> np.ndarray:
    banner = np.full((BANNER_PX, width, 3), 24, np.uint8)
    cv2.rectangle(banner, (0, 0), (118, BANNER_PX), LEVEL_COLOURS[level], -1)
    draw_text(banner, level.name, (12, 26), 0.55, (255, 255, 255))
    draw_text(banner, caption, (132, 26), 0.48, (225, 228, 232))
    return banner


def contact_sheet(tiles: Sequence[tuple[str, np.ndarray]], columns: int = 3, tile_width: int = 600) -> np.ndarray:
    """uint8 [H, W, 3]: captioned pictures of one size in rows; ValueError without a picture."""
    if not tiles:
        raise ValueError("contact sheet: expected at least one picture, found none")
    gap, caption_px = 10, 26
    height, width = tiles[0][1].shape[:2]
    tile_height = round(height * tile_width / width)
    rows = -(-len(tiles) // columns)
    cell = (tile_height + caption_px + gap, tile_width + gap)
    sheet = np.full((rows * cell[0] + gap, columns * cell[1] + gap, 3), 245, np.uint8)
    for index, (caption, picture) in enumerate(tiles):
        top, left = gap + index // columns * cell[0], gap + index % columns * cell[1]
        small = cv2.resize(picture, (tile_width, tile_height), interpolation=cv2.INTER_AREA)
        sheet[top : top + tile_height, left : left + tile_width] = small
        draw_text(sheet, caption, (left + 2, top + tile_height + 18), 0.5, (40, 44, 52))
    return sheet
