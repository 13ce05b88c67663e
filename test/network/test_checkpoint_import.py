"""Public checkpoints, in miniature: the imported network computes what transformers computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from original_names import original_state, tiny_mask2former
from transformers import Mask2FormerForUniversalSegmentation

from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.checkpoints.load import ImportedNetwork, import_checkpoint
from ros_anomaly.network.extend import extend_with_outlier
from ros_anomaly.network.weights import load_weights, save_weights

K = 5
NAMES = ("road", "car", "person", "sky", "tree")


@pytest.fixture(scope="module", params=["swin", "resnet"])
def model(request) -> Mask2FormerForUniversalSegmentation:
    return tiny_mask2former(request.param, K + 1)


@pytest.fixture(scope="module")
def swin() -> Mask2FormerForUniversalSegmentation:
    return tiny_mask2former("swin", K + 2)


def assert_same(imported: ImportedNetwork, model: Mask2FormerForUniversalSegmentation) -> None:
    torch.manual_seed(1)
    pixels = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found, expected = imported.network(pixels), model(pixels)
    torch.testing.assert_close(found.mask_logits[-1], expected.masks_queries_logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.class_logits[-1], expected.class_queries_logits, atol=1e-4, rtol=0)


def folder_of(
    model: Mask2FormerForUniversalSegmentation, folder: Path, names: tuple[str, ...] = NAMES, shard: str = "1GB"
) -> Path:
    model.config.id2label = dict(enumerate(names))
    model.save_pretrained(folder, max_shard_size=shard)
    return folder


def saved(state: dict[str, torch.Tensor], path: Path, key: str | None = "model") -> Path:
    torch.save(state if key is None else {key: state, "iteration": 7}, path)
    return path


def test_original_closed_set_checkpoint(model, tmp_path):
    imported = import_checkpoint(saved(original_state(model), tmp_path / "model_final.pth"), K)
    assert_same(imported, model)
    assert not imported.network.config.outlier_class
    assert "criterion.empty_weight" in imported.dropped
    assert "dropped" in imported.summary
    # The outlier row comes at zero; inlier and no-object logits stay.
    before = imported.network.class_head.weight.clone()
    extend_with_outlier(imported.network)
    after = imported.network.class_head.weight
    assert after.shape[0] == K + 2
    assert not after[K].any()
    torch.testing.assert_close(after[[*range(K), K + 1]], before)


def test_hugging_face_folder(model, tmp_path):
    imported = import_checkpoint(folder_of(model, tmp_path / "hf"))
    assert_same(imported, model)
    assert imported.names == NAMES
    swin = model.config.backbone_config.model_type == "swin"
    assert imported.network.config.drop_path == (0.2 if swin else 0)


def test_checkpoint_with_the_outlier_class_comes_over_whole(swin, tmp_path):
    state = {f"module.{name}": tensor for name, tensor in original_state(swin).items()}
    imported = import_checkpoint(saved(state, tmp_path / "uno.pth", "state_dict"), K)
    assert imported.network.config.outlier_class
    assert imported.network.config.class_rows == K + 2
    assert_same(imported, swin)
    # An imported network is one of ours: it is saved and loaded like any other.
    save_weights(tmp_path / "ours.safetensors", imported.network, {})
    again, _ = load_weights(tmp_path / "ours.safetensors")
    assert again.config == imported.network.config
    assert_same(ImportedNetwork(again.eval(), None, ()), swin)


def test_folder_whose_last_label_is_the_outlier(swin, tmp_path):
    # In shards with an index, as large models come.
    folder = folder_of(swin, tmp_path / "hf", (*NAMES, "outlier"), "40KB")
    assert (folder / "model.safetensors.index.json").exists()
    imported = import_checkpoint(folder)
    assert imported.network.config.outlier_class
    assert imported.names == NAMES
    assert_same(imported, swin)


def test_folder_with_a_pickle_and_its_own_normalisation(swin, tmp_path):
    folder = folder_of(swin, tmp_path / "hf", (*NAMES, "outlier"))
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    own = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 1.0], "rescale_factor": 1 / 255}
    (folder / "preprocessor_config.json").write_text(json.dumps(own))
    network = import_checkpoint(folder).network
    grey = network.prepare(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))
    torch.testing.assert_close(grey.flatten(), torch.tensor([2.0, 1.0, 0.5]))


def test_names_of_the_first_published_checkpoints(swin, tmp_path):
    old = {
        name.replace("pixel_decoder.", "").replace("query_feat", "static_query"): tensor
        for name, tensor in original_state(swin).items()
    }
    assert_same(import_checkpoint(saved(old, tmp_path / "old.pth", None), K), swin)


@pytest.mark.parametrize("kind", ["missing", "extra", "misshapen", "not finite"])
def test_every_tensor_that_does_not_fit_is_named(swin, tmp_path, kind):
    state = original_state(swin)
    names = ["backbone.norm2.bias", "sem_seg_head.predictor.mask_embed.layers.1.weight"]
    for name in names:
        if kind == "missing":
            del state[name]
        elif kind == "extra":
            state[f"{name}.flow"] = torch.zeros(1)
        else:
            state[name] = torch.zeros(3) if kind == "misshapen" else torch.full_like(state[name], torch.nan)
    with pytest.raises(CheckpointImportError) as caught:
        import_checkpoint(saved(state, tmp_path / "bad.pth"), K)
    missing = ["encoder.hidden_states_norms.stage3.bias", "mask_embedder.1.0.weight"]
    for name in missing if kind == "missing" else names:
        assert name in str(caught.value)
    assert str(caught.value).count(f"{kind} ") == 2
    if kind == "extra":
        imported = import_checkpoint(tmp_path / "bad.pth", K, ignored=[f"{name}.flow" for name in names])
        assert {f"{name}.flow" for name in names} < set(imported.dropped)


def test_a_layer_in_the_middle_that_is_missing(swin, tmp_path):
    state = {name: tensor for name, tensor in original_state(swin).items() if ".layers.2.blocks.0." not in name}
    with pytest.raises(CheckpointImportError, match=r"four stages, missing .*layers\.2\.blocks\.0"):
        import_checkpoint(saved(state, tmp_path / "bad.pth"), K)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inlier_classes": 19}, r"class head of 20 rows .* or 21 .*found 7"),
        ({}, r"told the classes.*head of 7 rows: 6 classes and no-object, or 5 with an outlier class"),
        ({"inlier_classes": K, "variant": "swin_large"}, "expected a swin_large backbone, found swin"),
    ],
)
def test_what_was_asked_for_must_be_there(swin, tmp_path, arguments, message):
    with pytest.raises(CheckpointImportError, match=message):
        import_checkpoint(saved(original_state(swin), tmp_path / "uno.pth"), **arguments)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pre_norm", True, "found pre_norm True"),
        ("decoder_layers", 10, r"found decoder_layers 10 \(tensors: 3\)"),
        ("num_attention_heads", 8, r"num_attention_heads 8 \(tensors: 4\)"),
        ("model_type", "maskformer", "expected model_type mask2former, found 'maskformer'"),
        ("id2label", {"0": "road", "2": "car"}, "expected ids 0 to 1"),
    ],
)
def test_config_that_does_not_fit(swin, tmp_path, key, value, message):
    folder = folder_of(swin, tmp_path / "hf", (*NAMES, "outlier"))
    plain = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(plain | {key: value}))
    with pytest.raises(CheckpointImportError, match=message):
        import_checkpoint(folder)


def test_networks_of_bgr_images_are_refused(swin, tmp_path):
    state = original_state(swin) | {"pixel_mean": torch.tensor([103.53, 116.28, 123.675]), "pixel_std": torch.ones(3)}
    with pytest.raises(CheckpointImportError, match="expected a network of RGB images"):
        import_checkpoint(saved(state, tmp_path / "bgr.pth"), K)
