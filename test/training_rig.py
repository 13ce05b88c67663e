"""A tiny network and a few small frames to train it on, in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tiny_network import tiny_network

from ros_anomaly.data.augment import AugmentConfig
from ros_anomaly.data.cutout_store import Cutout, CutoutStore, CutoutStoreWriter
from ros_anomaly.data.frame_store import FrameStore, FrameStoreWriter
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, PALETTE
from ros_anomaly.data.negatives import AnyCutout
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.training.data_config import Mixture
from ros_anomaly.training.sampling import BatchSampler
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.sources import TrainingFrames
from ros_anomaly.training.stage_config import LogConfig, Phase, StageConfig
from ros_anomaly.training.trainer import StageParts, StageTrainer

SIZE = (72, 128)
STAGE = StageConfig(
    iterations=6, learning_rate=1e-3, warmup_iterations=2, freeze_stem=False, phases=(Phase(1.0, (64, 96), 2),)
)
QUIET = LogConfig(checkpoint_minutes=1e9, validate_minutes=1e9, tensorboard=False)


def frames(count: int, anomaly: bool, seed: int = 0) -> list[Frame]:
    """Sky above road with a box of another class, in the colours of the palette."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        class_ids = np.zeros(SIZE, np.uint8)
        class_ids[SIZE[0] // 2 :] = 7
        top, left = rng.integers(10, 40), rng.integers(0, 80)
        class_ids[top : top + 24, left : left + 40] = ANOMALY_ID if anomaly else 10
        made.append(Frame(f"frame_{number}", PALETTE[class_ids], class_ids))
    return made


def write_frames(root: Path) -> Path:
    """A folder of frames as a run has it: clean, with negatives, for validation, and a cut-out."""
    for name, anomaly in (("train_clean", False), ("train_negatives", True), ("validation", True)):
        FrameStoreWriter(root / name, SIZE).write_shard("town", frames(4, anomaly))
    writer = CutoutStoreWriter(root / "cutouts")
    writer.add(Cutout("box", np.full((30, 40, 4), 255, np.uint8), height_m=1.0))
    writer.finish()
    return root


def sampler(folder: Path, mixture: Mixture | None = None) -> BatchSampler:
    """Of :func:`write_frames`' folder."""
    sources = TrainingFrames(
        FrameStore(folder / "train_clean"),
        FrameStore(folder / "train_negatives"),
        AnyCutout(CutoutStore(folder / "cutouts")),
    )
    return BatchSampler(sources, mixture or Mixture(), AugmentConfig(), PasteConfig(), seed=5)


def trainer(folder: Path, out: Path, stage: StageConfig = STAGE, seed: int = 0, log: LogConfig = QUIET) -> StageTrainer:
    """Of the closed stage."""
    parts = StageParts(sampler(folder), Schedule(stage), log=log)
    return StageTrainer("closed", tiny_network(seed=seed), parts, out)


def records(out: Path, kind: str = "step") -> list[dict]:
    """Of a stage's log."""
    lines = (out / "log.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]
