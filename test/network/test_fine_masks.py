"""The stride 2 branch: shapes, a start that changes nothing, and that it can draw what stride 4 cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import TINY
from torch.nn import functional as F

from ros_anomaly.network.fine_masks import FineMasks
from ros_anomaly.network.folding import folded_copy
from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig
from ros_anomaly.network.weights import load_weights, save_weights

FINE = replace(TINY, fine_features=8)


def fine_network() -> AnomalyNetwork:
    torch.manual_seed(3)
    return AnomalyNetwork(FINE).eval()


def test_only_the_deciding_layer_is_at_stride_2():
    network = fine_network()
    with torch.no_grad():
        output = network(torch.zeros(1, 3, 90, 70))
    assert network.config.mask_stride == 2
    assert output.mask_logits[-1].shape == (1, TINY.queries, 45, 35)
    assert all(logits.shape == (1, TINY.queries, 23, 18) for logits in output.mask_logits[:-1])
    assert NetworkConfig(fine_features=0).mask_stride == 4


def test_it_starts_as_the_upsampled_masks():
    network = fine_network()
    pixels = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        fine = network(pixels).mask_logits[-1]
        network.fine_masks = None
        coarse = network(pixels).mask_logits[-1]
    expected = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(fine, expected, atol=0, rtol=0)


def test_it_learns_a_line_that_is_one_cell_of_stride_2_wide():
    torch.manual_seed(0)
    branch = FineMasks(stride2_channels=4, mask_features=6, hidden=16, channels=8).train()
    stride2 = torch.randn(1, 4, 24, 24)
    stride2[:, 0] = 0.0
    stride2[:, 0, :, 7] = 3.0
    wanted = torch.zeros(1, 1, 24, 24)
    wanted[..., 7] = 1.0
    stride4, queries, coarse = torch.zeros(1, 6, 12, 12), torch.randn(1, 1, 16), torch.zeros(1, 1, 12, 12)
    optimiser = torch.optim.Adam(branch.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(branch(stride2, stride4, queries, coarse), wanted)
        loss.backward()
        optimiser.step()
    found = branch(stride2, stride4, queries, coarse) > 0
    assert torch.equal(found.float(), wanted)


def test_folding_keeps_the_function():
    network = fine_network()
    torch.nn.init.normal_(network.fine_masks.embed[-1].weight)
    for norm in network.batch_norms():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            folded_copy(network)(pixels).mask_logits[-1], network(pixels).mask_logits[-1], atol=1e-4, rtol=1e-4
        )


def test_weights_remember_the_branch(tmp_path):
    network = fine_network()
    torch.nn.init.normal_(network.fine_masks.embed[-1].weight)
    save_weights(tmp_path / "fine.safetensors", network, {})
    loaded, _ = load_weights(tmp_path / "fine.safetensors")
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(pixels).mask_logits[-1], network(pixels).mask_logits[-1])


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match="fine_features: expected an integer from 0 on, found -1"):
        NetworkConfig(fine_features=-1)
