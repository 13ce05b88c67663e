"""What a backend has to offer: run one image through a network, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

INPUT_NAME = "image"
FUSED_OUTPUTS = ("score", "class_ids")
RAW_OUTPUTS = ("class_logits", "mask_logits")
SCENE_SCORE = "scene_score"


class Session(Protocol):
    """A network loaded by one backend. The engine around it checks what goes in and what comes out."""

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        """Outputs by name for a C-contiguous uint8 [H, W, 3] image. Any exception means: no result."""
        ...

    def close(self) -> None:
        """Release the network."""
        ...
