"""Where in an image a cut-out goes and how large it is there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ros_anomaly.choice import Choice
from ros_anomaly.data.augment import Range, log_uniform
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.limits import check_above_zero, check_range, check_share

_GROUND_TRIES = 6
_LOWEST_FOOT = 1.3
"""Rows below the image, as a share of its height, at which an object's foot may still stand."""


class PasteMode(Choice):
    """How places and sizes are chosen."""

    STREET = "street"
    """Part on the ground with the size that perspective gives, part anywhere in any size."""
    PAPER = "paper"
    """UNO's: anywhere inside the image, a longest side drawn in pixels, never enlarged."""


@dataclass(frozen=True)
class StreetPlacement:
    """Places of ``PasteMode.STREET``. Shares and probabilities are 0..1.

    Attributes:
        plausible: share that stands on the ground with the size its distance gives it.
        distance_m: of these, log-uniform.
        height_m: assumed height of cut-outs that do not know theirs, log-uniform.
        camera_height_m, horizon, focal: the camera; horizon as a share of the image height, focal length as a
            share of the image width.
        side_px: longest side of the others, log-uniform from this up to ``max_side``.
        max_side: largest side allowed, as a share of the image height.
        enlarge: how many times its own size a cut-out may have; beyond it would be recognised by its blur.
        beyond_edge: probability that a paste straddles an edge of the image.
        overlap: probability that a paste stands before or behind the one before.
    """

    plausible: float = 0.55
    distance_m: Range = (3.0, 60.0)
    height_m: Range = (0.3, 2.5)
    camera_height_m: float = 1.6
    horizon: float = 0.5
    focal: float = 0.5
    side_px: float = 9.0
    max_side: float = 0.8
    enlarge: float = 2.5
    beyond_edge: float = 0.1
    overlap: float = 0.15

    def __post_init__(self) -> None:
        for name in ("distance_m", "height_m"):
            check_range(f"paste {name}", getattr(self, name))
        for name in ("plausible", "horizon", "max_side", "beyond_edge", "overlap"):
            check_share(f"paste {name}", getattr(self, name))
        for name in ("camera_height_m", "focal", "side_px", "enlarge", "max_side"):
            check_above_zero(f"paste {name}", getattr(self, name))


@dataclass(frozen=True)
class PaperPlacement:
    """Places of ``PasteMode.PAPER``: longest side in pixels, uniform; a smaller cut-out keeps its size."""

    side_px: tuple[int, int] = (96, 500)

    def __post_init__(self) -> None:
        if not 1 <= self.side_px[0] <= self.side_px[1]:
            raise ValueError(f"paste side_px: expected 1 <= low <= high, found {self.side_px}")


@dataclass(frozen=True)
class Place:
    """Where a cut-out goes: the row below its lowest, its middle column and its height, in pixels.

    Attributes:
        distance_m: None unless it stands on the ground.
    """

    bottom: int
    centre: int
    height_px: float
    distance_m: float | None = None


def street_place(
    class_ids: np.ndarray,
    cutout: Cutout,
    ground: Collection[int],
    config: StreetPlacement,
    rng: np.random.Generator,
    before: Place | None = None,
) -> Place:
    """A place of ``PasteMode.STREET`` in an image with these class ids; ``before`` is that of the paste before."""
    height, width = class_ids.shape
    if rng.random() < config.plausible:
        place = _on_ground(class_ids, cutout, ground, config, rng)
    else:
        place = _anywhere(class_ids, cutout, config, rng)
    centre = place.centre
    width_px = place.height_px * cutout.rgba.shape[1] / cutout.rgba.shape[0]
    if before is not None and rng.random() < config.overlap:
        centre = before.centre + int(rng.uniform(-0.6, 0.6) * max(before.height_px, width_px))
    elif rng.random() < config.beyond_edge:
        centre = (0 if rng.random() < 0.5 else width) + int(rng.uniform(-0.3, 0.3) * width_px)
    return Place(place.bottom, centre, place.height_px, place.distance_m)


def paper_place(class_ids: np.ndarray, cutout: Cutout, config: PaperPlacement, rng: np.random.Generator) -> Place:
    """A place of ``PasteMode.PAPER``: all of the cut-out is inside the image."""
    height, width = class_ids.shape
    rows, columns = cutout.rgba.shape[:2]
    side = rng.integers(config.side_px[0], config.side_px[1] + 1)
    factor = min(1.0, side / max(rows, columns), height / rows, width / columns)
    new_h, new_w = max(1, round(rows * factor)), max(1, round(columns * factor))
    top, left = int(rng.integers(0, height - new_h + 1)), int(rng.integers(0, width - new_w + 1))
    return Place(top + new_h, left + new_w // 2, new_h)


def ground_column(class_ids: np.ndarray, row: int, ground: Collection[int], rng: np.random.Generator) -> int | None:
    """A random column where ``row`` (beyond the image: its last or first) shows ground; None if it nowhere does."""
    standable = np.zeros(256, bool)
    standable[list(ground)] = True
    columns = np.flatnonzero(standable[class_ids[min(max(row, 0), class_ids.shape[0] - 1)]])
    return int(rng.choice(columns)) if len(columns) else None


def _height_limit(class_ids: np.ndarray, cutout: Cutout, config: StreetPlacement) -> float:
    """Height in pixels at which the cut-out reaches its largest size."""
    rows, columns = cutout.rgba.shape[:2]
    return min(config.max_side * class_ids.shape[0] * rows / max(rows, columns), config.enlarge * rows)


def _on_ground(
    class_ids: np.ndarray, cutout: Cutout, ground: Collection[int], config: StreetPlacement, rng: np.random.Generator
) -> Place:
    height, width = class_ids.shape
    metres = cutout.height_m or log_uniform(config.height_m, rng)
    for _ in range(_GROUND_TRIES):
        distance = log_uniform(config.distance_m, rng)
        # A point on the ground at distance d lies f * camera_height / d below the horizon of a level camera.
        drop_px = config.focal * width * config.camera_height_m / distance
        bottom = round(config.horizon * height + drop_px)
        # Choosing among the ground of that row keeps distances as they were drawn, however narrow the road is there.
        centre = ground_column(class_ids, bottom, ground, rng)
        if bottom < _LOWEST_FOOT * height and centre is not None:
            break
    if centre is None:
        centre = int(rng.integers(width))
    height_px = min(metres / config.camera_height_m * drop_px, _height_limit(class_ids, cutout, config))
    return Place(bottom, centre, height_px, distance)


def _anywhere(class_ids: np.ndarray, cutout: Cutout, config: StreetPlacement, rng: np.random.Generator) -> Place:
    height, width = class_ids.shape
    rows, columns = cutout.rgba.shape[:2]
    side = log_uniform((config.side_px, max(config.side_px, config.max_side * height)), rng)
    height_px = min(side * rows / max(rows, columns), _height_limit(class_ids, cutout, config))
    bottom = int(rng.uniform(0.4 * height, height + 0.3 * height_px))
    return Place(bottom, int(rng.integers(width)), height_px)
