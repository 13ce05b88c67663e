"""Training for real, on a network and frames small enough for seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import TINY, tiny_network
from training_rig import QUIET, STAGE, records, sampler, trainer, write_frames

from ros_anomaly.data.augment import AugmentConfig
from ros_anomaly.data.frame_store import FrameStore
from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.network.backbone import EfficientNetLite0Backbone
from ros_anomaly.network.weights import load_weights, save_weights
from ros_anomaly.training.compute import Compute
from ros_anomaly.training.data_config import Mixture
from ros_anomaly.training.precision import Precision
from ros_anomaly.training.recipe import Recipe
from ros_anomaly.training.run import run_stage
from ros_anomaly.training.sampling import BatchSampler
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.sources import FrameFolders, TrainingFrames
from ros_anomaly.training.stage_config import LogConfig, Phase
from ros_anomaly.training.step import TrainingDiverged
from ros_anomaly.training.trainer import StageParts, StageTrainer


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_frames(tmp_path_factory.mktemp("frames"))


def test_batches_depend_on_seed_iteration_and_slot_alone(folder):
    phase = replace(STAGE.phases[0], batch=4)
    mixture = Mixture(pasted=0.4, rendered=0.4)
    first, second = sampler(folder, mixture), sampler(folder, mixture)
    second.batch(3, phase)
    for found, expected in zip(first.batch(9, phase), second.batch(9, phase), strict=True):
        assert torch.equal(found, expected)
    images, class_ids = first.batch(10, phase)
    assert not torch.equal(images, first.batch(11, phase)[0])
    assert images.shape == (4, 3, 64, 96)
    assert images.dtype == class_ids.dtype == torch.uint8
    assert images.is_contiguous(memory_format=torch.channels_last)
    # What the second of two processes trains on.
    share, labels = second.batch(10, phase, range(1, 4, 2))
    assert torch.equal(share, images[1::2])
    assert torch.equal(labels, class_ids[1::2])


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
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["finished"] and summary["iterations"] == 24
    assert summary["device"] == "CPU" and summary["precision"] == "fp32" and summary["data_workers"] == 0
    waited = sum(record["data_s"] for record in records(tmp_path))
    assert summary["data_wait_s"] == pytest.approx(waited, abs=0.2)
    assert 0 < summary["data_wait_share"] < 1


def test_bf16_computes_in_bf16_and_keeps_float32_weights(folder, tmp_path, monkeypatch):
    dtypes = []

    def watch(_module, _inputs, output):
        dtypes.append(output.dtype)

    compute = Compute(Precision.BF16)
    network = tiny_network()
    network.dense_head.register_forward_hook(watch)
    parts = StageParts(sampler(folder), Schedule(replace(STAGE, iterations=2)), log=QUIET)
    StageTrainer("closed", network, parts, tmp_path, compute).run()
    assert set(dtypes) == {torch.bfloat16}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert all(np.isfinite(record["loss"]) for record in records(tmp_path))


def test_divergence_stops_the_run(folder, tmp_path):
    run = trainer(folder, tmp_path, replace(STAGE, iterations=50))
    with torch.no_grad():
        run.network.class_head.bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="expected a finite loss, found 10 steps without"):
        run.run()
    assert len(records(tmp_path)) == 9


def test_one_step_with_gradients_that_overflow_changes_no_weight(folder, tmp_path):
    run = trainer(folder, tmp_path, replace(STAGE, iterations=1))
    before = {name: parameter.detach().clone() for name, parameter in run.network.named_parameters()}
    run.network.dense_head.weight.register_hook(lambda gradient: gradient * float("inf"))
    run.run()
    assert all(torch.equal(parameter, before[name]) for name, parameter in run.network.named_parameters())


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


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_recipe_says_whether_the_backbone_knows_imagenet(folder, tmp_path, monkeypatch, pretrained):
    loads = []
    monkeypatch.setattr(EfficientNetLite0Backbone, "load_imagenet", lambda backbone: loads.append(backbone))
    recipe = Recipe(
        network=TINY,
        pretrained_backbone=pretrained,
        closed=replace(STAGE, iterations=1),
        log=LogConfig(validation_frames=2, tensorboard=False),
    )
    run_stage("closed", recipe, FrameFolders(folder), tmp_path)
    assert len(loads) == pretrained
    if not pretrained:
        with pytest.raises(ValueError, match="expected none with pretrained_backbone: false, found resnet.pth"):
            run_stage("closed", recipe, FrameFolders(folder), tmp_path / "new", backbone_weights=Path("resnet.pth"))


def test_both_stages_from_frames_to_weights(folder, tmp_path, capsys):
    start = tmp_path / "start.safetensors"
    save_weights(start, tiny_network(), {})
    recipe = Recipe(
        network=replace(TINY, fine_features=8),
        closed=replace(STAGE, iterations=2),
        outlier=replace(
            STAGE, iterations=2, freeze_norms=True, mixture=Mixture(pasted=0.5, rendered=0.5), ema_decay=0.5
        ),
        log=LogConfig(validation_frames=2, tensorboard=False),
    )
    closed = run_stage("closed", recipe, FrameFolders(folder), tmp_path, start=start)
    assert "tensors are new, with their own start values: fine_masks." in capsys.readouterr().err
    assert load_weights(closed)[0].config == recipe.network
    with pytest.raises(FileExistsError, match="--resume"):
        run_stage("closed", recipe, FrameFolders(folder), tmp_path)
    # A finished stage is not trained again.
    run_stage("closed", recipe, FrameFolders(folder), tmp_path, resume=True)
    assert len(records(tmp_path / "closed")) == 2
    outlier = run_stage("outlier", recipe, FrameFolders(folder), tmp_path)
    network, info = load_weights(outlier)
    assert network.config.outlier_class
    assert info["iterations"] == 2
    assert info["classes"][7] == {"name": "road", "colour": [128, 64, 128]}
    figures = records(tmp_path / "outlier", "validation")[-1]
    assert 0 <= figures["miou"] <= 1
    assert 0 <= figures["uno_normalised_ap"] <= 1
    pictures = {path.name for path in (tmp_path / "outlier" / "pictures").glob("*.png")}
    assert pictures == {"iteration_000000.png", "training_batch.png", "iteration_000002.png"}
    # What is validated and saved is the moving average, not the weights in training.
    contents = torch.load(tmp_path / "outlier" / "checkpoint.pt", weights_only=True)
    name = "dense_head.weight"
    assert torch.equal(network.state_dict()[name], contents["average"][name])
    assert not torch.equal(network.state_dict()[name], contents["network"][name])
    best, best_info = load_weights(tmp_path / "outlier" / "best.safetensors")
    assert best_info["uno_normalised_ap"] == figures["uno_normalised_ap"]
    assert torch.equal(best.state_dict()[name], network.state_dict()[name])
    assert "% of it waiting for data, best validation" in capsys.readouterr().err
