"""Objects of inlier classes pasted into frames: the negatives' seams and looks, and labels of what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ros_anomaly.data.blending import Covered, LookConfig, blend
from ros_anomaly.data.labels import STREET_CLASSES, ClassSet
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.data.pieces import InlierPieces
from ros_anomaly.data.placement import Place, ground_column
from ros_anomaly.data.reshaping import reshaped


def paste_pieces(
    image: np.ndarray,
    class_ids: np.ndarray,
    pieces: InlierPieces,
    config: PasteConfig,
    rng: np.random.Generator,
    classes: ClassSet = STREET_CLASSES,
) -> tuple[np.ndarray, np.ndarray]:
    """Copies of a frame with objects of inlier classes in it, labelled as what they are.

    Their edges and colours are treated as those of negatives, so that these tell nothing.

    Args:
        image: uint8 [H, W, 3]. class_ids: uint8 [H, W]. Neither is changed.
    """
    image, class_ids = image.copy(), class_ids.copy()
    height, width = class_ids.shape
    horizon = config.street.horizon
    for _ in range(int(rng.integers(config.pieces[0], config.pieces[1] + 1))):
        piece = pieces.draw(rng)
        if piece is None:
            continue
        # On flat ground the drop below the horizon and the height on the image grow alike as an object comes nearer.
        scale = float(np.exp(rng.uniform(*np.log(config.piece_scale))))
        foot = round((horizon + (piece.foot - horizon) * scale) * height)
        column = ground_column(class_ids, foot, classes.ground, rng)
        centre = int(rng.integers(width)) if column is None else column  # what hangs has no ground at its foot
        place = Place(foot, centre, piece.height_share * height * scale)
        cutout = reshaped(piece.cutout, None, config.piece_reshape, rng)
        rgba = cutout.rgba[:, ::-1] if rng.random() < 0.5 else cutout.rgba
        covered = blend(image, rgba, place, _piece_look(config), rng)
        if covered is not None:
            _label(class_ids, covered, piece.class_id)
    return image, class_ids


def _piece_look(config: PasteConfig) -> LookConfig:
    # A car under a random pattern would be an unknown object with a known label.
    return replace(config.look, shadow=0.0, tint=config.piece_tint, texture=0.0)


def _label(class_ids: np.ndarray, covered: Covered, class_id: int) -> None:
    class_ids[covered.rows, covered.columns][covered.mask] = class_id
