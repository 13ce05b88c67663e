"""A feature pyramid as Mask2Former's pixel decoder.

transformers' own decoder with ``encoder_layers=0`` leaves the scales 8, 16 and 32 unconnected: the mask features
would see nothing coarser than stride 8. This one has the top-down path of a feature pyramid, with one
self-attention layer at stride 32, where a few hundred tokens see the whole image at little cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerAttention,
    Mask2FormerPixelDecoderOutput,
    Mask2FormerSinePositionEmbedding,
)

from ros_anomaly.network.layers import conv_bn, resized


class GlobalContext(nn.Module):
    """One transformer encoder layer over the tokens of a feature map [B, C, h, w]."""

    def __init__(self, channels: int, heads: int, feedforward: int) -> None:
        super().__init__()
        self.position = Mask2FormerSinePositionEmbedding(channels // 2, normalize=True)
        self.attention = Mask2FormerAttention(channels, heads)
        self.attention_norm = nn.LayerNorm(channels)
        self.feedforward = nn.Sequential(nn.Linear(channels, feedforward), nn.ReLU(), nn.Linear(feedforward, channels))
        self.feedforward_norm = nn.LayerNorm(channels)

    def forward(self, features: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        position = self.position(features.shape, features.device, features.dtype)
        tokens = features.flatten(2).permute(2, 0, 1)
        attended, _ = self.attention(tokens, position_embeddings=position.flatten(2).permute(2, 0, 1))
        tokens = self.attention_norm(tokens + attended)
        tokens = self.feedforward_norm(tokens + self.feedforward(tokens))
        return tokens.permute(1, 2, 0).reshape(batch, channels, height, width)


class FpnPixelDecoder(nn.Module):
    """Backbone features at strides 4, 8, 16, 32 to mask features at stride 4 and three scales for the queries.

    Args:
        channels: of the four backbone features.
        hidden: channels of the three coarse scales.
        mask_features: channels at stride 4; fewer than ``hidden``, because that scale costs the most.
        heads, feedforward: of the self-attention layer at stride 32.
    """

    def __init__(self, channels: Sequence[int], hidden: int, mask_features: int, heads: int, feedforward: int) -> None:
        super().__init__()
        fine, *coarse = channels
        self.laterals = nn.ModuleList([conv_bn(fine, mask_features, 1), *(conv_bn(c, hidden, 1) for c in coarse)])
        self.context = GlobalContext(hidden, heads, feedforward)
        self.smooth16 = conv_bn(hidden, hidden, 3)
        self.smooth8 = conv_bn(hidden, hidden, 3)
        self.narrow = nn.Conv2d(hidden, mask_features, 1)
        self.smooth4 = conv_bn(mask_features, mask_features, 3)
        self.mask_projection = nn.Conv2d(mask_features, mask_features, 1)

    def forward(self, features: Sequence[Tensor], **_: object) -> Mask2FormerPixelDecoderOutput:
        """``mask_features`` [B, M, H/4, W/4] and ``multi_scale_features`` [B, C, ...] at strides 32, 16, 8.

        Features finer than stride 4 may come before the four; they are for others.
        """
        stride4, stride8, stride16, stride32 = (
            lateral(feature) for lateral, feature in zip(self.laterals, features[-4:], strict=True)
        )
        stride32 = self.context(stride32)
        stride16 = F.relu(self.smooth16(stride16 + resized(stride32, stride16)))
        stride8 = F.relu(self.smooth8(stride8 + resized(stride16, stride8)))
        stride4 = F.relu(self.smooth4(stride4 + resized(self.narrow(stride8), stride4)))
        return Mask2FormerPixelDecoderOutput(
            mask_features=self.mask_projection(stride4),
            multi_scale_features=(stride32, stride16, stride8),  # type: ignore[arg-type]  # declared as one tensor
        )
