"""Quick figures and pictures on a few validation frames while training runs; ``evaluate`` gives the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from ros_anomaly.data.frames import FrameArrays
from ros_anomaly.data.labels import STREET_CLASSES, VOID_ID, ClassSet
from ros_anomaly.evaluation.metrics import ConfusionMatrix, PixelRanking
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.scores.registry import compute_scores
from ros_anomaly.training.pictures import row, score_colours, write_sheet

_SCORES = ("uno", "uno_normalised")
_PICTURES = 6


class Validation:
    """mIoU, and AP and FPR95 of a K+2 network, on evenly spaced frames at their full size.

    Args:
        frames: with or without anomalies (which have id K); of any sizes.
        count: how many are looked at.
        folder: where contact sheets go, ``iteration_000123.png``: image, truth, prediction, score.
        classes: of the labels.
    """

    def __init__(self, frames: FrameArrays, count: int, folder: Path, classes: ClassSet = STREET_CLASSES) -> None:
        if len(frames) == 0:
            raise ValueError("validation frames: expected at least one, found none")
        self._frames, self._folder, self._classes = frames, folder, classes
        self._indices = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).astype(int)).tolist()
        self._pictured = self._indices[:: max(1, len(self._indices) // _PICTURES)][:_PICTURES]

    def __call__(self, network: AnomalyNetwork, iteration: int) -> Mapping[str, float]:
        """Figures as fractions; ``iou/<class>`` for every class that occurs. The network is in eval mode.

        Writes the contact sheet of ``iteration`` too.
        """
        names = _SCORES if network.config.outlier_class else ()
        confusion = ConfusionMatrix(self._classes.count)
        rankings = {name: PixelRanking() for name in names}
        rows = []
        for index in self._indices:
            image, truth = self._arrays(index)
            scores, class_ids = _predict(network, image, names)
            confusion.add(truth, class_ids)
            for name in names:
                rankings[name].add(scores[name], truth == self._classes.anomaly_id, truth != VOID_ID)
            if index in self._pictured:
                rows.append(self._row(image, truth, class_ids, scores))
        write_sheet(self.sheet(iteration), rows)
        return self._figures(confusion, rankings)

    def preview(self, network: AnomalyNetwork, iteration: int) -> None:
        """Write the contact sheet of ``iteration`` alone. The network is in eval mode."""
        names = _SCORES if network.config.outlier_class else ()
        rows = []
        for index in self._pictured:
            image, truth = self._arrays(index)
            scores, class_ids = _predict(network, image, names)
            rows.append(self._row(image, truth, class_ids, scores))
        write_sheet(self.sheet(iteration), rows)

    def sheet(self, iteration: int) -> Path:
        """Where the contact sheet of an iteration is."""
        return self._folder / f"iteration_{iteration:06d}.png"

    def _arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        image, truth = self._frames.arrays(index)
        return np.array(image), np.array(truth)

    def _row(
        self, image: np.ndarray, truth: np.ndarray, class_ids: np.ndarray, scores: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        palette = self._classes.palette
        # uno_normalised lies within ±1.
        colours = [score_colours(scores["uno_normalised"])] if "uno_normalised" in scores else []
        return row(image, palette[truth], palette[class_ids], *colours)

    def _figures(self, confusion: ConfusionMatrix, rankings: Mapping[str, PixelRanking]) -> dict[str, float]:
        figures: dict[str, float] = {}
        if (miou := confusion.mean_iou()) is not None:
            figures["miou"] = round(miou, 4)
        for name, ranking in rankings.items():
            result = ranking.figures()
            for key in ("ap", "auroc", "fpr95"):
                if (value := getattr(result, key)) is not None:
                    figures[f"{name}_{key}"] = round(value, 4)
        present = confusion.counts.sum(1) > 0
        for name, iou, occurs in zip(self._classes.names, confusion.iou(), present, strict=True):
            if occurs:
                figures[f"iou/{name}"] = round(float(iou), 4)
        return figures


@torch.inference_mode()
def _predict(
    network: AnomalyNetwork, image: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].to(network.input_mean.device)
    output = network(network.prepare(pixels))
    scores, class_ids = compute_scores(
        names,
        output.class_logits[-1][0].float(),
        output.mask_logits[-1][0].float(),
        network.config.inlier_classes,
        image.shape[:2],
    )
    return {name: score.cpu().numpy() for name, score in scores.items()}, class_ids.cpu().numpy()
