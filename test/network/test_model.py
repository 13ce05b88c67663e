"""Shapes, size, extension and folding of the network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import TINY, tiny_network
from torch import nn
from torch.nn import functional

from ros_anomaly.network.backbone import ConvFrozenBn
from ros_anomaly.network.extend import extend_with_outlier
from ros_anomaly.network.folding import folded_copy
from ros_anomaly.network.fused import RawNetwork
from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig


def test_default_network_is_small_and_has_the_shapes_of_the_contract():
    network = AnomalyNetwork(NetworkConfig(outlier_class=True)).train()
    assert sum(p.numel() for p in network.parameters()) <= 4.9e6
    output = network(torch.zeros(2, 3, 96, 160))
    assert len(output.class_logits) == len(output.mask_logits) == 5
    assert all(logits.shape == (2, 50, 15) for logits in output.class_logits)
    assert all(logits.shape == (2, 50, 24, 40) for logits in output.mask_logits)
    assert output.dense_logits.shape == (2, 13, 12, 20)


def test_sides_that_are_no_multiples_of_the_strides():
    output = tiny_network()(torch.zeros(1, 3, 90, 70))
    assert output.mask_logits[-1].shape == (1, 8, 23, 18)
    assert output.dense_logits is None


def test_padding_never_stretches_the_coarse_scales_over_the_image():
    """A frame whose sides are no multiples of 32 sees what it would see in the corner of a larger, neutral one."""
    network = tiny_network()
    pixels = torch.randn(1, 3, 72, 104)
    larger = torch.zeros(1, 3, 96, 128)
    larger[..., :72, :104] = pixels
    with torch.no_grad():
        own, whole = network(pixels), network(larger)
    assert torch.equal(own.mask_logits[-1], whole.mask_logits[-1][..., :18, :26])
    assert torch.equal(own.class_logits[-1], whole.class_logits[-1])


def test_mask_features_see_the_whole_image():
    """The top-down path: a far change of the image must reach a corner of the mask logits."""
    network = tiny_network()
    pixels = torch.zeros(1, 3, 128, 256)
    changed = pixels.clone()
    changed[..., 200:] = 1.0
    with torch.no_grad():
        first, second = (network(p).mask_logits[0] for p in (pixels, changed))
    assert float((first - second)[..., 0, 0].abs().max()) > 1e-5


def test_every_parameter_is_trained():
    network = tiny_network().train()
    output = network(torch.randn(2, 3, 64, 64))
    total = sum(logits.square().sum() for logits in output.class_logits + output.mask_logits)
    (total + output.dense_logits.square().sum()).backward()
    # The last layer's key bias cannot move a softmax; everything else must get a gradient.
    idle = [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert [name for name in idle if "k_proj.bias" not in name] == []


def test_extension_keeps_inlier_and_no_object_logits():
    network = tiny_network()
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network(pixels)
        extend_with_outlier(network)
        after = network(pixels)
    inliers = TINY.inlier_classes
    assert network.config.outlier_class
    assert network.config.class_rows == inliers + 2
    for old, new in zip(before.class_logits, after.class_logits, strict=True):
        assert new.shape[-1] == inliers + 2
        torch.testing.assert_close(new[..., :inliers], old[..., :inliers], atol=0, rtol=0)
        torch.testing.assert_close(new[..., -1], old[..., -1], atol=0, rtol=0)
        assert bool((new[..., inliers] == 0).all())
    with pytest.raises(ValueError, match="outlier class"):
        extend_with_outlier(network)


def test_class_head_must_fit():
    with pytest.raises(ValueError, match="expected 32 -> 15, found 32 -> 14"):
        tiny_network().replace_class_head(nn.Linear(32, 14), outlier_class=True)


def test_folding_changes_nothing_but_the_layers():
    network = tiny_network(outlier=True)
    folded = folded_copy(network)
    assert not any(isinstance(m, (ConvFrozenBn, nn.BatchNorm2d)) for m in folded.modules())
    assert any(isinstance(m, ConvFrozenBn) for m in network.modules())
    pixels = torch.randn(1, 3, 90, 70)
    with torch.no_grad():
        expected, found = network(pixels), folded(pixels)
    torch.testing.assert_close(found.class_logits[-1], expected.class_logits[-1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.mask_logits[-1], expected.mask_logits[-1], atol=1e-4, rtol=1e-4)


def test_enlarged_images_keep_their_place():
    """The engine takes the camera's size; only the masks become finer."""
    network = tiny_network()
    network.config = replace(network.config, input_scale=1.5)
    images = torch.randint(0, 256, (1, 3, 48, 64), dtype=torch.uint8)
    prepared = network.prepare(images)
    assert prepared.shape == (1, 3, 72, 96)
    expected = functional.interpolate((images.float() - 127) / 128, size=(72, 96), mode="bilinear")
    torch.testing.assert_close(prepared, expected)
    class_logits, mask_logits = RawNetwork(network)(images[0].permute(1, 2, 0))
    assert class_logits.shape == (8, 14) and mask_logits.shape == (8, 18, 24)
    assert network.config.input_size(360, 640) == (540, 960)


@pytest.mark.parametrize(
    "values", [{"queries": 0}, {"hidden": 30}, {"heads": 3}, {"decoder_layers": 1.5}, {"input_scale": 0.5}]
)
def test_config_checks_itself(values):
    with pytest.raises(ValueError, match="expected"):
        NetworkConfig(**values)
