"""From K+1 to K+2 classes: the outlier row."""

from __future__ import annotations

import torch
from torch import nn

from ros_anomaly.network.model import AnomalyNetwork


def extend_with_outlier(network: AnomalyNetwork) -> None:
    """Give the class head the outlier row at index K, in place; no-object moves to the end.

    The inlier and no-object logits stay what they are for every input. The new row starts at zero (as in UNO's
    public code), a neutral logit of 0 that the first steps move.

    Raises:
        ValueError: the network has the outlier class already.
    """
    if network.config.outlier_class:
        raise ValueError(f"extension: expected {network.config.class_rows - 1} + 1 classes, found the outlier class")
    old = network.class_head
    inliers = network.config.inlier_classes
    new = nn.Linear(old.in_features, inliers + 2)
    with torch.no_grad():
        new.weight.zero_()
        new.bias.zero_()
        for target, source in ((new.weight, old.weight), (new.bias, old.bias)):
            target[:inliers] = source[:inliers]
            target[-1] = source[-1]
    network.replace_class_head(new, outlier_class=True)
