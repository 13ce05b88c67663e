"""Ways from mask logits to a score and a class for every pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ros_anomaly.benchmark.bandwidth import copy_bytes_per_s
from ros_anomaly.benchmark.research_code import full_size_einsum
from ros_anomaly.scores.aggregation import upsample
from ros_anomaly.scores.gpu import gpu_score
from ros_anomaly.scores.registry import compute_scores, get_score
from ros_anomaly.scores.tiled import ROUNDING_EPSILON

_LAUNCHES = 30
_SMALL = 8


@dataclass(frozen=True)
class Logits:
    """A network's output and what is wanted of it.

    Attributes:
        class_logits: float32 [N, K+1 or K+2].
        mask_logits: float32 [N, h, w].
        inlier_classes: K.
        score: name.
        image_size: (H, W).
    """

    class_logits: Tensor
    mask_logits: Tensor
    inlier_classes: int
    score: str
    image_size: tuple[int, int]

    def save(self, path: Path) -> None:
        """Write to a ``.npz`` file."""
        np.savez(
            path,
            class_logits=self.class_logits.numpy(),
            mask_logits=self.mask_logits.numpy(),
            inlier_classes=self.inlier_classes,
            score=self.score,
            image_size=self.image_size,
        )

    @staticmethod
    def load(path: str | Path, device: str = "cpu") -> Logits:
        """Read what ``save`` wrote."""
        with np.load(path) as file:
            height, width = (int(side) for side in file["image_size"])
            return Logits(
                torch.from_numpy(file["class_logits"]).to(device),
                torch.from_numpy(file["mask_logits"]).to(device),
                int(file["inlier_classes"]),
                str(file["score"]),
                (height, width),
            )

    @property
    def traffic_bytes(self) -> int:
        """What must be read and written at least: all logits once, a float32 score and a uint8 class a pixel."""
        read = sum(t.numel() * t.element_size() for t in (self.class_logits, self.mask_logits))
        return read + self.image_size[0] * self.image_size[1] * (4 + 1)


Maps = tuple[Tensor, Tensor]
"""Score float32 [H, W] and class ids uint8 [H, W]."""


def reference(logits: Logits) -> Maps:
    """All masks at the size of the image: what the others are held to."""
    return _scores(logits, logits.image_size)


def _einsum(logits: Logits, epsilon: float | None) -> Maps:
    formula = get_score(logits.score).formula
    return full_size_einsum(logits.class_logits, logits.mask_logits, logits.inlier_classes, formula, logits.image_size)


def _matrix_product(logits: Logits, epsilon: float | None) -> Maps:
    return reference(logits)


def _tiled(logits: Logits, epsilon: float | None) -> Maps:
    return _scores(logits, logits.image_size, epsilon)


def _triton(logits: Logits, epsilon: float | None) -> Maps:
    bound = ROUNDING_EPSILON if epsilon is None else epsilon
    return gpu_score(
        logits.score, logits.class_logits, logits.mask_logits, logits.inlier_classes, logits.image_size, bound
    )


def _at_masks(logits: Logits, epsilon: float | None) -> Maps:
    """At the masks' own size, and from there to the image: the class of the nearest cell."""
    score, class_ids = _scores(logits, None)
    rows = torch.arange(logits.image_size[0], device=score.device) * score.shape[0] // logits.image_size[0]
    columns = torch.arange(logits.image_size[1], device=score.device) * score.shape[1] // logits.image_size[1]
    return upsample(score[None], logits.image_size)[0], class_ids[rows[:, None], columns]


def _scores(logits: Logits, image_size: tuple[int, int] | None, epsilon: float | None = None) -> Maps:
    maps, class_ids = compute_scores(
        [logits.score],
        logits.class_logits,
        logits.mask_logits,
        logits.inlier_classes,
        image_size,
        epsilon=epsilon,
    )
    return maps[logits.score], class_ids


VARIANTS: dict[str, Callable[[Logits, float | None], Maps]] = {
    "einsum": _einsum,
    "matrix_product": _matrix_product,
    "tiled": _tiled,
    "triton": _triton,
    "masks": _at_masks,
}


class AggregationContender:
    """One way, over and over on the same logits. Maps stay where they are computed."""

    def __init__(self, way: Callable[[Logits], Maps], logits: Logits, expected: str) -> None:
        self._way, self._logits, self._expected = way, logits, expected

    def run(self, index: int) -> None:
        with torch.inference_mode():
            self._way(self._logits)
        if self._logits.mask_logits.is_cuda:
            torch.cuda.synchronize()

    def facts(self) -> Mapping[str, Any]:
        facts: dict[str, Any] = {}
        if self._logits.mask_logits.is_cuda:
            facts |= self._on_device()
        with torch.inference_mode():
            score, class_ids = (maps.cpu().numpy() for maps in self._way(self._logits))
        with np.load(self._expected) as file:
            facts["largest_error"] = float(np.abs(score - file["score"]).max())
            facts["class_changes"] = float((class_ids != file["class_ids"]).mean())
        return facts

    def _on_device(self) -> dict[str, float]:
        """Time on the device alone, memory beside the logits, and the time that its memory traffic takes at least."""
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        with torch.inference_mode():
            begin.record()
            for _ in range(_LAUNCHES):
                self._way(self._logits)
            end.record()
        torch.cuda.synchronize()
        device_ms = begin.elapsed_time(end) / _LAUNCHES
        working_mb = (torch.cuda.max_memory_allocated() - held) / 1e6
        floor_ms = 1e3 * self._logits.traffic_bytes / copy_bytes_per_s("cuda")
        return {
            "device_ms": device_ms,
            "working_gpu_mb": working_mb,
            "floor_ms": floor_ms,
            "times_floor": device_ms / floor_ms,
        }

    def close(self) -> None:
        del self._logits


def make_aggregation(
    variant: str,
    logits: str,
    expected: str,
    epsilon: float | None = None,
    compiled: bool = False,
    device: str = "cpu",
    threads: int | None = None,
) -> AggregationContender:
    """Factory of :class:`AggregationContender`.

    Args:
        variant: of :data:`VARIANTS`.
        logits: ``.npz`` file of ``Logits.save``.
        expected: ``.npz`` file with the reference's ``score`` and ``class_ids``.
        epsilon: bound of the error that ``tiled`` and ``triton`` may make.
        compiled: whether torch.compile makes kernels of it.

    Raises:
        ValueError: no such variant.
        RuntimeError: no such device.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}; found {variant!r}")
    if threads:
        torch.set_num_threads(threads)
    inputs = Logits.load(logits, device)

    def way(given: Logits) -> Maps:
        return VARIANTS[variant](given, epsilon)

    # A small picture first: libraries and kernels take their memory before what the variant needs is counted.
    small = Logits(
        inputs.class_logits,
        inputs.mask_logits[:, :_SMALL, :_SMALL].contiguous(),
        inputs.inlier_classes,
        inputs.score,
        (2 * _SMALL, 2 * _SMALL),
    )
    with torch.inference_mode():
        way(small)
    return AggregationContender(torch.compile(way) if compiled else way, inputs, expected)
