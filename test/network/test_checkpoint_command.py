"""From a public checkpoint to an engine, and to weights that training continues from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from original_names import original_state, tiny_mask2former

from ros_anomaly.cli import export_network
from ros_anomaly.data.labels import CITYSCAPES_CLASSES
from ros_anomaly.network.operators import EMBEDDED_OPERATORS
from ros_anomaly.network.weights import load_weights
from ros_anomaly.runtime.engines import load_engine, load_raw_engine
from ros_anomaly.runtime.manifest import class_entries, load_manifest
from ros_anomaly.scores.registry import compute_scores

IMAGENET = torch.tensor([[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]])
SIZE = (40, 72)  # neither side is a multiple of 32


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def reference(model, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Class and mask logits of transformers for an image that is padded as the network pads it."""
    pixels = (torch.from_numpy(image).float() - IMAGENET[0]) / IMAGENET[1]
    padded = torch.zeros(1, 3, 64, 96)
    padded[..., : SIZE[0], : SIZE[1]] = pixels.permute(2, 0, 1)
    with torch.no_grad():
        output = model(padded)
    return output.class_queries_logits[0], output.masks_queries_logits[0][:, : SIZE[0] // 4, : SIZE[1] // 4]


def test_engine_of_a_checkpoint_with_the_outlier_class(image, tmp_path, capsys):
    model = tiny_mask2former("swin", 21, layers=1)
    torch.save({"model": original_state(model)}, tmp_path / "uno.pth")
    out = tmp_path / "city.json"
    arguments = ["--checkpoint", str(tmp_path / "uno.pth"), "--classes", "cityscapes", "--size", "72x40"]
    assert export_network.main([*arguments, "--score", "uno", "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["max_error"] <= 1e-3
    assert "19 classes and the outlier class; dropped backbone.layers.0" in printed.err
    manifest = load_manifest(out)
    assert manifest.classes == class_entries(CITYSCAPES_CLASSES)
    assert manifest.class_set.names == CITYSCAPES_CLASSES.names
    assert (manifest.opset, manifest.output_size) == (18, (10, 18))
    operators = {node.op_type for node in onnx.load(out.with_suffix(".onnx")).graph.node}
    assert "Gather" in operators and operators <= EMBEDDED_OPERATORS
    expected, ids = compute_scores(["uno"], *reference(model, image), num_classes=19)
    engine = load_engine(out, threads=1)
    found = engine.infer(image)
    engine.close()
    np.testing.assert_allclose(found.score, expected["uno"].numpy(), atol=1e-3)
    assert (found.class_ids != ids.numpy()).mean() < 0.01


def test_raw_engine_and_weights_of_a_closed_set_folder(image, tmp_path, capsys):
    model = tiny_mask2former("resnet", 4, layers=1)
    model.config.id2label = dict(enumerate(("road", "car", "sky")))
    model.save_pretrained(tmp_path / "hf")
    saved, out = tmp_path / "start.safetensors", tmp_path / "raw.json"
    arguments = ["--checkpoint", str(tmp_path / "hf"), "--save-weights", str(saved), "--out", str(out)]
    assert export_network.main([*arguments, "--kind", "raw", "--size", "72x40"]) == 0
    assert "the outlier class is new and starts at zero" in capsys.readouterr().err
    network, info = load_weights(saved)
    assert network.config.outlier_class
    assert [entry["name"] for entry in info["classes"]] == ["road", "car", "sky"]
    engine = load_raw_engine(out, threads=1)
    found = engine.infer(image)
    engine.close()
    class_logits, mask_logits = reference(model, image)
    np.testing.assert_allclose(found.mask_logits, mask_logits.numpy(), atol=1e-3)
    np.testing.assert_allclose(found.class_logits[:, [0, 1, 2, 4]], class_logits.numpy(), atol=1e-3)
    assert not found.class_logits[:, 3].any()


@pytest.fixture
def checkpoint(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.save(original_state(tiny_mask2former("resnet", 4, layers=1)), tmp_path / "closed.pth")
    return tmp_path / "closed.pth"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ([], "expected --out or --save-weights"),
        (["--out", "e.json"], "expected to be told the classes"),
        (["--out", "e.json", "--classes", "cityscapes"], "found 4"),
        (["--out", "e.json", "--classes", "nothing"], "expected cityscapes, street or an existing YAML file"),
        (["--out", "e.json", "--classes", "classes.yaml"], "expected a colour of three numbers"),
        (["--save-weights", "e.pth"], "ending in .safetensors"),
        (["--out", "e.json", "--weights", "closed.pth"], "not allowed with argument"),
    ],
)
def test_mistakes_are_one_line(checkpoint, capsys, extra, message):
    Path("classes.yaml").write_text("[{name: road, colour: [1, 2]}]")
    try:
        status = export_network.main(["--checkpoint", str(checkpoint), *extra])
    except SystemExit as stopped:
        status = stopped.code
    assert status != 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert list(Path().glob("e.*")) == []


def test_own_classes_from_a_file(checkpoint, capsys):
    Path("classes.yaml").write_text("[{name: lane, colour: [1, 2, 3]}, {name: kerb, colour: [4, 5, 6]}]")
    arguments = ["--checkpoint", str(checkpoint), "--classes", "classes.yaml", "--save-weights", "own.safetensors"]
    assert export_network.main(arguments) == 0
    network, info = load_weights("own.safetensors")
    assert info["classes"] == [{"name": "lane", "colour": [1, 2, 3]}, {"name": "kerb", "colour": [4, 5, 6]}]
    # Four rows are two classes, the outlier and no-object: nothing is added.
    assert network.config.class_rows == 4
    assert "starts at zero" not in capsys.readouterr().err
