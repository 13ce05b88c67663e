"""Mixed content: negatives pasted into inlier images as the outlier class (inlier objects: ``piece_pasting``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from ros_anomaly.data.blending import LookConfig, blend
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.labels import STREET_CLASSES, VOID_ID, ClassSet
from ros_anomaly.data.negatives import NegativeSource
from ros_anomaly.data.placement import (
    PaperPlacement,
    PasteMode,
    Place,
    StreetPlacement,
    paper_place,
    street_place,
)
from ros_anomaly.data.reshaping import ReshapeConfig, reshaped
from ros_anomaly.limits import check_at_least, check_range, check_share

_MOST = 200
"""Negatives an image: the map of who covers what has eight bits."""


@dataclass(frozen=True)
class PasteConfig:
    """How many negatives are pasted, where, how large, and how well they fit in.

    Attributes:
        count: fewest and most negatives an image.
        mode: which of ``street`` and ``paper`` gives places and sizes.
        min_pixels: negatives of which less is to be seen become void: no one could tell what they are. The street
            protocols judge anomalies from 20 pixels on.
        look: of negatives.
        reshape: of negatives too.
        pieces: fewest and most objects of inlier classes, in images that get any.
        piece_scale: their size against that at which they were seen, log-uniform; they move along the ground with it.
        piece_tint: probability that their colour channels are mixed: a bench of another colour is a bench.
        piece_reshape: of them; nothing is spliced to them, which would make an unknown object under a known label.
    """

    count: tuple[int, int] = (1, 3)
    mode: PasteMode = PasteMode.STREET
    min_pixels: int = 20
    street: StreetPlacement = field(default_factory=StreetPlacement)
    paper: PaperPlacement = field(default_factory=PaperPlacement)
    look: LookConfig = field(default_factory=LookConfig)
    reshape: ReshapeConfig = field(default_factory=ReshapeConfig)
    pieces: tuple[int, int] = (1, 2)
    piece_scale: tuple[float, float] = (0.7, 1.4)
    piece_tint: float = 0.0
    piece_reshape: ReshapeConfig = field(default_factory=ReshapeConfig)

    def __post_init__(self) -> None:
        for name in ("count", "pieces"):
            fewest, most = getattr(self, name)
            if not 1 <= fewest <= most <= _MOST:
                raise ValueError(f"paste {name}: expected 1 <= fewest <= most <= {_MOST}, found {(fewest, most)}")
        check_at_least("paste min_pixels", self.min_pixels, 0)
        check_range("paste piece_scale", self.piece_scale)
        check_share("paste piece_tint", self.piece_tint)
        if self.piece_reshape.splice:
            raise ValueError(f"paste piece_reshape splice: expected 0, found {self.piece_reshape.splice}")


def paste_negatives(
    image: np.ndarray,
    class_ids: np.ndarray,
    negatives: NegativeSource,
    config: PasteConfig,
    rng: np.random.Generator,
    classes: ClassSet = STREET_CLASSES,
) -> tuple[np.ndarray, np.ndarray]:
    """Copies of an inlier frame with negatives in it.

    Args:
        image: uint8 [H, W, 3]. class_ids: uint8 [H, W] without anomalies. Neither is changed.

    Returns:
        image and class ids with the classes' anomaly id where a negative covers more than half of the pixel.

    Raises:
        ValueError: the frame already holds anomalies (only inlier images are pasted into).
    """
    if (class_ids == classes.anomaly_id).any():
        raise ValueError("pasting: expected an inlier frame, found pixels of the anomaly class")
    image, class_ids = image.copy(), class_ids.copy()
    owner = np.zeros(class_ids.shape, np.uint8)
    count = int(rng.integers(config.count[0], config.count[1] + 1))
    cutouts = [reshaped(negatives.draw(rng), negatives, config.reshape, rng) for _ in range(count)]
    for number, (cutout, place) in enumerate(_placed(class_ids, cutouts, config, classes.ground, rng), 1):
        rgba = cutout.rgba[:, ::-1] if rng.random() < 0.5 else cutout.rgba
        covered = blend(image, rgba, place, config.look, rng)
        if covered is not None:
            owner[covered.rows, covered.columns][covered.mask] = number
    class_ids[owner > 0] = classes.anomaly_id
    seen = np.bincount(owner.ravel(), minlength=len(cutouts) + 1)
    for number in range(1, len(cutouts) + 1):
        if 0 < seen[number] < config.min_pixels:
            class_ids[owner == number] = VOID_ID
    return image, class_ids


def _placed(
    class_ids: np.ndarray,
    cutouts: list[Cutout],
    config: PasteConfig,
    ground: Collection[int],
    rng: np.random.Generator,
) -> list[tuple[Cutout, Place]]:
    """Every cut-out with its place, in the order in which they are pasted: what stands farther away first."""
    placed: list[tuple[Cutout, Place]] = []
    for cutout in cutouts:
        if config.mode is PasteMode.PAPER:
            place = paper_place(class_ids, cutout, config.paper, rng)
        else:
            place = street_place(
                class_ids, cutout, ground, config.street, rng, before=placed[-1][1] if placed else None
            )
        placed.append((cutout, place))
    return sorted(placed, key=lambda entry: entry[1].bottom)
