"""ImageNet weights from the files that people have."""

from __future__ import annotations

import pytest
import torch
from original_names import DEPTHS, original_state, tiny_mask2former
from tiny_network import TINY, TINY_RESNET, TINY_SWIN

from ros_anomaly.network.checkpoints.errors import CheckpointImportError
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.pretrained import load_pretrained_backbone


def torchvision_name(name: str) -> str:
    """Of detectron2's ``res2.0.conv1.norm.weight``: ``layer1.0.bn1.weight``."""
    name = name.replace("stem.conv1.norm", "bn1").replace("stem.conv1", "conv1")
    name = name.replace("shortcut.norm", "downsample.1").replace("shortcut", "downsample.0")
    for number in (1, 2, 3):
        name = name.replace(f"conv{number}.norm", f"bn{number}")
    for stage in (2, 3, 4, 5):
        name = name.replace(f"res{stage}.", f"layer{stage - 1}.")
    return name


def backbone_state(family: str) -> dict[str, torch.Tensor]:
    state = original_state(tiny_mask2former(family, 4))
    return {name.removeprefix("backbone."): t for name, t in state.items() if name.startswith("backbone.")}


@pytest.mark.parametrize("naming", ["torchvision", "detectron2"])
def test_resnet(tmp_path, naming):
    state = backbone_state("resnet")
    if naming == "torchvision":
        state = {torchvision_name(name): tensor for name, tensor in state.items()}
        assert f"layer3.{DEPTHS[2] - 1}.bn3.running_var" in state
        state["fc.weight"] = torch.zeros(10, 40)
    torch.save(state, tmp_path / "resnet.pth")
    network = AnomalyNetwork(TINY_RESNET)
    assert load_pretrained_backbone(network, tmp_path / "resnet.pth") == tuple(n for n in state if n.startswith("fc"))
    stem = "stem.conv1.weight" if naming == "detectron2" else "conv1.weight"
    assert torch.equal(network.backbone.embedder.embedder.convolution.weight, state[stem])


def test_swin_of_its_authors_and_of_hugging_face(tmp_path):
    model = tiny_mask2former("swin", 4)
    state = {name: tensor for name, tensor in backbone_state("swin").items() if not name.startswith("norm")}
    torch.save({"model": state | {"norm.weight": torch.ones(64), "head.bias": torch.ones(10)}}, tmp_path / "swin.pth")
    model.model.pixel_level_module.encoder.save_pretrained(tmp_path / "hf")
    wanted = model.model.pixel_level_module.encoder.swin.state_dict()
    for source in ("swin.pth", "hf"):
        network = AnomalyNetwork(TINY_SWIN)
        left_out = load_pretrained_backbone(network, tmp_path / source)
        assert any("norm" in name for name in left_out)
        found = network.backbone.swin.state_dict()
        assert found and all(torch.equal(tensor, wanted[name]) for name, tensor in found.items())


def test_sources_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="expected none for efficientnet_lite0"):
        load_pretrained_backbone(AnomalyNetwork(TINY), tmp_path)
    network = AnomalyNetwork(TINY_RESNET)
    with pytest.raises(ValueError, match="expected a file or folder of resnet's from ImageNet, found none"):
        load_pretrained_backbone(network)
    state = backbone_state("resnet")
    state["res2.9.conv1.weight"] = state.pop("res2.0.conv1.weight")
    state["stem.conv1.norm.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "other.pth")
    before = network.backbone.embedder.embedder.convolution.weight.clone()
    with pytest.raises(CheckpointImportError) as caught:
        load_pretrained_backbone(network, tmp_path / "other.pth")
    for problem in ("extra res2.9.conv1.weight", "missing encoder.stages.0.layers.0", "misshapen embedder.embedder"):
        assert problem in str(caught.value)
    assert torch.equal(network.backbone.embedder.embedder.convolution.weight, before)
