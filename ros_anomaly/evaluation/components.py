"""Component-wise metrics of SegmentMeIfYouCan: sIoU, PPV and F1* of connected components.

In the order of its reference code: what is predicted on void is dropped; components of the truth and of what is left
are found, 8-connected; predicted ones below a size are dropped, true ones below a size become void; what is void is
left out of every count, also of a predicted component that reaches into it.

Where the reference divides by zero: a mean over no component is None. F1* of frames without any component is None, of
frames with predicted components alone it is 0. (One oddity is left out: there, in a frame of which fewer pixels are
*not* anomalous than a true component must have, all of these become void.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

VOID = 255
F1_STAR_LEVELS: tuple[float, ...] = tuple(np.linspace(0.25, 0.75, 11).tolist())


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
        found, found_sizes = _components(predicted & (labels != VOID))
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

    def state(self) -> dict[str, np.ndarray]:
        """Everything added, as arrays that ``from_state`` takes."""
        return {
            "min_px": np.array([self._min_predicted_px, self._min_true_px]),
            "siou": np.concatenate([np.zeros(0), *self._siou]),
            "ppv": np.concatenate([np.zeros(0), *self._ppv]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> ComponentMetrics:
        """What ``state`` gave. KeyError if an array is missing."""
        metrics = cls(*state["min_px"].tolist())
        metrics._siou.append(np.array(state["siou"]))
        metrics._ppv.append(np.array(state["ppv"]))
        return metrics


def component_figures(truth: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sIoU of every true component, PPV of every predicted one) from component numbers (0: none) of valid pixels.

    sIoU = |K ∩ P| / |(K ∪ P) \\ A|: K the component, P the predicted components that touch it, A their pixels on
    other true components, which are not held against K. PPV = share of a predicted component on any true one.
    """
    true_sizes, found_sizes = np.bincount(truth), np.bincount(found)
    both = (truth > 0) & (found > 0)
    on_truth = np.bincount(found[both], minlength=len(found_sizes))
    intersection = np.bincount(truth[both], minlength=len(true_sizes))
    # Every pair that touches, once. A table of all pairs would be far larger than the image.
    width = max(len(found_sizes), 1)
    of_truth, of_found = np.divmod(np.unique(truth[both].astype(np.int64) * width + found[both]), width)
    on_normal = np.bincount(of_truth, weights=(found_sizes - on_truth)[of_found], minlength=len(true_sizes))
    true_sizes[:1] = found_sizes[:1] = 0
    occurs, found_occurs = true_sizes > 0, found_sizes > 0
    siou = intersection[occurs] / (true_sizes + on_normal)[occurs]
    ppv = on_truth[found_occurs] / found_sizes[found_occurs]
    return siou, ppv


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(numbers int32 [H, W], sizes [n + 1]) of 8-connected components; number 0 is the rest."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return numbers, np.bincount(numbers.ravel(), minlength=count)
