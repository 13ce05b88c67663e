"""A public checkpoint as a network of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ros_anomaly.network.backbone_shapes import SwinShape
from ros_anomaly.network.backbones import IMAGENET_MEAN
from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.checkpoints.files import read_checkpoint
from ros_anomaly.network.checkpoints.names import NamedTensors, translated
from ros_anomaly.network.checkpoints.settings import (
    Channels,
    check_settings,
    class_names,
    normalisation,
    other_than_imagenet,
)
from ros_anomaly.network.checkpoints.shapes import class_rows, implied_config
from ros_anomaly.network.config import NetworkConfig
from ros_anomaly.network.model import AnomalyNetwork

# Of all of Mask2Former's published Swin recipes.
_DROP_PATH = 0.3
_OUTLIER_NAMES = ("outlier", "anomaly", "ood", "out-of-distribution")


@dataclass(frozen=True)
class ImportedNetwork:
    """A network with the weights of a checkpoint.

    Attributes:
        network: K+1 or K+2 classes, as the checkpoint has them; in eval mode.
        names: of the K inlier classes where the checkpoint knows them, else None.
        dropped: names of tensors in the checkpoint that a network has no use for.
    """

    network: AnomalyNetwork
    names: tuple[str, ...] | None
    dropped: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What was imported, in one line."""
        config = self.network.config
        classes = f"{config.inlier_classes} classes" + (" and the outlier class" if config.outlier_class else "")
        left = f"; dropped {', '.join(self.dropped)}" if self.dropped else ""
        return (
            f"{config.backbone} backbone, {config.encoder_layers} deformable and {config.decoder_layers} query layers, "
            f"{config.queries} queries, {classes}{left}"
        )


def import_checkpoint(
    path: str | Path,
    inlier_classes: int | None = None,
    variant: str | None = None,
    ignored: Sequence[str] = (),
) -> ImportedNetwork:
    """Read a Hugging Face folder or a state dict of Mask2Former's original code, Open-set-M2F or RbA.

    The dense head, which only training uses and no checkpoint has, starts at zero.

    Args:
        inlier_classes: K; None takes it from the folder's ``id2label``, whose last entry may be an outlier class.
        variant: name of the backbone that is expected; None takes what the shapes say.
        ignored: beginnings of names of tensors to leave out.

    Raises:
        FileNotFoundError: no such checkpoint.
        CheckpointImportError: unreadable, K unknown, or tensors missing, extra or misshapen, each by its name.
    """
    file = read_checkpoint(path)
    where = str(path)
    tensors, statistics, taken = _without_statistics(file.tensors, where)
    named = translated(tensors, where, ignored)
    names = class_names(file.config)
    if names and names[-1].lower() in _OUTLIER_NAMES:
        names = names[:-1]
    if inlier_classes is None:
        if names is None:
            rows = class_rows(named.tensors, where)
            raise CheckpointImportError(
                f"{where}: expected to be told the classes, which it does not name; found a class head of {rows} rows: "
                f"{rows - 1} classes and no-object, or {rows - 2} with an outlier class"
            )
        inlier_classes = len(names)
    elif names is not None and len(names) != inlier_classes:
        names = names[:inlier_classes] if len(names) == inlier_classes + 1 else None
    config = implied_config(named.tensors, inlier_classes, where)
    if variant is not None and config.backbone != variant:
        raise CheckpointImportError(
            f"{where}: expected a {variant} backbone, found {config.backbone} ({config.backbone_shape})"
        )
    if file.config is not None:
        config = check_settings(file.config, config, where)
    elif isinstance(config.backbone_shape, SwinShape):
        config = replace(config, drop_path=_DROP_PATH)
    if statistics := statistics or normalisation(file.preprocessor):
        config = replace(config, input_mean=statistics[0], input_std=statistics[1])
    network = _filled(config, named, where)
    return ImportedNetwork(network.eval(), names, tuple(sorted((*named.dropped, *taken))))


def _filled(config: NetworkConfig, named: NamedTensors, where: str) -> AnomalyNetwork:
    """A network of ``config`` with these tensors; CheckpointImportError names every one that does not fit."""
    network = AnomalyNetwork(config)
    wanted = {name: tensor for name, tensor in network.mask2former.state_dict().items()}
    problems = [f"missing {name}" for name in wanted if name not in named.tensors]
    problems += [f"extra {named.sources[name]}" for name in named.tensors if name not in wanted]
    problems += [f"extra {name}" for name in named.unknown]
    for name, tensor in named.tensors.items():
        if name in wanted and wanted[name].shape != tensor.shape:
            expected, found = tuple(wanted[name].shape), tuple(tensor.shape)
            problems.append(f"misshapen {named.sources[name]}: expected {expected} for {name}, found {found}")
        elif name in wanted and not bool(torch.isfinite(tensor).all()):
            problems.append(f"not finite {named.sources[name]}")
    if problems:
        raise CheckpointImportError(
            f"{where}: its tensors do not fit a {config.backbone} Mask2Former: {'; '.join(problems)}"
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(named.tensors[name])
        for parameter in network.dense_head.parameters():
            parameter.zero_()
    return network


def _without_statistics(
    tensors: Mapping[str, Tensor], where: str
) -> tuple[dict[str, Tensor], tuple[Channels, Channels] | None, tuple[str, ...]]:
    """The tensors without detectron2's ``pixel_mean`` and ``pixel_std``; these if not ImageNet's; their names."""
    found = {name.rsplit(".", 1)[-1]: name for name in tensors if name.endswith(("pixel_mean", "pixel_std"))}
    rest = {name: tensor for name, tensor in tensors.items() if name not in found.values()}
    if set(found) != {"pixel_mean", "pixel_std"}:
        return dict(tensors), None, ()
    mean, deviation = (_three(tensors[found[key]], found[key], where) for key in ("pixel_mean", "pixel_std"))
    if all(abs(a - b) < 0.01 for a, b in zip(mean[::-1], IMAGENET_MEAN, strict=True)):
        raise CheckpointImportError(f"{where}: expected a network of RGB images, found the means of BGR ones {mean}")
    return rest, other_than_imagenet(mean, deviation), tuple(found.values())


def _three(tensor: Tensor, name: str, where: str) -> Channels:
    if tensor.numel() != 3:
        raise CheckpointImportError(f"{where}: expected three values {name}, found {tensor.numel()}")
    red, green, blue = (float(value) for value in tensor.flatten())
    return red, green, blue
