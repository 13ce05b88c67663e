"""A run that is killed at a random step and resumed has bitwise the weights of one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_network import tiny_network
from training_rig import write_frames

from ros_anomaly.cli import train
from ros_anomaly.network.weights import save_weights

ITERATIONS = 6
RECIPE = f"""
network: {{hidden: 32, mask_features: 16, feedforward: 32, heads: 4, decoder_layers: 2, queries: 8}}
outlier:
  iterations: {ITERATIONS}
  learning_rate: 1.0e-3
  warmup_iterations: 4
  ema_decay: 0.9
  mixture: {{pasted: 0.4, rendered: 0.4}}
  phases: [{{until: 0.5, crop: [32, 64], batch: 2}}, {{until: 1, crop: [64, 96], batch: 1}}]
log: {{checkpoint_minutes: 1.0e-9, validate_minutes: 1000, validation_frames: 1, tensorboard: false}}
"""
GIVE_UP_S = 600


def arguments(folder: Path, out: Path, workers: int) -> list[str]:
    paths = {"--recipe": folder / "recipe.yaml", "--frames": folder / "frames", "--out": out}
    more = ["--start", folder / "start.safetensors", "--stage", "outlier", "--resume", "--data-workers", workers]
    return [*(str(text) for pair in paths.items() for text in pair), *map(str, more), "--threads", "1"]


def steps_taken(out: Path) -> int:
    log = out / "outlier" / "log.jsonl"
    return log.read_text().count('"kind": "step"') if log.exists() else 0


@pytest.mark.timeout(900)
def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    write_frames(tmp_path / "frames")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    save_weights(tmp_path / "start.safetensors", tiny_network(), {})
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert train.main(arguments(tmp_path, straight, workers=0)) == 0

    step = random.randrange(1, ITERATIONS - 1)
    command = [sys.executable, "-m", "ros_anomaly.cli.train", *arguments(tmp_path, broken, workers=1)]
    with (tmp_path / "killed.log").open("w") as log:
        killed = subprocess.Popen(command, stdout=log, stderr=log)
    deadline = time.monotonic() + GIVE_UP_S
    while steps_taken(broken) < step and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.1))  # anywhere in the step after it, the writing of a checkpoint too
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, (tmp_path / "killed.log").read_text()
    assert not (broken / "outlier.safetensors").exists()

    assert train.main(arguments(tmp_path, broken, workers=0)) == 0
    expected, found = load_file(straight / "outlier.safetensors"), load_file(broken / "outlier.safetensors")
    assert expected.keys() == found.keys()
    different = [name for name in expected if not torch.equal(expected[name], found[name])]
    assert different == [], f"killed after step {step}"
    assert steps_taken(broken) == steps_taken(straight) == ITERATIONS
    began = load_file(tmp_path / "start.safetensors")
    assert not torch.equal(expected["dense_head.weight"], began["dense_head.weight"])
