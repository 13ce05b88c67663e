"""New forms of old objects: a few hundred negatives are learnt by heart, and whatever is not like them stays unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ros_anomaly.data.alpha import plain, premultiplied, resized
from ros_anomaly.data.augment import Range, log_uniform
from ros_anomaly.data.cutout_folder import tight
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.negatives import NegativeSource
from ros_anomaly.limits import check_range, check_share

_WARP_CELLS = 4  # knots of the displacement a side: bends, no ripples
_LONGEST_PX = 320  # no more detail than any place on an image can show


@dataclass(frozen=True)
class ReshapeConfig:
    """How often cut-outs change their form, and how far. All 0 leaves them as they are.

    Attributes:
        stretch: probability of another ratio of the sides; ``stretch_by`` its factor, log-uniform.
        warp: probability of a smooth bend; ``warp_by`` the largest shift as a share of the sides.
        splice: probability that a part of another cut-out replaces what lies on one side of a line.
    """

    stretch: float = 0.0
    stretch_by: Range = (0.5, 2.0)
    warp: float = 0.0
    warp_by: float = 0.15
    splice: float = 0.0

    def __post_init__(self) -> None:
        for name in ("stretch", "warp", "splice", "warp_by"):
            check_share(f"paste reshape {name}", getattr(self, name))
        check_range("paste reshape stretch_by", self.stretch_by)


def reshaped(
    cutout: Cutout, negatives: NegativeSource | None, config: ReshapeConfig, rng: np.random.Generator
) -> Cutout:
    """A cut-out that is perhaps spliced with another one of ``negatives``, stretched and bent; its height stays.

    Without ``negatives`` nothing is spliced.
    """
    splice, stretch, warp = (rng.random() < share for share in (config.splice, config.stretch, config.warp))
    if not (splice or stretch or warp):
        return cutout
    height, width = _limited(cutout.rgba.shape[:2])
    if stretch:
        width = round(width * log_uniform(config.stretch_by, rng))
    size = max(2, height), min(max(2, width), 2 * _LONGEST_PX)
    pixels = resized(premultiplied(cutout.rgba), size)
    if splice and negatives is not None:
        pixels = _spliced(pixels, resized(premultiplied(negatives.draw(rng).rgba), size), rng)
    if warp:
        pixels = _warped(pixels, config.warp_by, rng)
    rgba = tight(plain(pixels), 2 * _LONGEST_PX)
    # What a splice or a bend left nothing of is not worth a second try.
    return cutout if rgba is None else replace(cutout, rgba=rgba)


def _limited(size: tuple[int, ...]) -> tuple[int, int]:
    factor = min(1.0, _LONGEST_PX / max(size))
    return round(size[0] * factor), round(size[1] * factor)


def _spliced(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``first`` on one side of a random line near the middle of the picture, ``second`` on the other."""
    height, width = first.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    across = (np.arange(width) / width - rng.uniform(0.35, 0.65)) * np.cos(angle)
    down = (np.arange(height) / height - rng.uniform(0.35, 0.65)) * np.sin(angle)
    return np.where((down[:, None] + across > 0)[..., None], second, first)


def _warped(pixels: np.ndarray, by: float, rng: np.random.Generator) -> np.ndarray:
    height, width = pixels.shape[:2]
    knots = rng.uniform(-by, by, (_WARP_CELLS, _WARP_CELLS, 2)).astype(np.float32)
    shift = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
    columns = np.arange(width, dtype=np.float32) + shift[..., 0] * width
    rows = np.arange(height, dtype=np.float32)[:, None] + shift[..., 1] * height
    moved = cv2.remap(pixels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    return np.asarray(moved, np.float32)
