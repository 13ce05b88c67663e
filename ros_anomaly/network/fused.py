"""The network as an engine takes it: a uint8 image in, the outputs of the engine contract out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ros_anomaly.network.folding import folded_copy
from ros_anomaly.network.half import HalfNetwork
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import compute_scores, get_score


class RawNetwork(nn.Module):
    """uint8 [H, W, 3] RGB → class logits float32 [N, K+1 or K+2], mask logits float32 [N, h, w].

    Args:
        network: copied and folded, as it is exported; with ``folded=False`` itself, to compare the export with.
        half: float16 parameters and features (:class:`HalfNetwork`); only of a folded copy.
    """

    output_names = ("class_logits", "mask_logits")

    def __init__(self, network: AnomalyNetwork, folded: bool = True, half: bool = False) -> None:
        super().__init__()
        if half and not folded:
            raise ValueError("half precision: expected a folded copy, found the network itself")
        copied = folded_copy(network) if folded else network
        self.network = HalfNetwork(copied) if half else copied

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        # To float first of all: TensorRT takes bytes into a cast and nothing else.
        output = self.network(self.network.prepare(image.float().permute(2, 0, 1)[None]))
        return output.class_logits[-1][0].float(), output.mask_logits[-1][0].float()


class FusedNetwork(nn.Module):
    """uint8 [H, W, 3] RGB → score float32 [h, w] and closed-set class ids uint8 [h, w].

    Softmax, σ and the weighted sum over queries run in float32 whatever the precision of the network.

    Args:
        network: copied; K+2 where the score needs the outlier class.
        score: a name of ``ros_anomaly.scores``.
        aggregation: ``EXACT`` upsamples the mask logits to the image first (h, w = H, W); ``MASKS`` sums at the
            masks' own size.
        folded, half: see :class:`RawNetwork`.

    Raises:
        ValueError: unknown score, or one that this head cannot give.
    """

    output_names = ("score", "class_ids")

    def __init__(
        self,
        network: AnomalyNetwork,
        score: str,
        aggregation: Aggregation,
        folded: bool = True,
        half: bool = False,
    ) -> None:
        super().__init__()
        get_score(score).check_head(torch.empty(1, network.config.class_rows), network.config.inlier_classes)
        self.raw = RawNetwork(network, folded, half)
        self.score, self.aggregation = score, aggregation
        self.inlier_classes = network.config.inlier_classes

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        class_logits, mask_logits = self.raw(image)
        size = (int(image.shape[0]), int(image.shape[1])) if self.aggregation is Aggregation.EXACT else None
        scores, class_ids = compute_scores([self.score], class_logits, mask_logits, self.inlier_classes, size)
        return scores[self.score], class_ids
