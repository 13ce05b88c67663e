"""The default network: transformers' Mask2Former around a small backbone and a feature pyramid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.network.backbone import TAP_CHANNELS, EfficientNetLite0Backbone, EfficientNetLite0Config
from ros_anomaly.network.pixel_decoder import FpnPixelDecoder

_COARSEST_STRIDE = 32


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of an :class:`AnomalyNetwork`.

    Attributes:
        inlier_classes: K.
        outlier_class: whether the class head has the outlier row (K+2 classes) or not (K+1).
        hidden: width of the pixel decoder and of the queries.
        mask_features: width of mask embeddings and of the stride 4 features.
        feedforward: width of the feed-forward layers.
        heads: attention heads.
        decoder_layers: masked-attention layers; they look at strides 32, 16, 8, 32, ... in turn.
        queries: N.
    """

    inlier_classes: int = NUM_INLIER_CLASSES
    outlier_class: bool = False
    hidden: int = 128
    mask_features: int = 64
    feedforward: int = 512
    heads: int = 8
    decoder_layers: int = 4
    queries: int = 50

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "outlier_class" and (not isinstance(value, int) or value < 1):
                raise ValueError(f"network {name}: expected a positive integer, found {value!r}")
        if self.hidden % self.heads or self.hidden % 4:
            raise ValueError(f"network hidden: expected a multiple of heads ({self.heads}) and 4, found {self.hidden}")

    @property
    def class_rows(self) -> int:
        """Rows of the class head: K+1, or K+2 with the outlier; no-object is always the last."""
        return self.inlier_classes + (2 if self.outlier_class else 1)


@dataclass(frozen=True)
class NetworkOutput:
    """Logits of every prediction layer, the last one deciding.

    Attributes:
        class_logits: [B, N, K+1 or K+2] a layer, no-object last.
        mask_logits: [B, N, H/4, W/4] a layer.
        dense_logits: [B, K, H/8, W/8] of the auxiliary pixel classifier (training only), else None.
    """

    class_logits: tuple[Tensor, ...]
    mask_logits: tuple[Tensor, ...]
    dense_logits: Tensor | None = None


class _Mask2FormerConfig(Mask2FormerConfig):
    """Only to say that the backbone is supported; transformers warns otherwise."""

    backbones_supported = [EfficientNetLite0Config.model_type]


def mask2former_config(config: NetworkConfig) -> Mask2FormerConfig:
    """The configuration of transformers that ``config`` stands for."""
    made = _Mask2FormerConfig(
        backbone_config=EfficientNetLite0Config(),
        feature_size=config.hidden,
        mask_feature_size=config.mask_features,
        hidden_dim=config.hidden,
        encoder_layers=0,
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
    """Mask2Former with K+1 or K+2 classes. Weights are random but for the backbone after ``load_imagenet``."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.mask2former = Mask2FormerForUniversalSegmentation(mask2former_config(config))
        self.mask2former.model.pixel_level_module.decoder = FpnPixelDecoder(
            TAP_CHANNELS, config.hidden, config.mask_features, config.heads, config.feedforward
        )
        # The loss of transformers is not used (ros_anomaly.training.loss says why); it would only add a buffer.
        self.mask2former.criterion = nn.Identity()  # type: ignore[assignment]
        self.dense_head = nn.Conv2d(config.hidden, config.inlier_classes, 1)

    @property
    def backbone(self) -> EfficientNetLite0Backbone:
        return self.mask2former.model.pixel_level_module.encoder

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
        """The norms whose statistics training moves (all of them in the pixel decoder)."""
        return (module for module in self.modules() if isinstance(module, nn.BatchNorm2d))

    def forward(self, pixels: Tensor) -> NetworkOutput:
        """All prediction layers for normalised images float [B, 3, H, W]; sides that are no multiple of 32 are padded.

        Without the padding the coarse scales would cover more than the image (12 rows of stride 32 are 384 pixels,
        not 360) and be stretched over it: every feature a few pixels off, which costs thin and distant things.
        """
        height, width = pixels.shape[-2:]
        padded = F.pad(pixels, (0, -width % _COARSEST_STRIDE, 0, -height % _COARSEST_STRIDE))
        result = self.mask2former(padded, output_hidden_states=True, output_auxiliary_logits=True)
        layers = result.auxiliary_logits
        masks = (*(layer["masks_queries_logits"] for layer in layers), result.masks_queries_logits)
        dense = self.dense_head(result.pixel_decoder_hidden_states[-1]) if self.training else None
        return NetworkOutput(
            class_logits=(*(layer["class_queries_logits"] for layer in layers), result.class_queries_logits),
            mask_logits=tuple(_covering(mask, height, width, 4) for mask in masks),
            dense_logits=None if dense is None else _covering(dense, height, width, 8),
        )


def _covering(logits: Tensor, height: int, width: int, stride: int) -> Tensor:
    """The cells of ``logits`` [..., h, w] that lie on an image of height x width."""
    return logits[..., : math.ceil(height / stride), : math.ceil(width / stride)]
