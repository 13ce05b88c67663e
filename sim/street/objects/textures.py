"""Image files of the models to textures of one size."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE


def decode_texture(content: bytes) -> np.ndarray:
    """uint8 [256, 256, 4] RGBA with row 0 at v = 0 from a PNG or JPEG; ValueError if it is neither.

    The colour of see-through texels is the mean of the seen ones, so that filtering leaves no dark fringe on leaves.
    """
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError(f"texture of {len(content)} bytes is no image that OpenCV reads")
    if image.dtype == np.uint16:
        image = (image // 256).astype(np.uint8)
    rgba = cv2.cvtColor(image, _to_rgba(image))
    opacity = rgba[:, :, 3:].astype(np.float32) / 255.0
    premultiplied = np.concatenate([rgba[:, :, :3] * opacity, opacity], axis=2)
    small = cv2.resize(premultiplied, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=_filter(image.shape))
    alpha = small[:, :, 3:]
    mean = small[:, :, :3].sum(axis=(0, 1)) / max(float(alpha.sum()), 1e-6)
    colour = np.where(alpha > 0.02, small[:, :, :3] / np.maximum(alpha, 0.02), mean)
    return _flipped(np.concatenate([colour, alpha * 255.0], axis=2))


def _to_rgba(image: np.ndarray) -> int:
    channels = 1 if image.ndim == 2 else image.shape[2]
    return {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}[channels]


def _filter(shape: tuple[int, ...]) -> int:
    return cv2.INTER_AREA if min(shape[:2]) >= TEXTURE_SIZE else cv2.INTER_LINEAR


def _flipped(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.clip(np.rint(image[::-1]), 0, 255).astype(np.uint8))
