"""Checkpoints: exact continuation, nothing lost to a crash, and clear words about what does not fit."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_rig import STAGE, records, trainer, write_frames

from ros_anomaly.training import checkpoint as checkpoint_module
from ros_anomaly.training.checkpoint import CheckpointError, previous_path, read_checkpoint
from ros_anomaly.training.random_state import random_state, restore_random_state
from ros_anomaly.training.trainer import StageTrainer, TrainingStopped


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_frames(tmp_path_factory.mktemp("frames"))


def stop_after(run: StageTrainer, steps: int) -> None:
    """Run until ``steps`` steps are taken and stop as Ctrl-C does."""
    take, taken = run._stepper.step, 0

    def step(*args):
        nonlocal taken
        parts = take(*args)
        taken += 1
        if taken == steps:
            import signal

            signal.raise_signal(signal.SIGINT)
        return parts

    run._stepper.step = step  # type: ignore[method-assign]
    with pytest.raises(TrainingStopped, match=f"stopped at iteration {steps}"):
        run.run()


def test_a_stopped_run_goes_on_as_if_nothing_had_been(folder, tmp_path):
    stage = replace(STAGE, iterations=4, ema_decay=0.9)
    straight = trainer(folder, tmp_path / "straight", stage)
    straight.run()
    stop_after(trainer(folder, tmp_path / "broken", stage), 2)
    resumed = trainer(folder, tmp_path / "broken", stage, seed=99)
    assert resumed.resume()
    assert resumed.position.iteration == 2
    resumed.run()
    for expected, found in ((straight.network, resumed.network), (straight.result, resumed.result)):
        for name, tensor in expected.state_dict().items():
            assert torch.equal(found.state_dict()[name], tensor), name
    assert not torch.equal(straight.network.dense_head.weight, straight.result.dense_head.weight)
    assert [r["iteration"] for r in records(tmp_path / "broken")] == [1, 2, 3, 4]
    assert [r["loss"] for r in records(tmp_path / "broken")] == [r["loss"] for r in records(tmp_path / "straight")]


def test_every_random_state_comes_back():
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    random.gauss(0, 1), np.random.standard_normal()  # leave half of a pair of numbers behind
    state = random_state()
    drawn = (random.gauss(0, 1), random.random(), np.random.standard_normal(), np.random.rand(), torch.rand(3))
    random.seed(9), np.random.seed(9), torch.manual_seed(9)
    restore_random_state(state)
    again = (random.gauss(0, 1), random.random(), np.random.standard_normal(), np.random.rand(), torch.rand(3))
    assert drawn[:4] == again[:4]
    assert torch.equal(drawn[4], again[4])


def test_what_does_not_fit_or_is_broken_is_refused(folder, tmp_path):
    run = trainer(folder, tmp_path)
    assert not run.resume()
    run._save()
    other = trainer(folder, tmp_path)
    other.name = "outlier"
    with pytest.raises(CheckpointError, match="expected stage outlier, found closed"):
        other.resume()
    with pytest.raises(CheckpointError, match="expected one of the recipe's ema_decay, found one written without it"):
        trainer(folder, tmp_path, replace(STAGE, ema_decay=0.9)).resume()
    contents = read_checkpoint(run.checkpoint_path)
    torch.save({**contents, "random_states": contents["random_states"] * 2}, run.checkpoint_path)
    with pytest.raises(CheckpointError, match="expected a checkpoint of 1 processes, found 2"):
        trainer(folder, tmp_path).resume()
    torch.save({"stage": "closed"}, run.checkpoint_path)
    with pytest.raises(CheckpointError, match="expected checkpoint format 2, found None"):
        trainer(folder, tmp_path).resume()


def test_a_damaged_checkpoint_names_the_one_before_it(folder, tmp_path):
    run = trainer(folder, tmp_path)
    run._save()
    run.position.iteration = 7
    run._save()
    whole = run.checkpoint_path.read_bytes()
    previous = previous_path(run.checkpoint_path)
    assert read_checkpoint(previous)["position"]["iteration"] == 0
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 4096]) + whole[middle + 4096 :]
    for broken in (b"half a checkpoint", whole[:middle], damaged, b""):
        run.checkpoint_path.write_bytes(broken)
        with pytest.raises(CheckpointError, match=r"unreadable.*checkpoint\.previous\.pt: rename it") as error:
            trainer(folder, tmp_path).resume()
        assert "\n" not in str(error.value)
    previous.replace(run.checkpoint_path)
    assert trainer(folder, tmp_path).resume()


def test_a_save_that_fails_leaves_the_old_checkpoint(folder, tmp_path, monkeypatch):
    run = trainer(folder, tmp_path)
    run._save()
    before = run.checkpoint_path.read_bytes()

    def half(contents, file):
        file.write(b"half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint_module.torch, "save", half)
        with pytest.raises(OSError, match="no space"):
            run._save()
    assert run.checkpoint_path.read_bytes() == before
    run._save()
    assert [path.name for path in tmp_path.glob(".*")] == []  # nothing half is left behind
