"""Mixes the content of training frames: clean ones, rendered negatives, and what is pasted."""

from __future__ import annotations

import numpy as np

from ros_anomaly.data.frames import FrameArrays
from ros_anomaly.data.markings import paint_markings
from ros_anomaly.data.negatives import NegativeSource
from ros_anomaly.data.pasting import PasteConfig, paste_negatives
from ros_anomaly.data.piece_pasting import paste_pieces
from ros_anomaly.data.pieces import InlierCrops, InlierPieces
from ros_anomaly.data.shapes import MadeUpShapes
from ros_anomaly.training.data_config import Mixture
from ros_anomaly.training.sources import TrainingFrames


class Mixer:
    """Draws whole frames by the shares of a mixture.

    Raises:
        ValueError: the mixture asks for a source that is missing or empty.
    """

    def __init__(self, frames: TrainingFrames, mixture: Mixture, paste: PasteConfig) -> None:
        if mixture.pasted > 0 and frames.cutouts is None:
            raise ValueError(f"mixture: expected cut-outs for a pasted share of {mixture.pasted}, found none")
        if mixture.rendered > 0 and not frames.negatives:
            raise ValueError(f"mixture: expected rendered negatives for a share of {mixture.rendered}, found none")
        self._frames, self._mixture, self._paste = frames, mixture, paste
        pasted: list[tuple[float, NegativeSource]] = []
        if frames.cutouts is not None:
            pasted.append((mixture.pasted, frames.cutouts))
        pasted.append((mixture.shapes, MadeUpShapes()))
        pasted.append((mixture.inlier_crops, InlierCrops(frames.clean)))
        self._pasted = pasted
        self._pieces = InlierPieces(frames.clean, frames.classes.things) if mixture.pieces > 0 else None

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(image uint8 [H, W, 3], class ids uint8 [H, W] with K for anomalies), a function of ``rng`` alone.

        They may be read-only.
        """
        kind = rng.random()
        if self._frames.negatives is not None and kind < self._mixture.rendered:
            image, class_ids = _one_of(self._frames.negatives, rng)
            return self._with_inliers(image, class_ids, rng)
        image, class_ids = self._with_inliers(*_one_of(self._frames.clean, rng), rng)
        negatives = self._negatives_at(kind - self._mixture.rendered)
        # A user's own frames may show anomalies already; these are left as they are.
        if negatives is not None and not (class_ids == self._frames.classes.anomaly_id).any():
            image, class_ids = paste_negatives(image, class_ids, negatives, self._paste, rng, self._frames.classes)
        return image, class_ids

    def _negatives_at(self, kind: float) -> NegativeSource | None:
        """What is pasted into a clean frame whose lot is ``kind``; None for nothing."""
        for share, source in self._pasted:
            if kind < share:
                return source
            kind -= share
        return None

    def _with_inliers(
        self, image: np.ndarray, class_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """With paint on the road and with objects of inlier classes, as often as the mixture says."""
        classes = self._frames.classes
        if rng.random() < self._mixture.markings:
            image, class_ids = paint_markings(image, class_ids, self._paste.street, classes, rng)
        if self._pieces is not None and rng.random() < self._mixture.pieces:
            image, class_ids = paste_pieces(image, class_ids, self._pieces, self._paste, rng, classes)
        return image, class_ids


def _one_of(frames: FrameArrays, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    image, class_ids = frames.arrays(int(rng.integers(len(frames))))
    return np.asarray(image), np.asarray(class_ids)
