"""What a Hugging Face folder says about its network besides the tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from ros_anomaly.network.backbone_shapes import ResNetShape, SwinShape
from ros_anomaly.network.backbones import IMAGENET_MEAN, IMAGENET_STD
from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.config import NetworkConfig
from ros_anomaly.network.model import SupportedMask2FormerConfig

Channels = tuple[float, float, float]

# The last digits of what preprocessor files write are those of float32.
_SAME_GREY_LEVEL = 0.01


def class_names(config: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Names of the classes of ``config.json`` in the order of their ids; None where it has none of its own."""
    labels = (config or {}).get("id2label")
    if not isinstance(labels, Mapping) or not labels:
        return None
    try:
        by_id = {int(key): str(name) for key, name in labels.items()}
    except ValueError as error:
        raise CheckpointImportError(f"config.json id2label: expected class ids as keys, found {error}") from error
    if set(by_id) != set(range(len(by_id))):
        raise CheckpointImportError(f"config.json id2label: expected ids 0 to {len(by_id) - 1}, found {sorted(by_id)}")
    names = tuple(by_id[i] for i in range(len(by_id)))
    return None if all(name == f"LABEL_{i}" for i, name in enumerate(names)) else names


def check_settings(plain: Mapping[str, Any], config: NetworkConfig, where: str) -> NetworkConfig:
    """``config``, which the tensors imply, with what ``config.json`` alone knows.

    Raises:
        CheckpointImportError: another model, an option that networks of ours do not have, or sizes that are not those
            of the tensors; every difference is named.
    """
    if plain.get("model_type") != SupportedMask2FormerConfig.model_type:
        raise CheckpointImportError(f"{where}: expected model_type mask2former, found {plain.get('model_type')!r}")
    try:
        settings = SupportedMask2FormerConfig.from_dict(dict(plain))
    except (ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise CheckpointImportError(f"{where}: expected a config.json of transformers, found {error}") from error
    backbone: Any = settings.backbone_config
    shape = config.backbone_shape
    family = "swin" if isinstance(shape, SwinShape) else "resnet"
    expected: dict[str, tuple[Any, Any]] = {
        "backbone_config.model_type": (getattr(backbone, "model_type", None), family),
        "feature_size": (settings.feature_size, config.hidden),
        "hidden_dim": (settings.hidden_dim, config.hidden),
        "mask_feature_size": (settings.mask_feature_size, config.mask_features),
        "dim_feedforward": (settings.dim_feedforward, config.feedforward),
        "num_attention_heads": (settings.num_attention_heads, config.heads),
        "decoder_layers": (settings.decoder_layers, config.decoder_layers + 1),
        "num_queries": (settings.num_queries, config.queries),
        "encoder_layers": (settings.encoder_layers, config.encoder_layers),
        "encoder_feedforward_dim": (settings.encoder_feedforward_dim, config.encoder_feedforward),
        "pre_norm": (settings.pre_norm, False),
        "activation_function": (settings.activation_function, "relu"),
        "common_stride": (settings.common_stride, 4),
        "feature_strides": (list(settings.feature_strides), [4, 8, 16, 32]),
    }
    if "id2label" in plain:
        expected["num_labels"] = settings.num_labels, config.class_rows - 1
    if expected["backbone_config.model_type"][0] == family:
        expected |= {f"backbone_config.{name}": pair for name, pair in _backbone_settings(backbone, shape).items()}
    wrong = [f"{name} {said!r} (tensors: {held!r})" for name, (said, held) in expected.items() if said != held]
    if wrong:
        raise CheckpointImportError(f"{where}: expected a config.json that fits its tensors, found {', '.join(wrong)}")
    if isinstance(shape, SwinShape):
        return replace(config, drop_path=float(backbone.drop_path_rate))
    if isinstance(shape, ResNetShape) and backbone.downsample_in_bottleneck:
        return replace(config, backbone="resnet", resnet=replace(shape, stride_in_1x1=True))
    return config


def _backbone_settings(backbone: Any, shape: ResNetShape | SwinShape | None) -> dict[str, tuple[Any, Any]]:
    stages = [f"stage{i}" for i in range(1, 5)]
    found: dict[str, tuple[Any, Any]] = {"out_features": (list(backbone.out_features), stages)}
    if isinstance(shape, SwinShape):
        return found | {
            "embed_dim": (backbone.embed_dim, shape.width),
            "depths": (list(backbone.depths), list(shape.depths)),
            "num_heads": (list(backbone.num_heads), list(shape.heads)),
            "window_size": (backbone.window_size, shape.window),
            "mlp_ratio": (float(backbone.mlp_ratio), float(shape.mlp_ratio)),
            "hidden_act": (backbone.hidden_act, "gelu"),
            "use_absolute_embeddings": (backbone.use_absolute_embeddings, False),
            "layer_norm_eps": (backbone.layer_norm_eps, 1e-5),
            "qkv_bias": (backbone.qkv_bias, True),
            "patch_size": (backbone.patch_size, 4),
        }
    assert isinstance(shape, ResNetShape)
    return found | {
        "embedding_size": (backbone.embedding_size, shape.stem),
        "hidden_sizes": (list(backbone.hidden_sizes), list(shape.widths)),
        "depths": (list(backbone.depths), list(shape.depths)),
        "layer_type": (backbone.layer_type, "bottleneck" if shape.bottleneck else "basic"),
        "hidden_act": (backbone.hidden_act, "relu"),
        "downsample_in_first_stage": (backbone.downsample_in_first_stage, False),
    }


def normalisation(preprocessor: Mapping[str, Any] | None) -> tuple[Channels, Channels] | None:
    """(mean, standard deviation) in grey levels that ``preprocessor_config.json`` asks for; None for ImageNet's."""
    if preprocessor is None:
        return None
    levels = 1 / float(preprocessor.get("rescale_factor", 1 / 255)) if preprocessor.get("do_rescale", True) else 1.0
    if not preprocessor.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (levels, levels, levels)
    mean = _channels(preprocessor, "image_mean", IMAGENET_MEAN, levels)
    deviation = _channels(preprocessor, "image_std", IMAGENET_STD, levels)
    return other_than_imagenet(mean, deviation)


def other_than_imagenet(mean: Channels, deviation: Channels) -> tuple[Channels, Channels] | None:
    """The two as they are, or None where they are ImageNet's."""
    usual = (*IMAGENET_MEAN, *IMAGENET_STD)
    same = all(abs(a - b) < _SAME_GREY_LEVEL for a, b in zip((*mean, *deviation), usual, strict=True))
    return None if same else (mean, deviation)


def _channels(preprocessor: Mapping[str, Any], key: str, default: Channels, levels: float) -> Channels:
    values = preprocessor.get(key)
    if values is None:
        return default
    if not isinstance(values, (list, tuple)) or len(values) != 3:
        raise CheckpointImportError(f"preprocessor_config.json {key}: expected three numbers, found {values!r}")
    red, green, blue = (float(value) * levels for value in values)
    return red, green, blue
