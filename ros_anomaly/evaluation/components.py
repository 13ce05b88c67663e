"""Component-wise metrics of SegmentMeIfYouCan: sIoU, PPV and F1* of connected components.

Components are 8-connected and found on the whole image; what is void is then left out of every count.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

VOID = 255
F1_STAR_LEVELS: tuple[float, ...] = tuple(0.25 + 0.05 * i for i in range(11))


@dataclass(frozen=True)
class ComponentFigures:
    """Means over all components of all frames; None where there is nothing to average.

    ``f1_star`` averages F1 over ``F1_STAR_LEVELS``; it is None if there is neither a true nor a predicted component,
    and 0 if there are only predicted ones.
    """

    siou: float | None
    ppv: float | None
    f1_star: float | None
    true_components: int
    predicted_components: int


class ComponentMetrics:
    """Accumulates frames. ``min_predicted_px``, ``min_true_px``: smaller components are dropped, or become void."""

    def __init__(self, min_predicted_px: int, min_true_px: int) -> None:
        self._min_predicted_px = min_predicted_px
        self._min_true_px = min_true_px
        self._siou: list[np.ndarray] = []
        self._ppv: list[np.ndarray] = []

    def add(self, predicted: np.ndarray, labels: np.ndarray) -> None:
        """One frame: ``predicted`` bool [H, W]; ``labels`` uint8 [H, W] with 0 normal, 1 anomalous, 255 void."""
        if predicted.shape != labels.shape:
            raise ValueError(f"expected prediction and labels of one shape, found {predicted.shape} and {labels.shape}")
        truth, true_sizes = _components(labels == 1)
        small = np.flatnonzero(true_sizes < self._min_true_px)
        valid = (labels != VOID) & ~np.isin(truth, small[small > 0])
        found, found_sizes = _components(predicted)
        found[np.isin(found, np.flatnonzero(found_sizes < self._min_predicted_px))] = 0
        siou, ppv = component_figures(truth[valid], found[valid])
        self._siou.append(siou)
        self._ppv.append(ppv)

    def figures(self) -> ComponentFigures:
        """Over everything added so far."""
        siou = np.concatenate([np.zeros(0), *self._siou])
        ppv = np.concatenate([np.zeros(0), *self._ppv])
        scores = []
        for level in F1_STAR_LEVELS:
            hits, false = int((siou >= level).sum()), int((ppv < level).sum())
            scores.append(2.0 * hits / max(hits + len(siou) + false, 1))
        return ComponentFigures(
            siou=float(siou.mean()) if len(siou) else None,
            ppv=float(ppv.mean()) if len(ppv) else None,
            f1_star=float(np.mean(scores)) if len(siou) or len(ppv) else None,
            true_components=len(siou),
            predicted_components=len(ppv),
        )


def component_figures(truth: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sIoU of every true component, PPV of every predicted one) from component numbers (0: none) of valid pixels.

    sIoU = |K ∩ P| / |(K ∪ P) \\ A|: K the component, P the predicted components that touch it, A their pixels on
    other true components, which are not held against K. PPV = share of a predicted component on any true one.
    """
    overlap = np.zeros((int(truth.max(initial=0)) + 1, int(found.max(initial=0)) + 1), np.int64)
    np.add.at(overlap, (truth, found), 1)
    true_sizes, found_sizes = overlap.sum(axis=1)[1:], overlap.sum(axis=0)[1:]
    inner = overlap[1:, 1:]
    on_truth = inner.sum(axis=0)  # of each predicted component
    touches = inner > 0
    intersection = inner.sum(axis=1)
    on_normal = touches @ (found_sizes - on_truth)
    siou = intersection[true_sizes > 0] / (true_sizes + on_normal)[true_sizes > 0]
    ppv = on_truth[found_sizes > 0] / found_sizes[found_sizes > 0]
    return siou, ppv


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(numbers int32 [H, W], sizes [n + 1]) of 8-connected components; number 0 is the rest."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return numbers, np.bincount(numbers.ravel(), minlength=count)
