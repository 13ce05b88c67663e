"""Does an image carry information at all: facts of one image, cheap enough for every frame."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.hazard.config import ImageHealthConfig

_STRIDE = 4
_DARK = 8
_BRIGHT = 250


@dataclass(frozen=True)
class ImageFacts:
    """``digest`` identifies the content; shares and contrast (grey levels) are over a grid of every 4th pixel."""

    digest: int
    contrast: float
    dark_share: float
    bright_share: float

    def fault(self, config: ImageHealthConfig) -> str | None:
        """Why this image says nothing of the road, or None."""
        if self.dark_share > config.max_dark_share:
            return f"black image: {self.dark_share:.3f} of pixels dark, limit {config.max_dark_share}"
        if self.bright_share > config.max_bright_share:
            return f"blown-out image: {self.bright_share:.3f} of pixels saturated, limit {config.max_bright_share}"
        if self.contrast < config.min_contrast:
            return f"blank image: contrast {self.contrast:.2f} grey levels, limit {config.min_contrast}"
        return None


def inspect_image(image: np.ndarray) -> ImageFacts:
    """Facts of a uint8 [H, W, 3] RGB image; ValueError for anything else.

    Digest and statistics rest on every 4th pixel of every 4th row: sensor noise alone makes two exposures differ there.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image: expected non-empty uint8 [H, W, 3], found {image.dtype} {image.shape}")
    sample = np.ascontiguousarray(image[::_STRIDE, ::_STRIDE])
    grey = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY)
    return ImageFacts(
        digest=zlib.crc32(sample.data),
        contrast=float(grey.std()),
        dark_share=float((grey <= _DARK).mean()),
        bright_share=float((grey >= _BRIGHT).mean()),
    )
