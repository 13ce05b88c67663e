"""Lays cut-outs over images: size, edge, colours, haze and shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ros_anomaly.data.alpha import premultiplied, resized
from ros_anomaly.data.augment import Range, log_uniform
from ros_anomaly.data.patterns import random_pattern
from ros_anomaly.data.placement import Place
from ros_anomaly.limits import check_range, check_share

_MIN_SIDE_PX = 3


@dataclass(frozen=True)
class LookConfig:
    """How far pasted objects are fitted in, and how far their own look is changed. All 0 pastes them as they are.

    Attributes:
        colour_match: largest exponent of the match of brightness with the place (0 none, 1 full).
        feather: probability of a soft edge.
        shadow: probability of a soft dark spot on the ground under an object that stands.
        haze: probability of haze; ``haze_m`` is the distance at which it hides 63 % of an object that stands, drawn
            log-uniform. What does not stand loses up to a third, mostly less.
        tint: probability of mixing the colour channels, which makes new objects of old ones.
        texture: probability of a random pattern in place of the object's colours; its light and shade stay.
    """

    colour_match: float = 0.7
    feather: float = 0.5
    shadow: float = 0.5
    haze: float = 0.7
    haze_m: Range = (120.0, 1200.0)
    tint: float = 0.25
    texture: float = 0.15

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "haze_m":
                check_share(f"paste look {name}", value)
        check_range("paste look haze_m", self.haze_m)


NO_CHANGES = LookConfig(colour_match=0, feather=0, shadow=0, haze=0, tint=0, texture=0)
"""Cut-outs as they are."""


@dataclass(frozen=True)
class Covered:
    """The pixels that a paste may have changed, and those that it covers by more than half."""

    rows: slice
    columns: slice
    mask: np.ndarray


def blend(
    image: np.ndarray, rgba: np.ndarray, place: Place, look: LookConfig, rng: np.random.Generator
) -> Covered | None:
    """Lay a cut-out over ``image`` uint8 [H, W, 3], in place.

    Returns:
        What is covered, ``mask`` bool of the size of the slices; None if (nearly) all of it lies outside the image.
    """
    height, width = image.shape[:2]
    rows, columns = rgba.shape[:2]
    new_h = max(_MIN_SIDE_PX, round(place.height_px))
    new_w = max(_MIN_SIDE_PX, round(place.height_px * columns / rows))
    left, top = place.centre - new_w // 2, place.bottom - new_h
    x0, x1, y0, y1 = max(0, left), min(width, left + new_w), max(0, top), min(height, top + new_h)
    if x1 - x0 < _MIN_SIDE_PX or y1 - y0 < _MIN_SIDE_PX:
        return None
    if place.distance_m is not None and rng.random() < look.shadow:
        _darken_ground(image, (place.centre, place.bottom), new_w, rng)
    colour, alpha = _sized(rgba, (new_h, new_w), feather=rng.random() < look.feather)
    colour = colour[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    region = image[y0:y1, x0:x1].astype(np.float32)
    colour = _recoloured(colour, alpha, look, rng)
    colour = _matched_brightness(colour, alpha, region, look, rng)
    haze = _haze(place, look, rng)
    if haze > 0:
        colour = colour * (1 - haze) + haze * region.mean((0, 1)) * alpha
    image[y0:y1, x0:x1] = np.clip(colour + region * (1 - alpha) + 0.5, 0, 255).astype(np.uint8)
    return Covered(slice(y0, y1), slice(x0, x1), alpha[..., 0] > 0.5)


def _sized(rgba: np.ndarray, size: tuple[int, int], feather: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colour times alpha float32 [h, w, 3] and alpha float32 [h, w, 1]."""
    pixels = resized(premultiplied(rgba), size)
    if feather and min(size) > 8:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0, borderType=cv2.BORDER_CONSTANT), np.float32)
    return pixels[..., :3], pixels[..., 3:]


def _recoloured(colour: np.ndarray, alpha: np.ndarray, look: LookConfig, rng: np.random.Generator) -> np.ndarray:
    """Colours (times alpha) of a new object of the same form; float32 [h, w, 3]."""
    if rng.random() < look.tint:
        mix = rng.dirichlet(np.full(3, 0.3), size=3).astype(np.float32)
        colour = colour @ mix.T
    if rng.random() < look.texture:
        light = colour.mean(2, keepdims=True)
        relative = np.clip(light / max(1.0, float(light.sum() / (alpha.sum() + 1e-3))), 0, 2.5)
        colour = random_pattern(colour.shape[0], colour.shape[1], rng) * relative
    return np.minimum(colour, 255.0 * alpha)


def _matched_brightness(
    colour: np.ndarray, alpha: np.ndarray, region: np.ndarray, look: LookConfig, rng: np.random.Generator
) -> np.ndarray:
    """The object's colours (times alpha), brought some way towards the brightness of the place; float32 [h, w, 3]."""
    own = float(colour.sum() / (3 * alpha.sum() + 1e-3))
    ratio = (region.mean() + 8.0) / (own + 8.0)
    factor = float(np.clip(ratio ** rng.uniform(0, look.colour_match), 0.3, 2.5))
    return np.minimum(colour * factor, 255.0 * alpha)


def _haze(place: Place, look: LookConfig, rng: np.random.Generator) -> float:
    if rng.random() >= look.haze:
        return 0.0
    if place.distance_m is None:
        return 0.35 * float(rng.random()) ** 2
    return 1.0 - float(np.exp(-place.distance_m / log_uniform(look.haze_m, rng)))


def _darken_ground(image: np.ndarray, foot: tuple[int, int], width_px: int, rng: np.random.Generator) -> None:
    """A soft elliptic shadow where the object stands; the label stays that of the ground."""
    half_w = max(2, int(width_px * rng.uniform(0.45, 0.65)))
    half_h = max(1, int(half_w * rng.uniform(0.12, 0.3)))
    x, y = foot
    margin = 2 * half_h + 2
    x0, x1 = max(0, x - half_w - margin), min(image.shape[1], x + half_w + margin)
    y0, y1 = max(0, y - half_h - margin), min(image.shape[0], y + half_h + margin)
    if x1 <= x0 or y1 <= y0:
        return
    dark = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.ellipse(dark, (x - x0, y - y0), (half_w, half_h), 0, 0, 360, 1.0, -1)
    dark = cv2.GaussianBlur(dark, (0, 0), max(0.8, half_h / 2)) * float(rng.uniform(0.2, 0.6))
    patch = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = (patch * (1 - dark[..., None])).astype(np.uint8)
