"""Masks as COCO's annotations store them: polygons, run lengths, and run lengths packed into text."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def decode_mask(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    """bool [H, W] from a list of polygons ``[x0, y0, x1, y1, …]`` or from ``{"size": [H, W], "counts": …}``.

    Args:
        size: (height, width) of the picture.

    Raises:
        ValueError: neither of these, or run lengths that do not fill the picture.
    """
    if isinstance(segmentation, list):
        return _polygons(segmentation, size)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= segmentation.keys():
        raise ValueError(f"expected polygons or run lengths, found {type(segmentation).__name__}")
    if tuple(segmentation["size"]) != size:
        raise ValueError(f"expected run lengths of {list(size)}, found {segmentation['size']}")
    counts = segmentation["counts"]
    runs = _unpacked(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        raise ValueError(f"expected run lengths with a sum of {size[0] * size[1]}, found {sum(runs)}")
    # Runs go down the columns and begin with what is outside.
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(size[::-1]).T


def _polygons(polygons: list[Any], size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64)
        if corners.ndim != 1 or len(corners) < 6 or len(corners) % 2 or not np.isfinite(corners).all():
            raise ValueError(f"expected polygons of three or more corners, found {len(corners)} numbers")
        # Corners lie between pixels there, and on their middles for OpenCV.
        cv2.fillPoly(mask, [np.rint(corners.reshape(-1, 2) - 0.5).astype(np.int32)], 1)
    return mask.astype(bool)


def _unpacked(text: str) -> list[int]:
    """Run lengths from text, five bits a character from '0' on, low bits first; bit 5 says that more follow.

    From the fourth on each is stored as the difference to the one two before (pycocotools, ``rleFrString``).
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"expected packed run lengths, found the character {character!r}")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("expected packed run lengths, found text that ends within a number")
    return runs
