"""Statistics for the fitted scores, from the frames of a source that show no anomaly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, NUM_INLIER_CLASSES, VOID_ID
from ros_anomaly.detector import fit_image
from ros_anomaly.evaluation.labelled.score_maps import RawEngine
from ros_anomaly.scores.aggregation import pixel_sums
from ros_anomaly.scores.fitting import ScoreFit
from ros_anomaly.scores.names import Aggregation


def fit_statistics(
    frames: Iterable[Frame],
    engine: RawEngine,
    aggregation: Aggregation = Aggregation.MASKS,
    num_classes: int = NUM_INLIER_CLASSES,
) -> tuple[ScoreFit, int]:
    """(fit over all frames without an anomalous pixel, how many they were); void pixels are not counted.

    Sums are taken as the scores will take them: at the masks' own size, where a cell is void if the label pixel in its
    middle is, or (exact) at that of the labels.

    Raises:
        ValueError: not one frame is free of anomalies.
    """
    fit, used = ScoreFit(num_classes), 0
    for frame in frames:
        if (frame.class_ids == ANOMALY_ID).any():
            continue
        prediction = engine.infer(fit_image(frame.image, engine.input_size))
        class_logits = torch.from_numpy(np.ascontiguousarray(prediction.class_logits))
        mask_logits = torch.from_numpy(np.ascontiguousarray(prediction.mask_logits))
        with torch.inference_mode():
            height, width = frame.class_ids.shape
            exact_size = (int(height), int(width)) if aggregation is Aggregation.EXACT else None
            sums = pixel_sums(class_logits, mask_logits, num_classes, exact_size)
            fit.add(sums, valid=_valid_cells(frame.class_ids, sums.classes.shape[-2:]))
        used += 1
    if used == 0:
        raise ValueError("fit: expected frames without anomalies, found none")
    return fit, used


def _valid_cells(class_ids: np.ndarray, cells: tuple[int, ...]) -> torch.Tensor:
    """bool [h, w]: False where the label in the middle of the cell is void."""
    height, width = class_ids.shape
    rows = (2 * np.arange(cells[0]) + 1) * height // (2 * cells[0])
    columns = (2 * np.arange(cells[1]) + 1) * width // (2 * cells[1])
    return torch.from_numpy(class_ids[np.ix_(rows, columns)] != VOID_ID)
