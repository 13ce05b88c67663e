"""Colours multiplied by alpha: how pictures with transparent parts are to be mixed.

What lies under transparent pixels would otherwise bleed into the edge, and a dark rim on every paste is what a network
would learn to find.
"""

from __future__ import annotations

import cv2
import numpy as np


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 4] as float32 [h, w, 4]: colours 0..255 times alpha, alpha 0..1."""
    pixels = rgba.astype(np.float32)
    pixels[..., 3] /= 255.0
    pixels[..., :3] *= pixels[..., 3:]
    return pixels


def plain(pixels: np.ndarray) -> np.ndarray:
    """The way back: uint8 [h, w, 4], colours black where nothing is seen."""
    colour = pixels[..., :3] / np.maximum(pixels[..., 3:], 1e-6)
    rgba = np.concatenate([colour, 255 * pixels[..., 3:]], axis=2)
    return np.rint(np.clip(rgba, 0, 255)).astype(np.uint8)


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Float32 [h, w, 4] at ``size`` (height, width): averaged where rows shrink, else bilinear."""
    if size == pixels.shape[:2]:
        return pixels
    how = cv2.INTER_AREA if size[0] < pixels.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=how), np.float32)
