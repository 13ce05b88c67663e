"""Sizes of the backbones that a network can have, and the published ones by name."""

from __future__ import annotations

from dataclasses import dataclass

FourCounts = tuple[int, int, int, int]

EFFICIENTNET_LITE0 = "efficientnet_lite0"


def _check_counts(family: str, **counts: tuple[int, ...]) -> None:
    for name, values in counts.items():
        if len(values) not in (1, 4) or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
            raise ValueError(f"{family} {name}: expected positive integers, one a stage, found {values!r}")


@dataclass(frozen=True)
class ResNetShape:
    """Sizes of a residual network (He et al., "Deep Residual Learning for Image Recognition").

    Attributes:
        stem: channels of the first convolution.
        widths: output channels of the stages at strides 4, 8, 16 and 32.
        depths: blocks of each stage.
        bottleneck: blocks of three convolutions instead of two.
        stride_in_1x1: a stage's stride lies in the first convolution of its first bottleneck, not in the 3x3 one.
    """

    stem: int = 64
    widths: FourCounts = (256, 512, 1024, 2048)
    depths: FourCounts = (3, 4, 6, 3)
    bottleneck: bool = True
    stride_in_1x1: bool = False

    def __post_init__(self) -> None:
        _check_counts("resnet", stem=(self.stem,), widths=self.widths, depths=self.depths)


@dataclass(frozen=True)
class SwinShape:
    """Sizes of a Swin Transformer (Liu et al., "Swin Transformer: Hierarchical Vision Transformer").

    Attributes:
        width: channels at stride 4; each stage doubles them.
        depths: blocks of the stages at strides 4, 8, 16 and 32. heads: attention heads of each.
        window: side of the attention windows, in tokens.
        mlp_ratio: width of a block's hidden layer over that of its tokens.
    """

    width: int
    depths: FourCounts
    heads: FourCounts
    window: int
    mlp_ratio: float = 4.0

    def __post_init__(self) -> None:
        _check_counts("swin", width=(self.width,), depths=self.depths, heads=self.heads, window=(self.window,))
        for stage, heads in enumerate(self.heads):
            if (self.width << stage) % heads:
                raise ValueError(f"swin heads: expected divisors of {self.width << stage} channels, found {heads}")
        if not self.mlp_ratio > 0:
            raise ValueError(f"swin mlp_ratio: expected a number above 0, found {self.mlp_ratio}")


RESNETS: dict[str, ResNetShape] = {
    "resnet18": ResNetShape(64, (64, 128, 256, 512), (2, 2, 2, 2), bottleneck=False),
    "resnet50": ResNetShape(),
    "resnet101": ResNetShape(depths=(3, 4, 23, 3)),
}

SWINS: dict[str, SwinShape] = {
    "swin_tiny": SwinShape(96, (2, 2, 6, 2), (3, 6, 12, 24), window=7),
    "swin_small": SwinShape(96, (2, 2, 18, 2), (3, 6, 12, 24), window=7),
    # These two as pre-trained at 384x384, which is what Mask2Former's checkpoints use.
    "swin_base": SwinShape(128, (2, 2, 18, 2), (4, 8, 16, 32), window=12),
    "swin_large": SwinShape(192, (2, 2, 18, 2), (6, 12, 24, 48), window=12),
}

FAMILIES = ("resnet", "swin")
"""Backbones whose shape a configuration gives itself."""

BACKBONES = (EFFICIENTNET_LITE0, *RESNETS, *SWINS, *FAMILIES)


def variant_of(shape: ResNetShape | SwinShape) -> str | None:
    """Name of a published backbone of exactly this shape, or None."""
    known: dict[str, ResNetShape | SwinShape] = {**RESNETS, **SWINS}
    return next((name for name, other in known.items() if other == shape), None)
