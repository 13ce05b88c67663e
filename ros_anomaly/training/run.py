"""The stages of a run, from frames to weights on disk."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from ros_anomaly.network.class_info import KEY, classes_to_info
from ros_anomaly.network.extend import extend_with_outlier
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.pretrained import load_pretrained_backbone
from ros_anomaly.network.weights import StartReport, read_weights, save_weights, start_from
from ros_anomaly.training.allocator import keep_freed_memory
from ros_anomaly.training.checkpoint import checkpoint_network, read_checkpoint
from ros_anomaly.training.compute import Compute
from ros_anomaly.training.pictures import BatchSheet
from ros_anomaly.training.recipe import Recipe
from ros_anomaly.training.sampling import BatchSampler
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.sources import FrameFolders, training_frames, validation_frames
from ros_anomaly.training.trainer import StageParts, StageTrainer
from ros_anomaly.training.validation import Validation

STAGES = ("closed", "outlier")


def run_stage(
    stage: str,
    recipe: Recipe,
    frames: FrameFolders,
    out: Path,
    minutes: float | None = None,
    resume: bool = False,
    start: Path | None = None,
    compute: Compute | None = None,
    backbone_weights: Path | None = None,
) -> Path:
    """Train one stage and return its weights file, ``<out>/<stage>.safetensors``.

    The network is the recipe's, whatever it starts from.

    Args:
        minutes: wall-clock budget in place of the recipe's.
        resume: continue ``<out>/<stage>/checkpoint.pt`` if it is there.
        start: weights to start from; None is ImageNet for ``closed`` (or random numbers, where the recipe says so),
            ``<out>/closed.safetensors`` for ``outlier``.
        compute: None makes one as the recipe says.
        backbone_weights: file or folder of the backbone's ImageNet weights, for ``closed`` without ``start``; None is
            the package of EfficientNet-Lite0's.

    Raises:
        ValueError: unknown stage; frames, weights or checkpoint that do not fit.
        FileExistsError: there is a checkpoint and ``resume`` is not asked for.
        TrainingStopped, TrainingDiverged, FeedError: see ``StageTrainer.run``.
    """
    if stage not in STAGES:
        raise ValueError(f"stage: expected one of {', '.join(STAGES)}; found {stage!r}")
    folder = out / stage
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise FileExistsError(f"{checkpoint} exists: continue it with --resume or choose another folder")
    keep_freed_memory()
    torch.manual_seed(recipe.seed)
    compute = compute or Compute(recipe.precision, recipe.compile)
    if checkpoint.exists():
        network = _network_to_resume(recipe, checkpoint)
    else:
        network = _start_network(stage, recipe, out, start, backbone_weights, told=compute.is_main)
    if compute.rank:  # what is drawn in training (drop path) differs between processes, as it does between frames
        torch.manual_seed(recipe.seed + compute.rank)
    trainer = StageTrainer(stage, network, _parts(stage, recipe, frames, folder, minutes), folder, compute)
    trainer.resume()
    trainer.run()
    path = out / f"{stage}.safetensors"
    if compute.is_main:
        save_weights(path, trainer.result, trainer.weights_info())
    compute.wait()
    return path


def _parts(stage: str, recipe: Recipe, folders: FrameFolders, folder: Path, minutes: float | None) -> StageParts:
    config, classes = getattr(recipe, stage), recipe.data.classes
    pictures = folder / "pictures"
    sampler = BatchSampler(
        training_frames(recipe, stage, folders),
        config.mixture,
        recipe.augment,
        recipe.paste,
        seed=recipe.seed * len(STAGES) + STAGES.index(stage),
    )
    looked_at = validation_frames(recipe, folders)
    return StageParts(
        batches=sampler,
        schedule=Schedule(config, minutes),
        loss=recipe.loss,
        log=recipe.log,
        data_workers=recipe.data_workers,
        validate=None if looked_at is None else Validation(looked_at, recipe.log.validation_frames, pictures, classes),
        show_batch=BatchSheet(pictures / "training_batch.png", classes.palette),
        info={KEY: classes_to_info(classes), "seed": recipe.seed},
    )


def _network_to_resume(recipe: Recipe, checkpoint: Path) -> AnomalyNetwork:
    """The recipe's network, with the outlier class where the checkpoint has it."""
    found = checkpoint_network(read_checkpoint(checkpoint))
    return AnomalyNetwork(replace(recipe.network, outlier_class=found.outlier_class))


def _start_network(
    stage: str, recipe: Recipe, out: Path, start: Path | None, backbone_weights: Path | None, told: bool
) -> AnomalyNetwork:
    if stage == "closed" and start is None:
        network = AnomalyNetwork(recipe.network)
        if recipe.pretrained_backbone:
            load_pretrained_backbone(network, backbone_weights)
        elif backbone_weights is not None:
            raise ValueError(
                f"backbone weights: expected none with pretrained_backbone: false, found {backbone_weights}"
            )
        return network
    path = start or out / "closed.safetensors"
    file = read_weights(path)
    network = AnomalyNetwork(replace(recipe.network, outlier_class=file.config.outlier_class))
    report = start_from(network, file, str(path))
    if told:
        _tell(path, report)
    if stage == "outlier" and not network.config.outlier_class:
        extend_with_outlier(network)
    return network


def _tell(path: Path, report: StartReport) -> None:
    for names, what in ((report.new, "new, with their own start values"), (report.left_out, "not in this network")):
        if names:
            print(f"{path}: {len(names)} tensors are {what}: {', '.join(names)}", file=sys.stderr, flush=True)
