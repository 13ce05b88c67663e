"""ResNet and Swin of transformers as backbones of a network."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights
from transformers import PreTrainedConfig, ResNetConfig, SwinConfig
from transformers.models.resnet.modeling_resnet import ResNetBackbone
from transformers.models.swin.modeling_swin import SwinBackbone

from ros_anomaly.network.backbone import INPUT_MEAN, INPUT_SCALE, EfficientNetLite0Backbone, EfficientNetLite0Config
from ros_anomaly.network.backbone_shapes import ResNetShape
from ros_anomaly.network.config import NetworkConfig

# Mean and standard deviation of ImageNet's channels in grey levels, as torchvision, detectron2 and Swin use them.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

_STAGES = ["stage1", "stage2", "stage3", "stage4"]


def backbone_config(config: NetworkConfig) -> PreTrainedConfig:
    """The backbone of ``config`` as transformers configures it, with features at strides (2,) 4, 8, 16 and 32."""
    shape = config.backbone_shape
    if shape is None:
        return EfficientNetLite0Config()
    if isinstance(shape, ResNetShape):
        return ResNetConfig(  # type: ignore[call-arg]  # out_features goes through its post-init
            embedding_size=shape.stem,
            hidden_sizes=list(shape.widths),
            depths=list(shape.depths),
            layer_type="bottleneck" if shape.bottleneck else "basic",
            downsample_in_bottleneck=shape.stride_in_1x1,
            out_features=list(_STAGES),
        )
    return SwinConfig(  # type: ignore[call-arg]  # out_features goes through its post-init
        embed_dim=shape.width,
        depths=list(shape.depths),
        num_heads=list(shape.heads),
        window_size=shape.window,
        mlp_ratio=shape.mlp_ratio,
        drop_path_rate=config.drop_path,
        out_features=list(_STAGES),
    )


def input_statistics(config: NetworkConfig) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, standard deviation) of the three channels, in grey levels, that images are normalised with."""
    if config.input_mean is not None and config.input_std is not None:
        return config.input_mean, config.input_std
    if config.backbone_shape is None:
        return (INPUT_MEAN,) * 3, (INPUT_SCALE,) * 3
    return IMAGENET_MEAN, IMAGENET_STD


def settle_backbone(backbone: nn.Module) -> None:
    """Make a fresh backbone of transformers one that is trained here, in place.

    A ResNet's batch norms get statistics that never change (batches of a few frames would spoil them); Swin's last
    norm goes, which only its classifier uses.
    """
    if isinstance(backbone, ResNetBackbone):
        for module in list(backbone.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, FrozenBatchNorm(child.num_features, child.eps))
    elif isinstance(backbone, SwinBackbone):
        backbone.swin.layernorm = nn.Identity()  # type: ignore[assignment]  # declared as the norm


def stem_parameters(backbone: nn.Module) -> Iterator[nn.Parameter]:
    """Parameters up to and with the stride 4 features, which training may freeze."""
    if isinstance(backbone, EfficientNetLite0Backbone):
        yield from backbone.stem_parameters()
    elif isinstance(backbone, ResNetBackbone):
        yield from backbone.embedder.parameters()
        yield from backbone.encoder.stages[0].parameters()
    elif isinstance(backbone, SwinBackbone):
        yield from backbone.swin.embeddings.parameters()
        yield from backbone.swin.encoder.layers[0].blocks.parameters()  # type: ignore[union-attr]
        yield from backbone.hidden_states_norms["stage1"].parameters()
    else:
        raise ValueError(f"backbone: expected EfficientNet-Lite0, ResNet or Swin, found {type(backbone).__name__}")


class FrozenBatchNorm(nn.Module):
    """A batch norm [B, C, h, w] whose statistics stay as loaded, in training too; scale and shift are trained."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.epsilon = epsilon

    def forward(self, features: Tensor) -> Tensor:
        return F.batch_norm(
            features, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.epsilon
        )

    def folded_into(self, conv: nn.Conv2d) -> nn.Conv2d:
        """One convolution that equals ``conv`` and this norm after it."""
        both = copy.deepcopy(conv)
        both.weight, both.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, self.running_mean, self.running_var, self.epsilon, self.weight, self.bias
        )
        return both
