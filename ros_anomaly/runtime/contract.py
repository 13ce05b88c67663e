"""What every engine takes and gives (contract version 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

CONTRACT_VERSION = 1


@dataclass(frozen=True)
class Prediction:
    """Output of a fused engine for one frame.

    Attributes:
        score: float32 [h, w] anomaly score, higher is more anomalous. The UNO score (eq. 8) is a sum
            over N queries and lies within ±N; only finiteness is checked.
        class_ids: uint8 [h, w] closed-set argmax over the K inlier classes.
        scene_score: image-wide score, or None where the network gives none.

    ``h, w`` are the input size, or that of the network's masks (a half or a quarter of it), as the manifest says.
    """

    score: np.ndarray
    class_ids: np.ndarray
    scene_score: float | None = None


@dataclass(frozen=True)
class RawPrediction:
    """Output of a raw engine: class logits float32 [N, K+2] and mask logits float32 [N, h, w]."""

    class_logits: np.ndarray
    mask_logits: np.ndarray


class Engine(Protocol):
    """A loaded, ready network of fixed input size."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the image that ``infer`` takes."""
        ...

    def infer(self, image: np.ndarray) -> Prediction:
        """Run on one uint8 [H, W, 3] RGB image; ValueError on any other shape or dtype."""
        ...

    def close(self) -> None:
        """Release what the engine holds; a second call does nothing."""
        ...
