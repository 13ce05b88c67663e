"""Exponential moving average of weights."""

from __future__ import annotations

import copy

import torch

from ros_anomaly.network.model import AnomalyNetwork


class WeightAverage:
    """A second network whose weights and norm statistics follow those in training smoothly.

    ``average <- d average + (1 - d) weights`` with ``d = min(decay, (1 + n) / (10 + n))`` after step n: the start
    values, which are no result of training, have left the average after a few dozen steps whatever the decay.

    Args:
        network: before it is wrapped for training; its weights are the start values.
        decay: below 1; about the last ``1 / (1 - decay)`` steps count.
    """

    def __init__(self, network: AnomalyNetwork, decay: float) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"ema decay: expected a value between 0 and 1, found {decay}")
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: AnomalyNetwork, step: int) -> None:
        """Take in the weights after ``step`` steps (from 1 on)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages, currents = [], []
        source = network.state_dict()
        for name, average in self.network.state_dict().items():
            if average.is_floating_point():
                averages.append(average)
                currents.append(source[name])
            else:
                average.copy_(source[name])
        torch._foreach_lerp_(averages, currents, 1.0 - decay)
