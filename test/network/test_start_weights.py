"""Weights of one network as the start of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import TINY, tiny_network

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import WeightsError, read_weights, save_weights, start_from


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_weights(folder / "plain.safetensors", tiny_network(), {})
    torch.manual_seed(0)
    save_weights(folder / "fine.safetensors", AnomalyNetwork(replace(TINY, fine_features=8)), {})
    return {name: read_weights(folder / f"{name}.safetensors") for name in ("plain", "fine")}


def test_new_optional_layers_are_named_and_change_no_answer(files):
    torch.manual_seed(3)
    network = AnomalyNetwork(replace(TINY, fine_features=8)).eval()
    before = network.state_dict()["fine_masks.lateral.0.weight"].clone()
    report = start_from(network, files["plain"], "file")
    assert report.left_out == ()
    assert report.new and all(name.startswith("fine_masks.") for name in report.new)
    assert torch.equal(network.state_dict()["fine_masks.lateral.0.weight"], before)
    pixels = network.prepare(torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8))
    with torch.inference_mode():
        found, expected = network(pixels), tiny_network()(pixels)
    torch.testing.assert_close(found.class_logits[-1], expected.class_logits[-1])
    up = torch.nn.functional.interpolate(expected.mask_logits[-1], scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found.mask_logits[-1], up)


def test_optional_layers_that_the_recipe_does_without_are_named(files):
    network = AnomalyNetwork(TINY)
    report = start_from(network, files["fine"], "file")
    assert report.new == ()
    assert report.left_out and all(name.startswith("fine_masks.") for name in report.left_out)
    assert torch.equal(network.state_dict()["dense_head.weight"], files["fine"].tensors["dense_head.weight"])


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"queries": 9}, ["queries: expected 9, found 8", "misshapen mask2former.model.transformer_module.queries"]),
        ({"heads": 2}, ["heads: expected 2, found 4"]),  # which no shape of a tensor tells
        ({"decoder_layers": 3}, ["decoder_layers: expected 3, found 2", "missing mask2former."]),
        (
            {"inlier_classes": 19},
            ["inlier_classes: expected 19, found 13", "misshapen dense_head.bias"],
        ),
    ],
)
def test_every_other_difference_is_an_error_by_name(files, change, messages):
    network = AnomalyNetwork(replace(TINY, **change))
    before = network.state_dict()["dense_head.weight"].clone()
    with pytest.raises(WeightsError) as error:
        start_from(network, files["plain"], "some file")
    assert str(error.value).startswith("some file: weights do not fit the network of the recipe: ")
    for message in messages:
        assert message in str(error.value)
    assert torch.equal(network.state_dict()["dense_head.weight"], before)
