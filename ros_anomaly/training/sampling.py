"""Batches of training crops. Batch i is a function of (seed, i) alone, so a resumed run sees the same data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ros_anomaly.data.augment import AugmentConfig, camera_changes, random_crop
from ros_anomaly.data.pasting import Cutouts, PasteConfig, paste_negatives
from ros_anomaly.training.recipe import Mixture, Phase


class FrameArrays(Protocol):
    """Random access to (image uint8 [H, W, 3], class ids uint8 [H, W]); a FrameStore is one."""

    def __len__(self) -> int: ...

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class TrainingFrames:
    """The sources of a run; ``negatives`` and ``cutouts`` are None where a stage does without."""

    clean: FrameArrays
    negatives: FrameArrays | None = None
    cutouts: Cutouts | None = None

    def __post_init__(self) -> None:
        if len(self.clean) == 0:
            raise ValueError("training frames: expected at least one clean frame, found none")


class BatchSampler:
    """Draws batches from the sources by the shares of a mixture.

    Raises:
        ValueError: the mixture asks for a source that is missing or empty.
    """

    def __init__(
        self, frames: TrainingFrames, mixture: Mixture, augment: AugmentConfig, paste: PasteConfig, seed: int
    ) -> None:
        if mixture.pasted > 0 and not frames.cutouts:
            raise ValueError(f"mixture: expected cut-outs for a pasted share of {mixture.pasted}, found none")
        if mixture.rendered > 0 and not frames.negatives:
            raise ValueError(f"mixture: expected rendered negatives for a share of {mixture.rendered}, found none")
        self._frames, self._mixture, self._augment, self._paste = frames, mixture, augment, paste
        self._seed = seed

    def batch(self, iteration: int, phase: Phase) -> tuple[Tensor, Tensor]:
        """(images uint8 [B, 3, h, w] in channels-last memory, class ids uint8 [B, h, w])."""
        augment = self._augment if phase.scale is None else replace(self._augment, scale=phase.scale)
        samples = [self._sample(iteration, slot, phase, augment) for slot in range(phase.batch)]
        images = torch.from_numpy(np.stack([image for image, _ in samples])).permute(0, 3, 1, 2)
        return images, torch.from_numpy(np.stack([class_ids for _, class_ids in samples]))

    def _sample(self, iteration: int, slot: int, phase: Phase, augment: AugmentConfig) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self._seed, iteration, slot))
        kind = rng.random()
        frames, mixture = self._frames, self._mixture
        if frames.negatives is not None and kind < mixture.rendered:
            image, class_ids = frames.negatives.arrays(int(rng.integers(len(frames.negatives))))
        else:
            image, class_ids = frames.clean.arrays(int(rng.integers(len(frames.clean))))
            if frames.cutouts is not None and kind < mixture.rendered + mixture.pasted:
                image, class_ids = paste_negatives(
                    np.asarray(image), np.asarray(class_ids), frames.cutouts, self._paste, rng
                )
        image, class_ids = random_crop(image, class_ids, phase.crop, augment, rng)
        return camera_changes(image, augment, rng), class_ids
