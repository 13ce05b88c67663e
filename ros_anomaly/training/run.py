"""The stages of a run, from frames on disk to weights on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ros_anomaly.data.cutout_store import CutoutStore
from ros_anomaly.data.frame_store import FrameStore
from ros_anomaly.network.extend import extend_with_outlier
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import load_weights, save_weights
from ros_anomaly.training.allocator import keep_freed_memory
from ros_anomaly.training.recipe import Recipe
from ros_anomaly.training.sampling import BatchSampler, TrainingFrames
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.trainer import StageTrainer
from ros_anomaly.training.validation import Validation

STAGES = ("closed", "outlier")


@dataclass(frozen=True)
class FrameFolders:
    """Where the frames of a run are below one folder; the last three may be missing."""

    root: Path

    @property
    def clean(self) -> Path:
        return self.root / "train_clean"

    @property
    def negatives(self) -> Path:
        return self.root / "train_negatives"

    @property
    def cutouts(self) -> Path:
        return self.root / "cutouts"

    @property
    def validation(self) -> Path:
        return self.root / "validation"

    def sources(self, stage: str) -> TrainingFrames:
        """Open what ``stage`` needs and is there."""
        clean = FrameStore(self.clean)
        if stage == "closed":
            return TrainingFrames(clean)
        return TrainingFrames(
            clean,
            FrameStore(self.negatives) if self.negatives.exists() else None,
            CutoutStore(self.cutouts) if self.cutouts.exists() else None,
        )


def run_stage(
    stage: str,
    recipe: Recipe,
    frames: FrameFolders,
    out: Path,
    minutes: float | None = None,
    resume: bool = False,
    start: Path | None = None,
) -> Path:
    """Train one stage and return its weights file, ``<out>/<stage>.safetensors``.

    Args:
        minutes: wall-clock budget in place of the recipe's.
        resume: continue ``<out>/<stage>/checkpoint.pt`` if it is there.
        start: weights to start from; None is ImageNet for ``closed``, ``<out>/closed.safetensors`` for ``outlier``.

    Raises:
        ValueError: unknown stage; frames, weights or checkpoint that do not fit.
        FileExistsError: there is a checkpoint and ``resume`` is not asked for.
        TrainingStopped, TrainingDiverged: see ``StageTrainer.run``.
    """
    if stage not in STAGES:
        raise ValueError(f"stage: expected one of {', '.join(STAGES)}; found {stage!r}")
    folder = out / stage
    if (folder / "checkpoint.pt").exists() and not resume:
        raise FileExistsError(f"{folder}/checkpoint.pt exists: continue it with --resume or choose another folder")
    keep_freed_memory()
    torch.manual_seed(recipe.seed)
    config = getattr(recipe, stage)
    network = _start_network(stage, recipe, out, start)
    sampler = BatchSampler(
        frames.sources(stage), config.mixture, recipe.augment, recipe.paste, seed=recipe.seed * 2 + STAGES.index(stage)
    )
    validation = None
    if frames.validation.exists():
        validation = Validation(FrameStore(frames.validation), recipe.log.validation_frames, folder / "pictures")
    trainer = StageTrainer(
        stage, network, sampler, Schedule(config, minutes), recipe.loss, recipe.log, folder, validation
    )
    if resume:
        trainer.resume()
    trainer.run()
    path = out / f"{stage}.safetensors"
    position = trainer.position
    save_weights(path, network, {"stage": stage, "iterations": position.iteration, "seconds": position.elapsed_s})
    return path


def _start_network(stage: str, recipe: Recipe, out: Path, start: Path | None) -> AnomalyNetwork:
    if stage == "closed" and start is None:
        network = AnomalyNetwork(recipe.network)
        network.backbone.load_imagenet()
        return network
    network, _ = load_weights(start or out / "closed.safetensors")
    if stage == "outlier" and not network.config.outlier_class:
        extend_with_outlier(network)
    return network
