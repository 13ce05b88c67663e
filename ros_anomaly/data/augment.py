"""Random crops and camera-like changes of colour and quality, on uint8 arrays with OpenCV for speed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.data.image_effects import fog, gaussian_blur, gaussian_noise, jpeg_round_trip, motion_blur
from ros_anomaly.limits import check_range, check_share

Range = tuple[float, float]


@dataclass(frozen=True)
class AugmentConfig:
    """What is changed, how strongly and how often. Ranges are (lowest, highest), probabilities 0..1.

    A network that had never seen them lost a tenth to a quarter of its average precision to JPEG of quality 40, noise
    of 10 grey levels and blur of 2 px: the ranges hold these and what lies some way beyond.

    Attributes:
        scale: output pixels per source pixel, log-uniform; the crop is as large as the source allows.
        aspect: stretch of the height against the width.
        flip: probability of mirroring left and right.
        fog: probability; ``fog_visibility_m`` log-uniform, over flat ground. Nothing counts as farther away than
            ``fog_farthest`` (share of the visibility), or all above the horizon would vanish and keep its labels. A
            crop does not know its camera, so the horizon is drawn from ``fog_horizon`` (share of the height).
        colour: probability of the colour changes that follow.
        exposure, contrast, saturation, tint, gamma: factors (1 is no change); tint a channel.
        blur: probability of an image out of focus; ``blur_sigma`` in pixels, log-uniform.
        motion: probability of motion blur; ``motion_px`` its length. Vehicles shake and turn, so any direction.
        noise: probability; ``noise_sigma`` in grey levels.
        jpeg: probability; ``jpeg_quality`` of the encoder. Camera images on ROS are often JPEG.
    """

    scale: Range = (0.6, 1.15)
    aspect: Range = (0.94, 1.06)
    flip: float = 0.5
    fog: float = 0.12
    fog_visibility_m: Range = (40.0, 600.0)
    fog_farthest: Range = (0.15, 0.6)
    fog_horizon: Range = (0.3, 0.6)
    colour: float = 0.8
    exposure: Range = (0.55, 1.6)
    contrast: Range = (0.65, 1.3)
    saturation: Range = (0.4, 1.5)
    tint: Range = (0.88, 1.12)
    gamma: Range = (0.75, 1.35)
    blur: float = 0.2
    blur_sigma: Range = (0.4, 2.5)
    motion: float = 0.12
    motion_px: Range = (2.0, 12.0)
    noise: float = 0.35
    noise_sigma: Range = (1.0, 16.0)
    jpeg: float = 0.5
    jpeg_quality: Range = (18.0, 95.0)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, tuple):
                check_range(f"augment {name}", value)
            else:
                check_share(f"augment {name}", value, "probability")


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
    scale = log_uniform(config.scale, rng)
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
    """Fog, exposure and colour, blur, sensor noise, JPEG, in the order light meets them; uint8 [H, W, 3]."""
    if rng.random() < config.fog:
        image = _random_fog(image, config, rng)
    if rng.random() < config.colour:
        image = _change_colour(image, config, rng)
    if rng.random() < config.blur:
        image = gaussian_blur(image, log_uniform(config.blur_sigma, rng))
    if rng.random() < config.motion:
        image = motion_blur(image, rng.uniform(*config.motion_px), rng.uniform(0, np.pi))
    if rng.random() < config.noise:
        image = gaussian_noise(image, rng.uniform(*config.noise_sigma), rng)
    if rng.random() < config.jpeg:
        image = jpeg_round_trip(image, int(rng.uniform(*config.jpeg_quality)))
    return image


def log_uniform(bounds: Range, rng: np.random.Generator) -> float:
    """A number between the bounds (both above 0), every factor as likely as another."""
    return float(np.exp(rng.uniform(*np.log(bounds))))


def _random_fog(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    # Fog is lit by the sky: as bright as the brighter part of the picture, and nearly grey.
    bright = float(np.percentile(image[::8, ::8], 85))
    grey = np.clip(bright * rng.uniform(0.8, 1.15) + rng.uniform(0, 25), 20, 250)
    red, green, blue = grey * rng.uniform(0.96, 1.04, size=3)
    visibility_m = log_uniform(config.fog_visibility_m, rng)
    return fog(
        image,
        visibility_m,
        (red, green, blue),
        horizon=rng.uniform(*config.fog_horizon),
        farthest_m=visibility_m * rng.uniform(*config.fog_farthest),
    )


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
