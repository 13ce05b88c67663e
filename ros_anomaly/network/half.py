"""A network in half precision, strongly typed: what is float16 is so in the graph, and builders have nothing to choose.

Matrices, kernels and features are float16. What a half's ten bits of mantissa are too few for stays float32: the image
until it is normalised and enlarged, the places that deformable attention reads at, and positions before they are
embedded. :class:`ros_anomaly.network.fused.FusedNetwork` takes softmax, σ and the sums over queries in float32 anyway.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.models.mask2former.modeling_mask2former import Mask2FormerSinePositionEmbedding

from ros_anomaly.network.model import AnomalyNetwork, NetworkOutput

_LARGEST = torch.finfo(torch.float16).max


class HalfNetwork(nn.Module):
    """A folded network with float16 parameters.

    Args:
        network: of ``folded_copy``; it is taken over and changed.

    Raises:
        ValueError: a parameter that no float16 can hold.
    """

    def __init__(self, network: AnomalyNetwork) -> None:
        super().__init__()
        for name, parameter in network.named_parameters():
            if (largest := float(parameter.abs().max())) > _LARGEST:
                raise ValueError(f"half precision: expected parameters up to {_LARGEST:g}, found {largest:g} in {name}")
        mean, deviation = network.input_mean, network.input_std
        self.network = network.half()
        self.network.input_mean, self.network.input_std = mean, deviation
        for module in list(self.network.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, Mask2FormerSinePositionEmbedding):
                    setattr(module, name, _ExactPositions(child))

    def prepare(self, images: Tensor) -> Tensor:
        """As ``AnomalyNetwork.prepare``; float16."""
        return self.network.prepare(images).half()

    def forward(self, pixels: Tensor) -> NetworkOutput:
        """As ``AnomalyNetwork.forward``; float16 in and out."""
        output: NetworkOutput = self.network(pixels)
        return output


class _ExactPositions(nn.Module):
    """Sines of positions, rounded when they are done: their arguments grow with the image, halves grow coarser."""

    def __init__(self, embedding: Mask2FormerSinePositionEmbedding) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(
        self, shape: torch.Size, device: torch.device | str, dtype: torch.dtype, mask: Tensor | None = None
    ) -> Tensor:
        positions: Tensor = self.embedding(shape, device, torch.float32, mask)
        return positions.to(dtype)
