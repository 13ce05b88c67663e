"""Mixed content: negatives pasted into inlier images, merged into the outlier class.

Half of the pastes stand on the ground plane at a random distance with the size perspective gives them, so that
size and place do not tell; the rest have any size at any place, so that nothing but the look tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.labels import ANOMALY_ID, StreetClass

Range = tuple[float, float]
_GROUND = np.array([StreetClass.ROAD, StreetClass.ROAD_LINE, StreetClass.SIDEWALK], np.uint8)
_GROUND_TRIES = 6
_MIN_SIDE_PX = 3


class Cutouts(Protocol):
    """What pasting needs of a cut-out store."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Cutout: ...


@dataclass(frozen=True)
class PasteConfig:
    """How many negatives are pasted, where, how large and how well they blend in.

    Attributes:
        count: fewest and most negatives an image.
        plausible: share that stands on the ground with the size its distance gives it.
        distance_m: of plausible pastes, log-uniform.
        height_m: assumed height of cut-outs that do not know theirs, log-uniform.
        camera_height_m, horizon, focal: the camera; horizon as a share of the image height, focal length as a
            share of the image width.
        side_px: longest side of the other pastes, log-uniform from its first value up to ``max_side``.
        max_side: largest side allowed, as a share of the image height.
        colour_match: largest exponent of the brightness match (0 none, 1 full).
        tint: probability of mixing two colour channels, which makes new objects of old ones.
        feather: probability of a soft edge.
        haze_m: distance at which haze hides 63 % of a plausible paste; drawn log-uniform.
        shadow: probability of a soft dark spot on the ground under a plausible paste.
    """

    count: tuple[int, int] = (1, 3)
    plausible: float = 0.55
    distance_m: Range = (3.0, 60.0)
    height_m: Range = (0.3, 2.5)
    camera_height_m: float = 1.6
    horizon: float = 0.5
    focal: float = 0.5
    side_px: float = 9.0
    max_side: float = 0.8
    colour_match: float = 0.7
    tint: float = 0.25
    feather: float = 0.5
    haze_m: Range = (120.0, 1200.0)
    shadow: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.count[0] <= self.count[1]:
            raise ValueError(f"paste count: expected 1 <= fewest <= most, found {self.count}")
        for name in ("distance_m", "height_m", "haze_m"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"paste {name}: expected 0 < low <= high, found {(low, high)}")
        for name in ("plausible", "horizon", "colour_match", "tint", "feather", "shadow", "max_side"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"paste {name}: expected a value 0..1, found {getattr(self, name)}")


@dataclass(frozen=True)
class _Placement:
    """Where a cut-out goes: bottom row, centre column, height in pixels, and its share of haze."""

    bottom: int
    centre: int
    height_px: float
    haze: float
    on_ground: bool


def paste_negatives(
    image: np.ndarray, class_ids: np.ndarray, cutouts: Cutouts, config: PasteConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Copies of an inlier frame with negatives in it.

    Args:
        image: uint8 [H, W, 3]. class_ids: uint8 [H, W] without anomalies. Neither is changed.
        cutouts: at least one.

    Returns:
        image and class ids with :data:`ANOMALY_ID` where a negative covers more than half of the pixel.

    Raises:
        ValueError: the frame already holds anomalies (only inlier images are pasted into), or no cut-outs.
    """
    if len(cutouts) == 0:
        raise ValueError("pasting: expected at least one cut-out, found none")
    if (class_ids == ANOMALY_ID).any():
        raise ValueError("pasting: expected an inlier frame, found pixels of the anomaly class")
    image, class_ids = image.copy(), class_ids.copy()
    for _ in range(int(rng.integers(config.count[0], config.count[1] + 1))):
        cutout = cutouts[int(rng.integers(len(cutouts)))]
        plausible = rng.random() < config.plausible
        place = _on_ground(class_ids, cutout, config, rng) if plausible else _anywhere(class_ids, cutout, config, rng)
        _paste_one(image, class_ids, cutout, place, config, rng)
    return image, class_ids


def _log_uniform(bounds: Range, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))


def _largest_height(class_ids: np.ndarray, cutout: Cutout, config: PasteConfig) -> float:
    """Height in pixels at which the longest side of the cut-out reaches its limit."""
    rows, cols = cutout.rgba.shape[:2]
    return config.max_side * class_ids.shape[0] * rows / max(rows, cols)


def _on_ground(class_ids: np.ndarray, cutout: Cutout, config: PasteConfig, rng: np.random.Generator) -> _Placement:
    height, width = class_ids.shape
    metres = cutout.height_m or _log_uniform(config.height_m, rng)
    # A point on the ground at distance d lies f * camera_height / d below the horizon of a level camera.
    for _ in range(_GROUND_TRIES):
        distance = _log_uniform(config.distance_m, rng)
        drop_px = config.focal * width * config.camera_height_m / distance
        bottom = int(config.horizon * height + drop_px)
        centre = int(rng.integers(width))
        row = min(bottom, height - 1)
        if bottom < 1.3 * height and class_ids[row, centre] in _GROUND:
            break
    height_px = min(metres / config.camera_height_m * drop_px, _largest_height(class_ids, cutout, config))
    haze = 1.0 - float(np.exp(-distance / _log_uniform(config.haze_m, rng)))
    return _Placement(bottom, centre, height_px, haze, on_ground=True)


def _anywhere(class_ids: np.ndarray, cutout: Cutout, config: PasteConfig, rng: np.random.Generator) -> _Placement:
    height, width = class_ids.shape
    rows, cols = cutout.rgba.shape[:2]
    side = _log_uniform((config.side_px, max(config.side_px, config.max_side * height)), rng)
    height_px = side * rows / max(rows, cols)
    bottom = int(rng.uniform(0.4 * height, height + 0.3 * height_px))
    haze = float(rng.uniform(0, 0.35)) if rng.random() < 0.3 else 0.0
    return _Placement(bottom, int(rng.integers(width)), height_px, haze, on_ground=False)


def _paste_one(
    image: np.ndarray,
    class_ids: np.ndarray,
    cutout: Cutout,
    place: _Placement,
    config: PasteConfig,
    rng: np.random.Generator,
) -> None:
    """Blend one cut-out into ``image`` and mark ``class_ids``, in place; nothing if it lies outside."""
    height, width = class_ids.shape
    rows, cols = cutout.rgba.shape[:2]
    new_h = max(_MIN_SIDE_PX, round(place.height_px))
    new_w = max(_MIN_SIDE_PX, round(place.height_px * cols / rows))
    if rng.random() < 0.5:
        rgba = cutout.rgba[:, ::-1]
    else:
        rgba = cutout.rgba
    left, top = place.centre - new_w // 2, place.bottom - new_h
    x0, x1, y0, y1 = max(0, left), min(width, left + new_w), max(0, top), min(height, top + new_h)
    if x1 - x0 < _MIN_SIDE_PX or y1 - y0 < _MIN_SIDE_PX:
        return
    if place.on_ground and rng.random() < config.shadow:
        _darken_ground(image, (place.centre, place.bottom), new_w, rng)
    colour, alpha = _resized(rgba, (new_h, new_w), feather=rng.random() < config.feather)
    colour = colour[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    region = image[y0:y1, x0:x1].astype(np.float32)
    colour = _matched_colour(colour, alpha, region, config, rng)
    colour = colour * (1 - place.haze) + place.haze * region.mean((0, 1)) * alpha
    image[y0:y1, x0:x1] = np.clip(colour + region * (1 - alpha), 0, 255).astype(np.uint8)
    class_ids[y0:y1, x0:x1][alpha[..., 0] > 0.5] = ANOMALY_ID


def _resized(rgba: np.ndarray, size: tuple[int, int], feather: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colour times alpha float32 [h, w, 3] and alpha float32 [h, w, 1].

    Colours are multiplied by alpha before any mixing of neighbours: what lies under the transparent pixels would
    otherwise bleed into the edge, and a dark rim on every paste is what a network would learn to find.
    """
    pixels = rgba.astype(np.float32)
    pixels[..., 3] /= 255.0
    pixels[..., :3] *= pixels[..., 3:]
    how = cv2.INTER_AREA if size[0] < rgba.shape[0] else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=how), np.float32)
    if feather and min(size) > 8:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0, borderType=cv2.BORDER_CONSTANT), np.float32)
    return pixels[..., :3], pixels[..., 3:]


def _matched_colour(
    colour: np.ndarray, alpha: np.ndarray, region: np.ndarray, config: PasteConfig, rng: np.random.Generator
) -> np.ndarray:
    """The object's colours (times alpha), brought some way towards the brightness of the place; float32 [h, w, 3]."""
    if rng.random() < config.tint:
        mix = rng.dirichlet(np.full(3, 0.3), size=3).astype(np.float32)
        colour = colour @ mix.T
    own = float(colour.sum() / (3 * alpha.sum() + 1e-3))
    ratio = (region.mean() + 8.0) / (own + 8.0)
    factor = float(np.clip(ratio ** rng.uniform(0, config.colour_match), 0.3, 2.5))
    return np.minimum(colour * factor, 255.0 * alpha)


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
