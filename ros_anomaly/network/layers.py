"""Layers that more than one part of the network is made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm without an activation."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


def resized(features: Tensor, like: Tensor) -> Tensor:
    """Bilinear, [B, C, h, w] at the height and width of ``like``."""
    return F.interpolate(features, size=like.shape[-2:], mode="bilinear", align_corners=False)
