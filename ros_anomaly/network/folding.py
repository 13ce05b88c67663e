"""What inference and export run: the same function with batch norms folded and deformable attention gathered."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ros_anomaly.network.backbone import ConvFrozenBn, same_padded_conv
from ros_anomaly.network.backbones import FrozenBatchNorm
from ros_anomaly.network.deformable import DeformableAttention, GatheredAttention
from ros_anomaly.network.model import AnomalyNetwork


class SamePaddedConv(nn.Module):
    """A :class:`ConvFrozenBn` with its norm folded for good."""

    def __init__(self, source: ConvFrozenBn) -> None:
        super().__init__()
        weight, bias = source.folded()
        self.weight, self.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
        self.stride, self.groups = source.stride, source.groups

    def forward(self, features: Tensor) -> Tensor:
        return same_padded_conv(features, self.weight, self.bias, self.stride, self.groups)


def folded_copy(network: AnomalyNetwork) -> AnomalyNetwork:
    """A copy in eval mode without batch norms and GridSample, for inference and export.

    It cannot be trained or saved as weights.
    """
    copied = copy.deepcopy(network).eval()
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    for module in list(copied.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvFrozenBn):
                setattr(module, name, SamePaddedConv(child))
            elif isinstance(child, DeformableAttention):
                setattr(module, name, GatheredAttention(child))
            elif isinstance(child, FrozenBatchNorm):
                # Wherever transformers has one, the convolution before it has this name.
                conv = module.convolution
                assert isinstance(conv, nn.Conv2d)
                module.convolution = child.folded_into(conv)
                setattr(module, name, nn.Identity())
        if isinstance(module, nn.Sequential) and len(module) == 2:
            conv, norm = module
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return copied.requires_grad_(False)
