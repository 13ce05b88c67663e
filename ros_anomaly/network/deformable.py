"""Mask2Former's deformable pixel decoder, and its attention without GridSample for export.

Deformable attention (Zhu et al., "Deformable DETR", eq. 3) reads every scale at a few places that each query chooses,
bilinearly. As GridSample that is misread by engine builders without a word; gathers and products are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoder,
    Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention,
    Mask2FormerPixelDecoderOutput,
)

DeformableAttention = Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention


class DeformablePixelDecoder(Mask2FormerPixelDecoder):
    """transformers' pixel decoder on the last four of the backbone's features: strides 4, 8, 16 and 32."""

    def __init__(self, config: Mask2FormerConfig, channels: Sequence[int]) -> None:
        super().__init__(config, list(channels[-4:]))

    def forward(  # type: ignore[override]  # nothing else of transformers' options is asked for
        self, features: Sequence[Tensor], **options: bool | None
    ) -> Mask2FormerPixelDecoderOutput:
        """``mask_features`` [B, M, H/4, W/4] and ``multi_scale_features`` [B, C, ...] at strides 32, 16, 8."""
        return super().forward(tuple(features[-4:]), **options)

    def get_valid_ratio(self, mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Share of each side that is no padding; float32 at every precision, and with it all places that follow."""
        return super().get_valid_ratio(mask, torch.float32)


class GatheredAttention(nn.Module):
    """A deformable attention layer that reads with gathers: the same function of the same parameters."""

    def __init__(self, source: DeformableAttention) -> None:
        super().__init__()
        self.heads, self.levels, self.points = source.n_heads, source.n_levels, source.n_points
        self.sampling_offsets = source.sampling_offsets
        self.attention_weights = source.attention_weights
        self.value_proj = source.value_proj
        self.output_proj = source.output_proj

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        position_embeddings: Tensor,
        reference_points: Tensor,
        spatial_shapes_list: Sequence[tuple[int, int]],
        **_: object,
    ) -> tuple[Tensor, Tensor]:
        """(attended [B, T, C], weights [B, heads, T, levels, points]) for T queries over S tokens of all levels.

        Args:
            hidden_states, position_embeddings: queries [B, T, C] and what is added to them.
            encoder_hidden_states: values [B, S, C], level after level.
            reference_points: [B, T, levels, 2], x and y of every query as shares of the image.
            spatial_shapes_list: (height, width) of each level.
        """
        queries = hidden_states + position_embeddings
        batch, tokens, channels = queries.shape
        value = self.value_proj(encoder_hidden_states)
        value = value.view(batch, -1, self.heads, channels // self.heads).transpose(1, 2)
        shape = (batch, tokens, self.heads, self.levels, self.points)
        # Places are computed in float32 at every precision: float16 knows no tenth of a pixel beyond column 128.
        offsets = self.sampling_offsets(queries).float().view(*shape, 2).transpose(1, 2)
        weights = torch.softmax(self.attention_weights(queries).view(*shape[:3], -1), dim=-1)
        weights = weights.view(shape).transpose(1, 2)
        references = reference_points.float()[:, None, :, :, None]
        attended = torch.zeros_like(value[:, :, :1])
        start = 0
        for level, (height, width) in enumerate(spatial_shapes_list):
            x = references[..., level, :, 0] * width + offsets[..., level, :, 0] - 0.5
            y = references[..., level, :, 1] * height + offsets[..., level, :, 1] - 0.5
            scale = value[:, :, start : start + height * width]
            attended = attended + _read(scale, x, y, weights[..., level, :], (height, width))
            start += height * width
        attended = attended.transpose(1, 2).reshape(batch, tokens, channels)
        return self.output_proj(attended), weights


def _read(value: Tensor, x: Tensor, y: Tensor, weights: Tensor, size: tuple[int, int]) -> Tensor:
    """Weighted sum [B, heads, T, D] of bilinear readings of ``value``; outside of it there are zeros.

    Args:
        value: [B, heads, height * width, D]. x, y: [B, heads, T, points] in cells, 0 is the middle of the first.
        weights: [B, heads, T, points]. size: (height, width).
    """
    height, width = size
    batch, heads, cells, channels = value.shape
    right, down = (torch.tensor(corner, device=x.device) for corner in ((0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)))
    column, row = torch.floor(x)[..., None] + right, torch.floor(y)[..., None] + down
    near_column, near_row = column.clamp(0, width - 1), row.clamp(0, height - 1)
    share = (1 - (x[..., None] - column).abs()) * (1 - (y[..., None] - row).abs())
    inside = (near_column == column) & (near_row == row)
    share = torch.where(inside, share, torch.zeros_like(share)) * weights[..., None]
    first = torch.arange(batch * heads, device=x.device).view(batch, heads, 1, 1, 1) * cells
    index = (near_row * width + near_column).to(torch.int64) + first
    rows = value.reshape(-1, channels).index_select(0, index.reshape(-1))
    rows = rows.view(batch, heads, x.shape[2], -1, channels)
    return torch.matmul(share.to(value.dtype).flatten(3)[..., None, :], rows)[..., 0, :]
