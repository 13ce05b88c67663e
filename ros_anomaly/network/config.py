"""The architecture of a network, as recipes and weights files name it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.network.backbone_shapes import (
    BACKBONES,
    EFFICIENTNET_LITE0,
    RESNETS,
    SWINS,
    ResNetShape,
    SwinShape,
)

PIXEL_DECODERS = ("fpn", "deformable")
_NORM_GROUPS = 32  # of the deformable pixel decoder's group norms

_LEAST = {
    "inlier_classes": 1,
    "hidden": 1,
    "mask_features": 1,
    "feedforward": 1,
    "heads": 1,
    "decoder_layers": 1,
    "queries": 1,
    "fine_features": 0,
    "encoder_layers": 1,
    "encoder_feedforward": 1,
}


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of an :class:`ros_anomaly.network.model.AnomalyNetwork`. ValueError where it does not fit itself.

    Attributes:
        inlier_classes: K.
        outlier_class: whether the class head has the outlier row (K+2 classes) or not (K+1).
        hidden: width of the pixel decoder and of the queries.
        mask_features: width of mask embeddings and of the stride 4 features.
        feedforward: width of the feed-forward layers.
        heads: attention heads.
        decoder_layers: masked-attention layers; they look at strides 32, 16, 8, 32, ... in turn.
        queries: N.
        fine_features: width of the features at stride 2 that the last layer's masks are refined by; 0 leaves the
            masks at stride 4.
        backbone: one of ``BACKBONES``; ``resnet`` and ``swin`` take their shape from the field of that name.
        resnet, swin: shape of a backbone without a name, else None.
        drop_path: Swin, in training only: share of the residual branches that is dropped, rising to this at the last.
        pixel_decoder: ``fpn`` (:class:`FpnPixelDecoder`) or ``deformable`` (Mask2Former's own).
        encoder_layers, encoder_feedforward: of the deformable pixel decoder: layers, and width of their hidden layer.
        input_scale: images are enlarged by this before the backbone, 1 to 4. Small, thin and distant things gain cells
            at every stride, at its square in time; images, labels and the engine's input keep their size.
        input_mean, input_std: of the image channels, in grey levels 0..255; None is what the backbone expects.
    """

    inlier_classes: int = NUM_INLIER_CLASSES
    outlier_class: bool = False
    hidden: int = 128
    mask_features: int = 64
    feedforward: int = 512
    heads: int = 8
    decoder_layers: int = 4
    queries: int = 50
    fine_features: int = 0
    backbone: str = EFFICIENTNET_LITE0
    resnet: ResNetShape | None = None
    swin: SwinShape | None = None
    drop_path: float = 0.0
    pixel_decoder: str = "fpn"
    encoder_layers: int = 6
    encoder_feedforward: int = 1024
    input_scale: float = 1.0
    input_mean: tuple[float, float, float] | None = None
    input_std: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"network {name}: expected an integer from {least} on, found {value!r}")
        if self.hidden % self.heads or self.hidden % 4:
            raise ValueError(f"network hidden: expected a multiple of heads ({self.heads}) and 4, found {self.hidden}")
        self._check_backbone()
        self._check_pixel_decoder()
        self._check_input()

    def _check_backbone(self) -> None:
        if self.backbone not in BACKBONES:
            raise ValueError(f"network backbone: expected one of {', '.join(BACKBONES)}; found {self.backbone!r}")
        for family, shape in (("resnet", self.resnet), ("swin", self.swin)):
            if (self.backbone == family) != (shape is not None):
                found = "none" if shape is None else f"one with backbone {self.backbone}"
                raise ValueError(f"network {family}: expected a shape with backbone {family} alone, found {found}")
        if not 0 <= self.drop_path < 1:
            raise ValueError(f"network drop_path: expected a share from 0 to below 1, found {self.drop_path}")
        if self.drop_path and not isinstance(self.backbone_shape, SwinShape):
            raise ValueError(f"network drop_path: expected 0 with backbone {self.backbone}, found {self.drop_path}")
        if self.fine_features and self.backbone != EFFICIENTNET_LITE0:
            raise ValueError(
                f"network fine_features: expected 0 with backbone {self.backbone}, which has no features at stride 2; "
                f"found {self.fine_features}"
            )

    def _check_pixel_decoder(self) -> None:
        if self.pixel_decoder not in PIXEL_DECODERS:
            raise ValueError(
                f"network pixel_decoder: expected one of {', '.join(PIXEL_DECODERS)}; found {self.pixel_decoder!r}"
            )
        if self.pixel_decoder == "deformable" and self.hidden % _NORM_GROUPS:
            raise ValueError(
                f"network hidden: expected a multiple of {_NORM_GROUPS} with a deformable pixel decoder, "
                f"found {self.hidden}"
            )

    def _check_input(self) -> None:
        if not 1 <= self.input_scale <= 4:
            raise ValueError(f"network input_scale: expected 1 to 4, found {self.input_scale}")
        if (self.input_mean is None) != (self.input_std is None):
            raise ValueError("network input_mean and input_std: expected both or none, found one")
        for name, values in (("input_mean", self.input_mean), ("input_std", self.input_std)):
            if values is not None and (len(values) != 3 or not all(math.isfinite(value) for value in values)):
                raise ValueError(f"network {name}: expected three finite grey levels, found {values}")
        if self.input_std is not None and min(self.input_std) <= 0:
            raise ValueError(f"network input_std: expected values above 0, found {self.input_std}")

    @property
    def mask_stride(self) -> int:
        """Side of a cell of the last layer's masks, in pixels of the enlarged image."""
        return 2 if self.fine_features else 4

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image has after it was enlarged."""
        return round(height * self.input_scale), round(width * self.input_scale)

    @property
    def class_rows(self) -> int:
        """Rows of the class head: K+1, or K+2 with the outlier; no-object is always the last."""
        return self.inlier_classes + (2 if self.outlier_class else 1)

    @property
    def backbone_shape(self) -> ResNetShape | SwinShape | None:
        """Shape of a ResNet or Swin backbone; None for EfficientNet-Lite0, which has but one."""
        return self.resnet or self.swin or RESNETS.get(self.backbone) or SWINS.get(self.backbone)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> NetworkConfig:
        """From what ``dataclasses.asdict`` gives, also after a way through JSON. ValueError names an unknown key."""
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(plain) - names):
            raise ValueError(f"network: expected keys {', '.join(sorted(names))}; found {', '.join(unknown)}")
        values = _with_tuples(plain)
        try:
            if isinstance(shape := values.get("resnet"), Mapping):
                values["resnet"] = ResNetShape(**_with_tuples(shape))
            if isinstance(shape := values.get("swin"), Mapping):
                values["swin"] = SwinShape(**_with_tuples(shape))
        except TypeError as error:
            raise ValueError(f"network backbone: expected the keys of a shape, found {shape} ({error})") from error
        return cls(**values)


def _with_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists alone."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
