"""Masks at stride 2: what stride 4 cannot draw.

At stride 4 poles, lane lines and an object 30 m ahead are a cell or less wide. This branch adds to the upsampled
mask logits a second product of queries and features, of features at stride 2 that are few and cheap, so that the
fine scale only has to say where an edge runs, not what is on either side of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros_anomaly.network.layers import conv_bn, resized


class FineMasks(nn.Module):
    """Mask logits at stride 2 from those at stride 4, and backbone features at stride 2.

    Args:
        stride2_channels: of the backbone's features at stride 2.
        mask_features: channels of the pixel decoder's features at stride 4.
        hidden: width of the queries.
        channels: of the fine features.
    """

    def __init__(self, stride2_channels: int, mask_features: int, hidden: int, channels: int) -> None:
        super().__init__()
        self.lateral = conv_bn(stride2_channels, channels, 1)
        self.narrow = nn.Conv2d(mask_features, channels, 1)
        self.mixers = nn.ModuleList([_Mixer(channels), _Mixer(channels)])
        self.embed = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        # The branch starts as nothing: a network that was trained without it is what it was before the first step.
        last = self.embed[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, stride2: Tensor, stride4: Tensor, queries: Tensor, mask_logits: Tensor) -> Tensor:
        """Float [B, N, H/2, W/2].

        Args:
            stride2: backbone features [B, C, H/2, W/2]. stride4: of the pixel decoder [B, M, H/4, W/4].
            queries: [B, N, hidden] after the decoder's last norm. mask_logits: [B, N, H/4, W/4].
        """
        lateral = self.lateral(stride2)
        features = F.relu(lateral + resized(self.narrow(stride4), lateral))
        for mixer in self.mixers:
            features = mixer(features)
        details = torch.einsum("bqc,bchw->bqhw", self.embed(queries), features)
        return resized(mask_logits, details) + details


class _Mixer(nn.Module):
    """Depthwise 3x3 and pointwise convolution with a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = conv_bn(channels, channels, 3, groups=channels)
        self.pointwise = conv_bn(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        return features + F.relu(self.pointwise(self.depthwise(features)))
