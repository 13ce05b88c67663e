"""ImageNet weights for the backbone of a network that is trained from scratch."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from ros_anomaly.network.backbone import EfficientNetLite0Backbone
from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.checkpoints.files import read_checkpoint
from ros_anomaly.network.checkpoints.names import ENCODER, backbone_tensors
from ros_anomaly.network.model import AnomalyNetwork

# Classifiers, Swin's norm before its own, and buffers: no part of a backbone.
_LEFT_OUT = re.compile(
    r"(?:head|fc|classifier|norm|layernorm|swin\.layernorm)\b.*"
    r"|.*(?:num_batches_tracked|relative_position_index|attn_mask)"
)
# Layer norms after each of Swin's stages, which classifiers lack.
_NEW = re.compile(r"hidden_states_norms\.")

_TORCHVISION: tuple[tuple[str, str], ...] = (
    (r"conv1\.(weight)", r"backbone.stem.conv1.\1"),
    (r"bn1\.(.+)", r"backbone.stem.conv1.norm.\1"),
    (r"layer(\d)\.(\d+)\.conv(\d)\.(weight)", r"backbone.res{stage}.\2.conv\3.\4"),
    (r"layer(\d)\.(\d+)\.bn(\d)\.(.+)", r"backbone.res{stage}.\2.conv\3.norm.\4"),
    (r"layer(\d)\.(\d+)\.downsample\.0\.(weight)", r"backbone.res{stage}.\2.shortcut.\3"),
    (r"layer(\d)\.(\d+)\.downsample\.1\.(.+)", r"backbone.res{stage}.\2.shortcut.norm.\3"),
)


def load_pretrained_backbone(network: AnomalyNetwork, source: str | Path | None = None) -> tuple[str, ...]:
    """Put ImageNet weights into the backbone, in place; the names of what the source has for a classifier alone.

    Args:
        source: a Hugging Face folder or a file of a ResNet or Swin (naming of transformers, torchvision, detectron2
            or the Swin authors), classifier or backbone; None for EfficientNet-Lite0, whose weights are a package.

    Raises:
        ValueError: a source where none is wanted, none where one is, or tensors missing, extra or misshapen by name.
        FileNotFoundError: no such file or folder.
        ModuleNotFoundError: the package of EfficientNet-Lite0's weights is not installed.
    """
    backbone = network.backbone
    if isinstance(backbone, EfficientNetLite0Backbone):
        if source is not None:
            raise ValueError(f"backbone weights: expected none for {network.config.backbone}, found {source}")
        backbone.load_imagenet()
        return ()
    if source is None:
        raise ValueError(
            f"backbone weights: expected a file or folder of {network.config.backbone}'s from ImageNet, found none"
        )
    wanted = backbone.state_dict()
    found: dict[str, Tensor] = {}
    problems, left_out = [], []
    for name, tensor in read_checkpoint(source).tensors.items():
        if _LEFT_OUT.fullmatch(name):
            left_out.append(name)
            continue
        parts = backbone_tensors(_as_published(name), tensor) if tensor.ndim else {}
        if not parts or not set(parts) <= set(wanted):
            problems.append(f"extra {name}")
        found.update(parts)
    problems += [f"missing {name}" for name in wanted if name not in found and not _NEW.match(name)]
    problems += [
        f"misshapen {name}: expected {tuple(wanted[name].shape)}, found {tuple(tensor.shape)}"
        for name, tensor in found.items()
        if name in wanted and wanted[name].shape != tensor.shape
    ]
    if problems:
        raise CheckpointImportError(f"{source}: does not fit {network.config.backbone}: {'; '.join(problems)}")
    with torch.no_grad():
        for name, tensor in found.items():
            wanted[name].copy_(tensor)
    return tuple(left_out)


def _as_published(name: str) -> str:
    """The name that the tensor of a backbone on its own has within a Mask2Former checkpoint."""
    for pattern, target in _TORCHVISION:
        if match := re.fullmatch(pattern, name):
            stage = int(match[1]) + 1 if "{stage}" in target else 0
            return match.expand(target).replace("{stage}", str(stage))
    if name.startswith("resnet."):
        return f"{ENCODER}.{name.removeprefix('resnet.')}"
    if name.startswith(("swin.", "embedder.", "encoder.", "embeddings.", "hidden_states_norms.")):
        return f"{ENCODER}.{name}"
    return f"backbone.{name.removeprefix('backbone.')}"
