"""Scores on a GPU in one pass over tiles: those that are made of O and M alone, and the closed-set class ids."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import torch
from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.scores.aggregation import check_shapes, has_outlier_class
from ros_anomaly.scores.formulas import LEAST_MASS
from ros_anomaly.scores.names import OUTLIER_SCORE_NAMES
from ros_anomaly.scores.tiled import ROUNDING_EPSILON, check_epsilon

TILE = (16, 32)
"""Rows and columns of a tile, in pixels; powers of two."""
WARPS = 8
QUERIES_AT_ONCE = 16


@dataclass(frozen=True)
class SumOfTwo:
    """A score a·min(O, cap) + b·min(M, cap) + c: the formula of the same name in ``scores.formulas``.

    With a floor above 0 all of it is divided by max(O + M, floor).
    """

    outlier_factor: float
    confidence_factor: float
    cap: float = math.inf
    offset: float = 0.0
    floor: float = 0.0


SUMS_OF_TWO: dict[str, SumOfTwo] = {
    "uno": SumOfTwo(1.0, -1.0),
    "uno_clamped": SumOfTwo(1.0, -1.0, cap=1.0),
    "uno_normalised": SumOfTwo(1.0, -1.0, floor=LEAST_MASS),
    "unc": SumOfTwo(0.0, -1.0),
    "objectness": SumOfTwo(1.0, 0.0),
    "eam": SumOfTwo(0.0, -1.0, offset=1.0),
}
"""Scores that ``gpu_score`` gives, by name."""


@lru_cache(maxsize=1)
def triton_is_installed() -> bool:
    """Whether the kernels can be compiled here."""
    return find_spec("triton") is not None


def gpu_score(
    name: str,
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
    epsilon: float = ROUNDING_EPSILON,
    tile: tuple[int, int] = TILE,
    warps: int = WARPS,
) -> tuple[Tensor, Tensor]:
    """Score, float32 [.., H, W], and class ids, uint8 [.., H, W], within the bound of ``scores.tiled``.

    Two kernels and no synchronisation, so that a CUDA graph can hold it. What is not finite in the mask logits comes
    through as it does in the reference.

    Args:
        name: one of ``SUMS_OF_TWO``.
        class_logits: [.., N, K+2], or [.., N, K+1] for a score that is defined without an outlier class.
        mask_logits: [.., N, h, w].
        num_classes, image_size, epsilon: see ``tiled.strips``.
        tile, warps: see ``TILE`` and ``WARPS``; for measuring.

    Raises:
        ValueError: another score, a head without the outlier class that it needs, shapes that do not fit, ε below 0,
            or logits that are not on a GPU (under triton's interpreter, TRITON_INTERPRET=1, they may be anywhere).
    """
    check_shapes(class_logits, mask_logits)
    check_epsilon(epsilon)
    form = _form(name, has_outlier_class(class_logits, num_classes))
    if not (mask_logits.is_cuda and class_logits.is_cuda) and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError(f"expected logits on a GPU, found {class_logits.device} and {mask_logits.device}")

    from ros_anomaly.scores.triton_kernels import score_tiles, weigh_queries

    leading, (queries, cell_rows, cell_columns) = mask_logits.shape[:-3], mask_logits.shape[-3:]
    height, width = (cell_rows, cell_columns) if image_size is None else image_size
    images, head = math.prod(leading), class_logits.shape[-1]
    new = mask_logits.new_empty
    scores, class_ids = (
        new(*leading, height, width, dtype=torch.float32),
        new(*leading, height, width, dtype=torch.uint8),
    )
    columns = _power_of_two(head)
    weights, totals = new(images, queries, columns, dtype=torch.float32), new(images, queries, dtype=torch.float32)
    blocks = -(-queries // QUERIES_AT_ONCE)
    weigh_queries[(blocks, images)](
        class_logits.contiguous(),
        weights,
        totals,
        queries,
        head,
        NUM_CLASSES=num_classes,
        COLUMNS=columns,
        QUERIES=QUERIES_AT_ONCE,
    )
    tiles = -(-height // tile[0]) * -(-width // tile[1])
    score_tiles[(tiles, images)](
        mask_logits.contiguous(),
        weights,
        totals,
        scores,
        class_ids,
        queries,
        cell_rows,
        cell_columns,
        height,
        width,
        cell_rows / height,
        cell_columns / width,
        epsilon / queries,
        form.outlier_factor,
        form.confidence_factor,
        form.cap,
        form.offset,
        form.floor,
        NUM_CLASSES=num_classes,
        HAS_OUTLIER=head - 1 > num_classes,
        COLUMNS=columns,
        QUERIES=QUERIES_AT_ONCE,
        TILE_ROWS=tile[0],
        TILE_COLUMNS=tile[1],
        WINDOW_ROWS=_window(tile[0], cell_rows, height),
        WINDOW_COLUMNS=_window(tile[1], cell_columns, width),
        num_warps=warps,
    )
    return scores, class_ids


def _form(name: str, outlier: bool) -> SumOfTwo:
    if name not in SUMS_OF_TWO:
        raise ValueError(f"score on a GPU: expected one of {', '.join(SUMS_OF_TWO)}; found {name!r}")
    if name in OUTLIER_SCORE_NAMES and not outlier:
        raise ValueError(f"score {name!r}: expected a K+2 head with an outlier class, found a K+1 head without one")
    return SUMS_OF_TWO[name]


def _window(tile: int, cells: int, size: int) -> int:
    """Cells that ``tile`` pixels take from, at most, as a power of two."""
    return _power_of_two(min(cells, math.ceil((tile - 1) * cells / size) + 2))


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
