"""Streaming fit of what ``sml`` and ``kl_matching`` need: by predicted class, the spread of the max logit and the mean
posterior. Memory does not grow with the pixels, and fits of shards add up."""

from __future__ import annotations

import torch
from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.scores import formulas
from ros_anomaly.scores.aggregation import PixelSums
from ros_anomaly.scores.statistics import ClassStatistics, ScoreStatistics

MIN_PIXELS = 100
"""Fewer pixels of a class than this say nothing of its spread."""


class ScoreFit:
    """Accumulates pixels in float64; means and squared deviations are merged by the pairwise update of Chan, Golub and
    LeVeque ("Algorithms for computing the sample variance"), which loses nothing where the spread is small against
    the mean."""

    def __init__(self, num_classes: int = NUM_INLIER_CLASSES) -> None:
        self.num_classes = num_classes
        self._pixels = torch.zeros(num_classes, dtype=torch.int64)
        self._mean = torch.zeros(num_classes, dtype=torch.float64)
        self._squares = torch.zeros(num_classes, dtype=torch.float64)
        self._posterior = torch.zeros(num_classes, num_classes, dtype=torch.float64)

    @property
    def pixels(self) -> int:
        """How many were added."""
        return int(self._pixels.sum())

    def add(self, sums: PixelSums, valid: Tensor | None = None) -> None:
        """Count the pixels of one or several anomaly-free frames.

        Args:
            sums: of K classes, [.., h, w].
            valid: bool [.., h, w], False where a pixel is not to count (void); None: all count.

        Raises:
            ValueError: another K, a ``valid`` of another shape, or sums that are not finite.
        """
        classes = sums.classes.detach()
        if classes.shape[-3] != self.num_classes:
            raise ValueError(f"fit: expected sums of K = {self.num_classes} classes, found {classes.shape[-3]}")
        kept = torch.ones_like(classes[..., 0, :, :], dtype=torch.bool) if valid is None else valid
        if kept.shape != classes[..., 0, :, :].shape:
            raise ValueError(f"fit: expected valid of {list(classes[..., 0, :, :].shape)}, found {list(kept.shape)}")
        pixels = _columns(classes)[kept.flatten()]
        if not torch.isfinite(pixels).all():
            raise ValueError("fit: expected finite sums over queries, found some that are not")
        posterior = _columns(formulas.posterior(sums).detach())[kept.flatten()]
        self._merge(*_moments(pixels, posterior))

    def __add__(self, other: ScoreFit) -> ScoreFit:
        if other.num_classes != self.num_classes:
            raise ValueError(f"fit: expected another of K = {self.num_classes}, found K = {other.num_classes}")
        both = ScoreFit(self.num_classes)
        for part in (self, other):
            both._merge(part._pixels, part._mean, part._squares, part._posterior)
        return both

    def statistics(self, weights_sha256: str, data: str, min_pixels: int = MIN_PIXELS) -> ScoreStatistics:
        """Statistics of everything added; classes of fewer than ``min_pixels`` pixels are left out.

        Raises:
            ValueError: no class has so many.
        """
        if not (self._pixels >= max(1, min_pixels)).any():
            raise ValueError(f"fit: expected a class of {min_pixels} pixels or more, found {self.pixels} pixels in all")
        classes = tuple(
            ClassStatistics(
                pixels=int(count),
                max_logit_mean=float(self._mean[k]),
                max_logit_variance=float(self._squares[k] / count),
                posterior=tuple(self._posterior[k].tolist()),
            )
            if count >= max(1, min_pixels)
            else None
            for k, count in enumerate(self._pixels.tolist())
        )
        return ScoreStatistics(classes, weights_sha256, data)

    def _merge(self, pixels: Tensor, mean: Tensor, squares: Tensor, posterior: Tensor) -> None:
        total = self._pixels + pixels
        share = pixels / total.clamp_min(1).double()
        step = mean - self._mean
        self._squares = self._squares + squares + step**2 * self._pixels * share
        self._mean = self._mean + step * share
        self._posterior = self._posterior + (posterior - self._posterior) * share[:, None]
        self._pixels = total


def _columns(maps: Tensor) -> Tensor:
    """[.., K, h, w] → float64 [n, K] on the CPU."""
    return maps.movedim(-3, -1).reshape(-1, maps.shape[-3]).double().cpu()


def _moments(classes: Tensor, posterior: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of pixels [n, K], by predicted class: number, mean max logit, sum of its squared deviations, mean posterior."""
    num_classes = classes.shape[1]
    predicted = classes.argmax(dim=1)
    top = classes.gather(1, predicted[:, None])[:, 0]
    pixels = torch.bincount(predicted, minlength=num_classes)
    divisor = pixels.clamp_min(1).double()
    mean = torch.bincount(predicted, weights=top, minlength=num_classes) / divisor
    squares = torch.bincount(predicted, weights=(top - mean[predicted]) ** 2, minlength=num_classes)
    total = torch.zeros(num_classes, num_classes, dtype=torch.float64).index_add_(0, predicted, posterior)
    return pixels, mean, squares, total / divisor[:, None]
