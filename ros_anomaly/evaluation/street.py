"""Evaluation over labelled frames: one forward pass a frame, every score from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import CLASS_NAMES, NUM_INLIER_CLASSES
from ros_anomaly.detector import fit_image
from ros_anomaly.evaluation.metrics import ConfusionMatrix
from ros_anomaly.evaluation.score_figures import ScoreFigures, ScoreReport, frame_figures
from ros_anomaly.evaluation.strata import stratify
from ros_anomaly.runtime.contract import RawPrediction
from ros_anomaly.scores.aggregation import pixel_sums, upsample
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import Score, get_score


class RawEngine(Protocol):
    """Gives class and mask logits, so that scores can be compared on the same pass."""

    @property
    def input_size(self) -> tuple[int, int]: ...

    def infer(self, image: np.ndarray) -> RawPrediction: ...


@dataclass(frozen=True)
class FrameFigures:
    """One frame with anomalies, by its own AP."""

    name: str
    ap: float
    anomalous_px: int


@dataclass(frozen=True)
class StreetReport:
    """``iou`` by class name, None for a class that never occurs; ``worst`` frames, lowest AP of ``scores[0]`` first."""

    frames: int
    anomalous_frames: int
    miou: float | None
    iou: dict[str, float | None]
    scores: dict[str, ScoreReport]
    worst: tuple[FrameFigures, ...]


def evaluate_frames(
    frames: Iterable[Frame],
    engine: RawEngine,
    score_names: Sequence[str],
    aggregation: Aggregation = Aggregation.STRIDE_4,
    worst: int = 10,
) -> StreetReport:
    """Figures of every named score; scores and class sums are brought to the labels' size bilinearly.

    Raises:
        ValueError: no frame, no or unknown score, or one that the engine's head cannot give.
    """
    scores = [get_score(name) for name in dict.fromkeys(score_names)]
    if not scores:
        raise ValueError("scores: expected at least one name, found none")
    figures = {score.name: ScoreFigures() for score in scores}
    confusion = ConfusionMatrix(NUM_INLIER_CLASSES)
    count = 0
    by_frame: list[FrameFigures] = []
    for frame in frames:
        count += 1
        prediction = engine.infer(fit_image(frame.image, engine.input_size))
        size = (int(frame.class_ids.shape[0]), int(frame.class_ids.shape[1]))
        maps, class_ids = _maps(prediction, scores, size, aggregation)
        confusion.add(frame.class_ids, class_ids)
        strata = stratify(frame)
        bins = [figures[score.name].add(score_map, strata) for score, score_map in zip(scores, maps, strict=True)]
        own = frame_figures(bins[0])
        if own.ap is not None:
            by_frame.append(FrameFigures(frame.name, own.ap, own.anomalous_px))
    if count == 0:
        raise ValueError("frames: expected at least one, found none")
    iou = [None if np.isnan(value) else float(value) for value in confusion.iou()]
    return StreetReport(
        frames=count,
        anomalous_frames=len(by_frame),
        miou=confusion.mean_iou(),
        iou=dict(zip(CLASS_NAMES, iou, strict=True)),
        scores={name: one.report() for name, one in figures.items()},
        worst=tuple(sorted(by_frame, key=lambda f: f.ap)[:worst]),
    )


@torch.inference_mode()
def _maps(
    prediction: RawPrediction, scores: Sequence[Score], size: tuple[int, int], aggregation: Aggregation
) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 [S, H, W] and class ids uint8 [H, W] at the labels' size (H, W)."""
    class_logits = torch.from_numpy(np.ascontiguousarray(prediction.class_logits))
    mask_logits = torch.from_numpy(np.ascontiguousarray(prediction.mask_logits))
    for score in scores:
        score.check_head(class_logits)
    sums = pixel_sums(class_logits, mask_logits, image_size=size if aggregation is Aggregation.EXACT else None)
    maps, classes = torch.stack([score.formula(sums) for score in scores]), sums.classes
    if tuple(maps.shape[-2:]) != size:
        maps, classes = upsample(maps, size), upsample(classes, size)
    return maps.numpy(), classes.argmax(dim=0).to(torch.uint8).numpy()
