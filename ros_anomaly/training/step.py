"""One step of optimisation: forward pass, loss, gradients, weights and their moving average."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.training.checkpoint import TrainingState
from ros_anomaly.training.compute import Compute
from ros_anomaly.training.ema import WeightAverage
from ros_anomaly.training.loss import LossConfig, LossParts, segmentation_loss
from ros_anomaly.training.optimiser import make_optimiser, set_rate, trained_parameters
from ros_anomaly.training.schedule import Schedule

_MAX_BAD_STEPS = 10


class TrainingDiverged(RuntimeError):
    """The loss was not finite for several steps in a row."""


class Stepper:
    """Holds all that a step changes.

    Args:
        network: put on the device and changed in place.
    """

    def __init__(self, network: AnomalyNetwork, schedule: Schedule, loss: LossConfig, compute: Compute) -> None:
        self.network = network
        self._schedule, self._stage, self._loss, self._compute = schedule, schedule.stage, loss, compute
        network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        if self._stage.freeze_stem:
            for parameter in network.stem_parameters():
                parameter.requires_grad_(False)
        self._average = WeightAverage(network, self._stage.ema_decay) if self._stage.ema_decay else None
        self._called, self._optimiser = compute.prepare(network, make_optimiser(network, self._stage))
        self._trained = trained_parameters(self._optimiser)
        self._bad_steps = 0

    @property
    def result(self) -> AnomalyNetwork:
        """The network that is validated and saved: the moving average of the weights where there is one."""
        return self.network if self._average is None else self._average.network

    def state(self, stage: str) -> TrainingState:
        """What a checkpoint of ``stage`` must hold, and is restored into."""
        average = None if self._average is None else self._average.network
        return TrainingState(stage, self.network, self._optimiser, average, self._compute.scaler)

    def step(self, images: Tensor, class_ids: Tensor, iteration: int, share: float) -> LossParts:
        """Take step ``iteration`` (from 0 on) at ``share`` of the stage.

        Args:
            images: uint8 [B, 3, h, w]. class_ids: uint8 [B, h, w].

        Raises:
            TrainingDiverged: the tenth step in a row without a finite loss.
        """
        set_rate(self._optimiser, self._schedule.factor(iteration, share))
        self.network.train()
        if self._stage.freeze_norms:
            for norm in self.network.batch_norms():
                norm.eval()
        config = self.network.config
        pixels = self.network.prepare(self._compute.move(images))
        output = self._called(pixels)
        class_ids = _enlarged(self._compute.move(class_ids), pixels.shape[-2:])
        parts = segmentation_loss(output, class_ids, config.inlier_classes, config.outlier_class, self._loss)
        self._optimiser.zero_grad(set_to_none=True)
        self._compute.backward(parts.total)
        self._update(parts)
        if self._average is not None:
            self._average.update(self.network, iteration + 1)
        return parts

    def _update(self, parts: LossParts) -> None:
        # Bad steps are told by the gradients, not by the loss: with several processes these are summed over all, so
        # that all come to the same decision, and none waits for the gradients of one that gave up before.
        good = math.isfinite(float(self._compute.clip(self._trained, self._stage.clip_norm)))
        if self._compute.scaler is not None:
            self._optimiser.step()  # leaves a step with overflowing gradients out by itself, and scales less after it
            good = good or math.isfinite(parts.value)
        elif good:
            self._optimiser.step()
        self._bad_steps = 0 if good else self._bad_steps + 1
        if self._bad_steps >= _MAX_BAD_STEPS:
            raise TrainingDiverged(f"expected a finite loss, found {_MAX_BAD_STEPS} steps without")


def _enlarged(class_ids: Tensor, size: Sequence[int]) -> Tensor:
    """Class ids uint8 [B, h, w] at the size that the network saw their images in."""
    if tuple(class_ids.shape[-2:]) == tuple(size):
        return class_ids
    return F.interpolate(class_ids[:, None], size=tuple(size), mode="nearest-exact")[:, 0]
