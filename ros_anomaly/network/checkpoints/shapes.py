"""The architecture that the shapes of a checkpoint's tensors imply."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from ros_anomaly.network.backbone_shapes import FourCounts, ResNetShape, SwinShape, variant_of
from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.config import NetworkConfig

_ENCODER = "model.pixel_level_module.encoder"
_DECODER = "model.pixel_level_module.decoder"
_QUERIES = "model.transformer_module"
_SWIN_STEM = f"{_ENCODER}.swin.embeddings.patch_embeddings.projection.weight"
_RESNET_STEM = f"{_ENCODER}.embedder.embedder.convolution.weight"
_LEVELS, _POINTS = 3, 4  # of deformable attention, fixed in transformers

_DECIDING = (
    "class_predictor.weight",
    f"{_QUERIES}.queries_embedder.weight",
    f"{_QUERIES}.decoder.layers.0.fc1.weight",
    f"{_DECODER}.mask_projection.weight",
    f"{_DECODER}.encoder.layers.0.fc1.weight",
    f"{_DECODER}.encoder.layers.0.self_attn.sampling_offsets.weight",
)


def class_rows(tensors: Mapping[str, Tensor], where: str) -> int:
    """Rows of the class head, no-object among them."""
    if "class_predictor.weight" not in tensors:
        raise CheckpointImportError(f"{where}: expected a class head, found a single number in its place")
    return _matrix(tensors, "class_predictor.weight", where)[0]


def implied_config(tensors: Mapping[str, Tensor], inlier_classes: int, where: str) -> NetworkConfig:
    """The network whose tensors (transformers' names) have these shapes.

    Number and widths of layers, heads and windows all leave traces in shapes; what does not is the same in every
    published Mask2Former: normalisation after each layer, ReLU in the decoders, GELU in Swin, epsilons.

    Args:
        inlier_classes: K; the head's rows then say whether it has the outlier class.
        where: the checkpoint, for errors.

    Raises:
        CheckpointImportError: deciding tensors are missing, or shapes that no network of ours has.
    """
    missing = [name for name in _DECIDING if name not in tensors]
    if missing:
        raise CheckpointImportError(f"{where}: expected tensors that decide the architecture, missing {_list(missing)}")
    rows, hidden = _matrix(tensors, "class_predictor.weight", where)
    offsets, _ = _matrix(tensors, f"{_DECODER}.encoder.layers.0.self_attn.sampling_offsets.weight", where)
    try:
        backbone = _backbone(tensors, where)
        variant = variant_of(backbone)
        family = "swin" if isinstance(backbone, SwinShape) else "resnet"
        return NetworkConfig(
            inlier_classes=inlier_classes,
            outlier_class=_has_outlier(rows, inlier_classes, where),
            hidden=hidden,
            mask_features=tensors[f"{_DECODER}.mask_projection.weight"].shape[0],
            feedforward=tensors[f"{_QUERIES}.decoder.layers.0.fc1.weight"].shape[0],
            heads=offsets // (2 * _LEVELS * _POINTS),
            decoder_layers=_count(tensors, rf"{_QUERIES}.decoder.layers.(\d+)."),
            queries=tensors[f"{_QUERIES}.queries_embedder.weight"].shape[0],
            backbone=variant or family,
            resnet=backbone if isinstance(backbone, ResNetShape) and variant is None else None,
            swin=backbone if isinstance(backbone, SwinShape) and variant is None else None,
            pixel_decoder="deformable",
            encoder_layers=_count(tensors, rf"{_DECODER}.encoder.layers.(\d+)."),
            encoder_feedforward=tensors[f"{_DECODER}.encoder.layers.0.fc1.weight"].shape[0],
        )
    except CheckpointImportError:
        raise
    except ValueError as error:
        raise CheckpointImportError(f"{where}: {error}") from error


def _has_outlier(rows: int, inlier_classes: int, where: str) -> bool:
    if rows not in (inlier_classes + 1, inlier_classes + 2):
        raise CheckpointImportError(
            f"{where}: expected a class head of {inlier_classes + 1} rows ({inlier_classes} classes and no-object) or "
            f"{inlier_classes + 2} (the outlier class too), found {rows}"
        )
    return rows == inlier_classes + 2


def _backbone(tensors: Mapping[str, Tensor], where: str) -> ResNetShape | SwinShape:
    if _SWIN_STEM in tensors:
        return _swin(tensors, where)
    if _RESNET_STEM in tensors:
        return _resnet(tensors, where)
    raise CheckpointImportError(
        f"{where}: expected a Swin or ResNet backbone, with a tensor {_SWIN_STEM} or {_RESNET_STEM}; found none"
    )


def _swin(tensors: Mapping[str, Tensor], where: str) -> SwinShape:
    layers = f"{_ENCODER}.swin.encoder.layers"
    width = tensors[_SWIN_STEM].shape[0]
    first = [f"{layers}.{stage}.blocks.0" for stage in range(4)]
    tables = [f"{block}.attention.relative_position_bias.relative_position_bias_table" for block in first]
    wanted = [*tables, f"{first[0]}.mlp.fc1.weight"]
    if missing := [name for name in wanted if name not in tensors]:
        raise CheckpointImportError(f"{where}: expected a Swin of four stages, missing {_list(missing)}")
    # A table has a row for every difference of two places in a window, which are (2 w - 1) squared.
    window = (math.isqrt(tensors[tables[0]].shape[0]) + 1) // 2
    return SwinShape(
        width,
        _four(_count(tensors, rf"{layers}.{stage}.blocks.(\d+).") for stage in range(4)),
        _four(tensors[table].shape[1] for table in tables),
        window,
        tensors[wanted[-1]].shape[0] / width,
    )


def _resnet(tensors: Mapping[str, Tensor], where: str) -> ResNetShape:
    stages = f"{_ENCODER}.encoder.stages"
    bottleneck = f"{stages}.0.layers.0.layer.2.convolution.weight" in tensors
    last = [f"{stages}.{stage}.layers.0.layer.{2 if bottleneck else 1}.convolution.weight" for stage in range(4)]
    if missing := [name for name in last if name not in tensors]:
        raise CheckpointImportError(f"{where}: expected a ResNet of four stages, missing {_list(missing)}")
    return ResNetShape(
        tensors[_RESNET_STEM].shape[0],
        _four(tensors[name].shape[0] for name in last),
        _four(_count(tensors, rf"{stages}.{stage}.layers.(\d+).") for stage in range(4)),
        bottleneck,
    )


def _four(values: Iterable[int]) -> FourCounts:
    first, second, third, fourth = values
    return first, second, third, fourth


def _matrix(tensors: Mapping[str, Tensor], name: str, where: str) -> tuple[int, int]:
    shape = tuple(tensors[name].shape)
    if len(shape) != 2:
        raise CheckpointImportError(f"{where}: expected a matrix {name}, found shape {shape}")
    return shape[0], shape[1]


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    """One more than the highest number that ``pattern`` (dots are dots) finds at the beginning of a name."""
    compiled = re.compile(pattern.replace(".", r"\."))
    return 1 + max((int(match[1]) for name in tensors if (match := compiled.match(name))), default=-1)


def _list(names: list[str]) -> str:
    return ", ".join(names)
