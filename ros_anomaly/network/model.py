"""The network: transformers' Mask2Former around a backbone and a pixel decoder of ours or its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from ros_anomaly.network.backbone import TAP_CHANNELS, EfficientNetLite0Config
from ros_anomaly.network.backbones import backbone_config, input_statistics, settle_backbone, stem_parameters
from ros_anomaly.network.config import NetworkConfig
from ros_anomaly.network.deformable import DeformablePixelDecoder
from ros_anomaly.network.fine_masks import FineMasks
from ros_anomaly.network.pixel_decoder import FpnPixelDecoder

__all__ = ["AnomalyNetwork", "NetworkConfig", "NetworkOutput", "SupportedMask2FormerConfig", "mask2former_config"]

_COARSEST_STRIDE = 32


@dataclass(frozen=True)
class NetworkOutput:
    """Logits of every prediction layer, the last one deciding.

    Attributes:
        class_logits: [B, N, K+1 or K+2] a layer, no-object last.
        mask_logits: [B, N, H/4, W/4] a layer; the last [B, N, H/2, W/2] where the network has fine features; H and W
            are those of the enlarged images.
        dense_logits: [B, K, H/8, W/8] of the auxiliary pixel classifier (training only), else None.
    """

    class_logits: tuple[Tensor, ...]
    mask_logits: tuple[Tensor, ...]
    dense_logits: Tensor | None = None


class SupportedMask2FormerConfig(Mask2FormerConfig):
    """Only to say that the backbones are supported; transformers warns otherwise."""

    backbones_supported = [EfficientNetLite0Config.model_type, "resnet", "swin"]


def mask2former_config(config: NetworkConfig) -> Mask2FormerConfig:
    """The configuration of transformers that ``config`` stands for."""
    made = SupportedMask2FormerConfig(
        backbone_config=backbone_config(config),
        feature_size=config.hidden,
        mask_feature_size=config.mask_features,
        hidden_dim=config.hidden,
        encoder_layers=config.encoder_layers if config.pixel_decoder == "deformable" else 0,
        encoder_feedforward_dim=config.encoder_feedforward,
        decoder_layers=config.decoder_layers + 1,
        num_attention_heads=config.heads,
        dim_feedforward=config.feedforward,
        num_queries=config.queries,
        use_auxiliary_loss=True,
        output_auxiliary_logits=True,
    )
    made.num_labels = config.class_rows - 1
    return made


class AnomalyNetwork(nn.Module):
    """Mask2Former with K+1 or K+2 classes. Weights are random until some are loaded.

    ``input_mean`` and ``input_std`` are grey levels [3, 1, 1].
    """

    input_mean: Tensor
    input_std: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.mask2former = Mask2FormerForUniversalSegmentation(mask2former_config(config))
        pixel_level = self.mask2former.model.pixel_level_module
        settle_backbone(pixel_level.encoder)
        channels = pixel_level.encoder.channels
        if config.pixel_decoder == "deformable":
            pixel_level.decoder = DeformablePixelDecoder(self.mask2former.config, channels)
            pixel_level.decoder.apply(self.mask2former._init_weights)
        else:
            pixel_level.decoder = FpnPixelDecoder(
                channels[-4:], config.hidden, config.mask_features, config.heads, config.feedforward
            )
        # The loss of transformers is not used (ros_anomaly.training.loss says why); it would only add a buffer.
        self.mask2former.criterion = nn.Identity()  # type: ignore[assignment]
        self.fine_masks = None
        if config.fine_features:
            self.fine_masks = FineMasks(TAP_CHANNELS[0], config.mask_features, config.hidden, config.fine_features)
        self.dense_head = nn.Conv2d(config.hidden, config.inlier_classes, 1)
        mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in input_statistics(config))
        self.register_buffer("input_mean", mean, persistent=False)
        self.register_buffer("input_std", deviation, persistent=False)

    @property
    def backbone(self) -> nn.Module:
        """EfficientNet-Lite0, or ResNet or Swin of transformers."""
        return self.mask2former.model.pixel_level_module.encoder

    def stem_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the backbone up to and with the stride 4 features, which training may freeze."""
        return stem_parameters(self.backbone)

    def prepare(self, images: Tensor) -> Tensor:
        """uint8 images [B, 3, H, W] as ``forward`` takes them: float32, normalised, enlarged by ``input_scale``."""
        normalised = (images.float() - self.input_mean) / self.input_std
        size = self.config.input_size(*images.shape[-2:])
        if size == tuple(images.shape[-2:]):
            return normalised
        return F.interpolate(normalised, size=size, mode="bilinear", align_corners=False)

    @property
    def class_head(self) -> nn.Linear:
        """Linear hidden -> K+1 or K+2."""
        return self.mask2former.class_predictor

    def replace_class_head(self, head: nn.Linear, outlier_class: bool) -> None:
        """Put another class head in; ValueError if its rows do not fit."""
        config = replace(self.config, outlier_class=outlier_class)
        if head.out_features != config.class_rows or head.in_features != config.hidden:
            found = f"{head.in_features} -> {head.out_features}"
            raise ValueError(f"class head: expected {config.hidden} -> {config.class_rows}, found {found}")
        self.config = config
        self.mask2former.class_predictor = head
        self.mask2former.config.num_labels = config.class_rows - 1

    def batch_norms(self) -> Iterator[nn.BatchNorm2d]:
        """The norms whose statistics training moves (those of backbones never do)."""
        return (module for module in self.modules() if isinstance(module, nn.BatchNorm2d))

    def forward(self, pixels: Tensor) -> NetworkOutput:
        """All prediction layers for what ``prepare`` gives, float [B, 3, H, W]; sides no multiple of 32 are padded.

        Without the padding the coarse scales would cover more than the image (12 rows of stride 32 are 384 pixels,
        not 360) and be stretched over it: every feature a few pixels off, which costs thin and distant things.
        """
        height, width = pixels.shape[-2:]
        padded = F.pad(pixels, (0, -width % _COARSEST_STRIDE, 0, -height % _COARSEST_STRIDE))
        result = self.mask2former(padded, output_hidden_states=True, output_auxiliary_logits=True)
        layers = result.auxiliary_logits
        masks = [*(layer["masks_queries_logits"] for layer in layers), result.masks_queries_logits]
        masks = [_covering(mask, height, width, 4) for mask in masks]
        if self.fine_masks is not None:
            fine = self.fine_masks(
                result.encoder_hidden_states[0],
                result.pixel_decoder_last_hidden_state,
                self._decoded_queries(result.transformer_decoder_last_hidden_state),
                result.masks_queries_logits,
            )
            masks[-1] = _covering(fine, height, width, 2)
        dense = self.dense_head(result.pixel_decoder_hidden_states[-1]) if self.training else None
        return NetworkOutput(
            class_logits=(*(layer["class_queries_logits"] for layer in layers), result.class_queries_logits),
            mask_logits=tuple(masks),
            dense_logits=None if dense is None else _covering(dense, height, width, 8),
        )

    def _decoded_queries(self, hidden: Tensor) -> Tensor:
        """The queries [B, N, hidden] that classes and masks are predicted from: transformers returns them raw."""
        return self.mask2former.model.transformer_module.decoder.layernorm(hidden)


def _covering(logits: Tensor, height: int, width: int, stride: int) -> Tensor:
    """The cells of ``logits`` [..., h, w] that lie on an image of height x width."""
    return logits[..., : math.ceil(height / stride), : math.ceil(width / stride)]
