"""Batches of training crops. Slot j of batch i is a function of (seed, i, j) alone.

So a resumed run sees the same data, and so do runs with other numbers of processes or data workers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ros_anomaly.data.augment import AugmentConfig, camera_changes, random_crop
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.training.data_config import Mixture
from ros_anomaly.training.mixing import Mixer
from ros_anomaly.training.sources import TrainingFrames
from ros_anomaly.training.stage_config import Phase


class BatchSampler:
    """Draws batches from the sources by the shares of a mixture.

    Raises:
        ValueError: the mixture asks for a source that is missing or empty.
    """

    def __init__(
        self, frames: TrainingFrames, mixture: Mixture, augment: AugmentConfig, paste: PasteConfig, seed: int
    ) -> None:
        self._mixer, self._augment, self._seed = Mixer(frames, mixture, paste), augment, seed

    def batch(self, iteration: int, phase: Phase, slots: range | None = None) -> tuple[Tensor, Tensor]:
        """(images uint8 [B, 3, h, w] in channels-last memory, class ids uint8 [B, h, w]).

        Args:
            slots: which of the phase's frames; None for all of them.
        """
        augment = self._augment if phase.scale is None else replace(self._augment, scale=phase.scale)
        chosen = range(phase.batch) if slots is None else slots
        samples = [self._sample(iteration, slot, phase, augment) for slot in chosen]
        images = torch.from_numpy(np.stack([image for image, _ in samples])).permute(0, 3, 1, 2)
        return images, torch.from_numpy(np.stack([class_ids for _, class_ids in samples]))

    def _sample(self, iteration: int, slot: int, phase: Phase, augment: AugmentConfig) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self._seed, iteration, slot))
        image, class_ids = self._mixer.draw(rng)
        image, class_ids = random_crop(image, class_ids, phase.crop, augment, rng)
        return camera_changes(image, augment, rng), class_ids
