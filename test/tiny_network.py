"""A network small enough for tests: the real backbone, everything else narrow."""

from __future__ import annotations

from dataclasses import replace

import torch

from ros_anomaly.network.backbone_shapes import ResNetShape, SwinShape
from ros_anomaly.network.model import AnomalyNetwork, NetworkConfig

TINY = NetworkConfig(hidden=32, mask_features=16, feedforward=32, heads=4, decoder_layers=2, queries=8)
_OTHER = replace(TINY, inlier_classes=3, encoder_layers=2, encoder_feedforward=24)
TINY_SWIN = replace(_OTHER, backbone="swin", swin=SwinShape(8, (1, 1, 2, 1), (1, 2, 2, 4), window=3), drop_path=0.2)
TINY_RESNET = replace(_OTHER, backbone="resnet", resnet=ResNetShape(8, (16, 24, 32, 40), (1, 1, 2, 1)))


def tiny_network(outlier: bool = False, seed: int = 0) -> AnomalyNetwork:
    """Random weights, with norm statistics that are not trivial."""
    torch.manual_seed(seed)
    network = AnomalyNetwork(TINY)
    with torch.no_grad():
        for norm in network.batch_norms():
            norm.running_mean.normal_(std=0.2)
            norm.running_var.uniform_(0.5, 1.5)
    if outlier:
        from ros_anomaly.network.extend import extend_with_outlier

        extend_with_outlier(network)
        torch.nn.init.normal_(network.class_head.weight)
    return network.eval()
