"""Quick figures and pictures on a few validation frames while training runs; ``evaluate`` gives the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from ros_anomaly.data.frame_store import FrameStore
from ros_anomaly.data.labels import ANOMALY_ID, CLASS_NAMES, NUM_INLIER_CLASSES, PALETTE, VOID_ID
from ros_anomaly.evaluation.metrics import ConfusionMatrix, PixelRanking
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.scores.registry import compute_scores
from ros_anomaly.training.trainer import normalise

_SCORES = ("uno", "uno_clamped")
_PICTURES = 6


class Validation:
    """mIoU, and AP and FPR95 of a K+2 network, on evenly spaced frames of a store at their full size.

    Args:
        store: with or without anomalies.
        frames: how many are looked at.
        folder: where contact sheets go, ``iteration_000123.png``: image, truth, prediction, score.
    """

    def __init__(self, store: FrameStore, frames: int, folder: Path) -> None:
        if len(store) == 0:
            raise ValueError(f"{store.folder}: expected validation frames, found an empty store")
        self._store, self._folder = store, folder
        self._indices = np.unique(np.linspace(0, len(store) - 1, min(frames, len(store))).astype(int))
        self._pictured = set(self._indices[:: max(1, len(self._indices) // _PICTURES)][:_PICTURES].tolist())

    def __call__(self, network: AnomalyNetwork, iteration: int) -> Mapping[str, float]:
        """Figures as fractions; ``iou/<class>`` for every class that occurs. The network is left in eval mode."""
        network.eval()
        names = _SCORES if network.config.outlier_class else ()
        confusion = ConfusionMatrix(NUM_INLIER_CLASSES)
        rankings = {name: PixelRanking() for name in names}
        rows = []
        for index in self._indices:
            image, truth = (np.array(array) for array in self._store.arrays(int(index)))
            scores, class_ids = _predict(network, image, names)
            confusion.add(truth, class_ids)
            for name in names:
                rankings[name].add(scores[name], truth == ANOMALY_ID, truth != VOID_ID)
            if int(index) in self._pictured:
                rows.append(_picture_row(image, truth, class_ids, scores.get("uno_clamped")))
        self._write_sheet(rows, iteration)
        return _figures(confusion, rankings)

    def _write_sheet(self, rows: list[np.ndarray], iteration: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        sheet = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(self._folder / f"iteration_{iteration:06d}.png"), sheet)


@torch.inference_mode()
def _predict(
    network: AnomalyNetwork, image: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    output = network(normalise(pixels))
    scores, class_ids = compute_scores(
        names, output.class_logits[-1][0], output.mask_logits[-1][0], network.config.inlier_classes, image.shape[:2]
    )
    return {name: score.numpy() for name, score in scores.items()}, class_ids.numpy()


def _figures(confusion: ConfusionMatrix, rankings: Mapping[str, PixelRanking]) -> dict[str, float]:
    figures: dict[str, float] = {}
    if (miou := confusion.mean_iou()) is not None:
        figures["miou"] = round(miou, 4)
    for name, ranking in rankings.items():
        result = ranking.figures()
        for key in ("ap", "auroc", "fpr95"):
            if (value := getattr(result, key)) is not None:
                figures[f"{name}_{key}"] = round(value, 4)
    present = confusion.counts.sum(1) > 0
    for name, iou, occurs in zip(CLASS_NAMES, confusion.iou(), present, strict=True):
        if occurs:
            figures[f"iou/{name}"] = round(float(iou), 4)
    return figures


def _picture_row(image: np.ndarray, truth: np.ndarray, class_ids: np.ndarray, score: np.ndarray | None) -> np.ndarray:
    half = (image.shape[1] // 2, image.shape[0] // 2)
    parts = [image, PALETTE[truth], PALETTE[class_ids]]
    if score is not None:
        # uno_clamped lies within ±1.
        grey = np.clip((score + 1) * 127.5, 0, 255).astype(np.uint8)
        parts.append(cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB))
    resized = [cv2.resize(np.ascontiguousarray(part), half, interpolation=cv2.INTER_AREA) for part in parts]
    return np.concatenate(resized, axis=1)
