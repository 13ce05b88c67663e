"""Networks around transformers' ResNet and Swin: trained, saved and folded like the default one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from tiny_network import TINY, TINY_RESNET, TINY_SWIN
from torch import nn

from ros_anomaly.network.backbone_shapes import RESNETS, SWINS, ResNetShape, SwinShape, variant_of
from ros_anomaly.network.backbones import FrozenBatchNorm
from ros_anomaly.network.config import NetworkConfig
from ros_anomaly.network.deformable import DeformableAttention, GatheredAttention
from ros_anomaly.network.folding import folded_copy
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import load_weights, save_weights

NETWORKS = {
    "swin deformable": replace(TINY_SWIN, pixel_decoder="deformable"),
    "resnet deformable": replace(TINY_RESNET, pixel_decoder="deformable"),
    "resnet fpn": TINY_RESNET,
    "efficientnet deformable": replace(TINY, pixel_decoder="deformable", fine_features=8),
}


def made(config: NetworkConfig) -> AnomalyNetwork:
    """Random weights; sampling offsets, attention weights and statistics that are not trivial."""
    torch.manual_seed(0)
    network = AnomalyNetwork(config)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, DeformableAttention):
                nn.init.normal_(module.sampling_offsets.weight, std=0.3)
                nn.init.normal_(module.attention_weights.weight, std=0.3)
            if isinstance(module, (FrozenBatchNorm, nn.BatchNorm2d)):
                module.running_mean.normal_(std=0.2)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
def test_saved_folded_and_trained(config, tmp_path):
    network = made(config)
    save_weights(tmp_path / "w.safetensors", network, {})
    loaded, _ = load_weights(tmp_path / "w.safetensors")
    assert loaded.config == config
    folded = folded_copy(loaded)
    assert not any(isinstance(m, (FrozenBatchNorm, nn.BatchNorm2d, DeformableAttention)) for m in folded.modules())
    pixels = torch.randn(1, 3, 72, 104)  # neither side is a multiple of 32
    with torch.no_grad():
        expected, found = network(pixels), folded(pixels)
    cells = (36, 52) if config.fine_features else (18, 26)
    assert found.mask_logits[-1].shape == (1, TINY.queries, *cells)
    torch.testing.assert_close(found.mask_logits[-1], expected.mask_logits[-1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.class_logits[-1], expected.class_logits[-1], atol=1e-4, rtol=1e-4)

    frozen = {n: m.running_mean.clone() for n, m in network.named_modules() if isinstance(m, FrozenBatchNorm)}
    output = network.train()(torch.randn(2, 3, 64, 64))
    total = sum(logits.square().sum() for logits in output.class_logits + output.mask_logits)
    (total + output.dense_logits.square().sum()).backward()
    # Keys of an attention cannot move it by their bias; the rest must get a gradient, or it is no part of the network.
    idle = [n for n, p in network.named_parameters() if p.grad is None]
    assert idle == []
    assert {
        n: m.running_mean for n, m in network.named_modules() if isinstance(m, FrozenBatchNorm)
    }.keys() == frozen.keys()
    assert all(torch.equal(network.get_submodule(name).running_mean, mean) for name, mean in frozen.items())
    stem = sum(p.numel() for p in network.stem_parameters())
    assert 0 < stem < sum(p.numel() for p in network.backbone.parameters())


def test_gathers_read_what_grid_sample_reads_outside_the_image_too():
    layer = DeformableAttention(embed_dim=16, num_heads=2, n_levels=3, n_points=4)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
        layer.sampling_offsets.bias.normal_(std=6)  # far beyond a level of 3 x 4 cells
    shapes = [(3, 4), (6, 8), (12, 15)]
    tokens = sum(height * width for height, width in shapes)
    arguments = {
        "hidden_states": torch.randn(2, tokens, 16),
        "encoder_hidden_states": torch.randn(2, tokens, 16),
        "position_embeddings": torch.randn(2, tokens, 16),
        "reference_points": torch.rand(2, tokens, 3, 2),
        "spatial_shapes_list": shapes,
    }
    with torch.no_grad():
        expected, weights = layer(**arguments)
        found, own_weights = GatheredAttention(layer)(**arguments)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert own_weights.transpose(1, 2).shape == weights.shape


def test_normalisation_is_the_network_s():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8))
    images = images.contiguous(memory_format=torch.channels_last)
    default = AnomalyNetwork(TINY).prepare(images)
    assert torch.equal(default, (images.float() - 127.0) / 128.0)
    assert default.is_contiguous(memory_format=torch.channels_last)
    white = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
    imagenet = AnomalyNetwork(TINY_RESNET).prepare(white).flatten()
    torch.testing.assert_close(imagenet, torch.tensor([2.2489, 2.4286, 2.64]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
def test_config_survives_json(config):
    assert NetworkConfig.from_plain(json.loads(json.dumps(asdict(config)))) == config


def test_config_of_older_files_is_the_default_network():
    old = {"inlier_classes": 13, "outlier_class": True, "hidden": 128, "queries": 50}
    assert NetworkConfig.from_plain(old) == NetworkConfig(outlier_class=True)
    with pytest.raises(ValueError, match="found colour"):
        NetworkConfig.from_plain({"colour": 1})


def test_published_shapes_have_names():
    assert variant_of(SwinShape(192, (2, 2, 18, 2), (6, 12, 24, 48), 12)) == "swin_large"
    assert variant_of(replace(SWINS["swin_base"], window=7)) is None
    assert NetworkConfig(backbone="resnet101").backbone_shape == RESNETS["resnet101"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backbone": "vgg"}, "expected one of efficientnet_lite0.*found 'vgg'"),
        ({"backbone": "swin"}, "swin: expected a shape with backbone swin alone, found none"),
        ({"resnet": ResNetShape()}, "found one with backbone efficientnet_lite0"),
        ({"drop_path": 0.1}, "drop_path: expected 0 with backbone efficientnet_lite0"),
        ({"backbone": "swin_tiny", "drop_path": 1.0}, "a share from 0 to below 1"),
        ({"backbone": "resnet50", "fine_features": 8}, "fine_features: expected 0 with backbone resnet50"),
        ({"pixel_decoder": "unet"}, "expected one of fpn, deformable; found 'unet'"),
        ({"pixel_decoder": "deformable", "hidden": 48}, "a multiple of 32 with a deformable"),
        ({"input_mean": (1.0, 2.0, 3.0)}, "both or none"),
        ({"input_mean": (1.0, 2.0, 3.0), "input_std": (1.0, 0.0, 1.0)}, "above 0"),
    ],
)
def test_configs_that_do_not_fit_themselves(values, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**values)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SwinShape(8, (1, 1, 1, 1), (3, 2, 2, 4), 3), "expected divisors of 8 channels, found 3"),
        (lambda: SwinShape(8, (1, 1, 0, 1), (1, 2, 2, 4), 3), "swin depths: expected positive integers"),
        (lambda: ResNetShape(widths=(1, 2, 3)), "resnet widths: expected positive integers"),
    ],
)
def test_shapes_that_are_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()
