"""Contact sheets of what a network is given and what it makes of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

_PART_WIDTH = 320
_MOST_SAMPLES = 8


def row(image: np.ndarray, *beside: np.ndarray) -> np.ndarray:
    """``image`` and pictures of the same place side by side, all uint8 [h, w, 3] RGB, each scaled to one width."""
    height, width = image.shape[:2]
    size = (_PART_WIDTH, max(1, round(_PART_WIDTH * height / width)))
    parts = (image, *beside)
    return np.concatenate(
        [cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA) for part in parts], axis=1
    )


def score_colours(score: np.ndarray) -> np.ndarray:
    """Colours uint8 [h, w, 3] of a score within ±1, float32 [h, w]: black, red, yellow."""
    grey = np.clip((score + 1) * 127.5, 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def write_sheet(path: Path, rows: list[np.ndarray]) -> Path:
    """Write rows of one width below each other as a PNG; OSError where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} could not be written")
    return path


class BatchSheet:
    """Writes the images of a training batch beside their labels, so that a user sees whether the two fit.

    Args:
        palette: uint8 [256, 3] RGB.
    """

    def __init__(self, path: Path, palette: np.ndarray) -> None:
        self._path, self._palette = path, palette

    def __call__(self, images: Tensor, class_ids: Tensor) -> Path:
        """images uint8 [B, 3, h, w], class ids uint8 [B, h, w]; at most eight of them are shown."""
        rows = []
        for image, labels in zip(images[:_MOST_SAMPLES], class_ids[:_MOST_SAMPLES], strict=True):
            pixels, colours = image.permute(1, 2, 0).numpy(), self._palette[labels.numpy()]
            rows.append(row(pixels, colours, cv2.addWeighted(np.ascontiguousarray(pixels), 0.5, colours, 0.5, 0.0)))
        return write_sheet(self._path, rows)
