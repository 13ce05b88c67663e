"""Random crops and camera-like changes of colour and quality, on uint8 arrays with OpenCV for speed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class AugmentConfig:
    """What is changed, how strongly and how often. Ranges are (lowest, highest), probabilities 0..1.

    Attributes:
        scale: output pixels per source pixel, log-uniform; the crop is as large as the source allows.
        aspect: stretch of the height against the width.
        flip: probability of mirroring left and right.
        colour: probability of the colour changes that follow.
        exposure, contrast, saturation, tint, gamma: factors (1 is no change); tint a channel.
        noise: probability; ``noise_sigma`` in grey levels.
        blur: probability; ``blur_sigma`` in pixels.
        jpeg: probability; ``jpeg_quality`` of the encoder. Camera images on ROS are often JPEG, and quality
            40 cost a network that had never seen it a quarter of its average precision.
    """

    scale: Range = (0.6, 1.15)
    aspect: Range = (0.94, 1.06)
    flip: float = 0.5
    colour: float = 0.8
    exposure: Range = (0.65, 1.4)
    contrast: Range = (0.75, 1.25)
    saturation: Range = (0.5, 1.4)
    tint: Range = (0.92, 1.08)
    gamma: Range = (0.8, 1.25)
    noise: float = 0.3
    noise_sigma: Range = (1.0, 10.0)
    blur: float = 0.15
    blur_sigma: Range = (0.4, 1.4)
    jpeg: float = 0.5
    jpeg_quality: Range = (30.0, 95.0)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, tuple):
                if len(value) != 2 or not 0 < value[0] <= value[1]:
                    raise ValueError(f"augment {name}: expected 0 < low <= high, found {value}")
            elif not 0 <= value <= 1:
                raise ValueError(f"augment {name}: expected a probability 0..1, found {value}")


def random_crop(
    image: np.ndarray, class_ids: np.ndarray, size: tuple[int, int], config: AugmentConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random window of the frame, scaled to ``size`` and perhaps mirrored.

    Args:
        image: uint8 [H, W, 3]. class_ids: uint8 [H, W].
        size: (height, width) of the result.

    Returns:
        uint8 [h, w, 3] and uint8 [h, w], contiguous. Class ids are taken from the nearest pixel.
    """
    height, width = class_ids.shape
    out_h, out_w = size
    scale = float(np.exp(rng.uniform(*np.log(config.scale))))
    # A window may not leave the frame: both sides shrink together so that the aspect ratio holds.
    aspect = rng.uniform(*config.aspect)
    fit = min(1.0, width * scale / out_w, height * scale * aspect / out_h)
    window_w = max(1, min(width, round(out_w / scale * fit)))
    window_h = max(1, min(height, round(out_h / scale / aspect * fit)))
    left = int(rng.integers(0, width - window_w + 1))
    top = int(rng.integers(0, height - window_h + 1))
    image = image[top : top + window_h, left : left + window_w]
    class_ids = class_ids[top : top + window_h, left : left + window_w]
    if (window_h, window_w) != (out_h, out_w):
        how = cv2.INTER_AREA if window_w > out_w else cv2.INTER_LINEAR
        image = cv2.resize(np.ascontiguousarray(image), (out_w, out_h), interpolation=how)
        class_ids = cv2.resize(np.ascontiguousarray(class_ids), (out_w, out_h), interpolation=cv2.INTER_NEAREST_EXACT)
    if rng.random() < config.flip:
        image, class_ids = image[:, ::-1], class_ids[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(class_ids)


def camera_changes(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Exposure and colour, then blur, sensor noise and JPEG, in the order a camera makes them; uint8 [H, W, 3]."""
    if rng.random() < config.colour:
        image = _change_colour(image, config, rng)
    if rng.random() < config.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(*config.blur_sigma))
    if rng.random() < config.noise:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(*config.noise_sigma))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg:
        image = jpeg_round_trip(image, int(rng.uniform(*config.jpeg_quality)))
    return image


def jpeg_round_trip(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after JPEG coding at ``quality`` (1..100); uint8 [H, W, 3] RGB."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV could not read the JPEG it wrote"
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _change_colour(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Saturation by mixing with grey; everything else is a curve per channel, so one table look-up."""
    saturation = rng.uniform(*config.saturation)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    image = cv2.addWeighted(image, saturation, grey, 1.0 - saturation, 0.0)
    middle = float(grey[::8, ::8].mean())
    gains = rng.uniform(*config.exposure) * rng.uniform(*config.tint, size=3)
    contrast, gamma = rng.uniform(*config.contrast), rng.uniform(*config.gamma)
    levels = np.arange(256, dtype=np.float64)[:, None]
    curve = 255.0 * (levels / 255.0) ** gamma * gains
    curve = middle + (curve - middle) * contrast
    return cv2.LUT(image, np.clip(curve, 0, 255).astype(np.uint8)[None])
