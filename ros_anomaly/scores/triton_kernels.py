"""GPU kernels of the sums over mask queries: one pass over tiles of pixels, nothing of the masks' upsampled size.

As in ``scores.tiled``, a mask that is nearly constant in a tile is left at the middle of [σ(lo), σ(hi)]. Here each mask
has its own share of ε, so that no mask needs to know of another: the bound is the same, a few more masks are kept.
Sums are float32 whatever the logits are. Needs triton, which CUDA builds of torch bring along.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def weigh_queries(
    class_logits,  # [B, N, C], C = K+1 or K+2
    weights,  # float32 [B, N, COLUMNS]: p_ik, p_i,outlier where there is one, and in column C-1 max_k p_ik
    totals,  # float32 [B, N]: 1 − p_i,no-object
    queries,
    width,  # C
    NUM_CLASSES: tl.constexpr,
    COLUMNS: tl.constexpr,
    QUERIES: tl.constexpr,
):
    """What each query brings to each sum; a program takes ``QUERIES`` of them."""
    query = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)
    column = tl.arange(0, COLUMNS)[None, :]
    there = (query < queries)[:, None]
    row = tl.program_id(1).to(tl.int64) * queries + query
    logits = tl.load(class_logits + row[:, None] * width + column, mask=there & (column < width), other=-float("inf"))
    # Rows past the last query hold zeros: a softmax of nothing but −inf would be NaN.
    logits = tl.where(there, logits.to(tl.float32), 0.0)
    powers = tl.exp(logits - tl.max(logits, axis=1)[:, None])
    posterior = powers / tl.sum(powers, axis=1)[:, None]
    posterior = tl.where(column < width - 1, posterior, 0.0)
    surest = tl.max(tl.where(column < NUM_CLASSES, posterior, 0.0), axis=1)
    brought = tl.where(column == width - 1, surest[:, None], posterior)
    tl.store(weights + row[:, None] * COLUMNS + column, brought, mask=there)
    tl.store(totals + row, tl.sum(posterior, axis=1), mask=query < queries)


@triton.jit
def _neighbours(pixel, scale, cells):
    """Bilinear, ``align_corners=False``: cell before, cell after, share of the latter; as torch computes them."""
    position = tl.maximum((pixel.to(tl.float32) + 0.5) * scale - 0.5, 0.0)
    before = tl.minimum(position.to(tl.int32), cells - 1)
    return before, tl.minimum(before + 1, cells - 1), tl.minimum(position - before.to(tl.float32), 1.0)


@triton.jit
def score_tiles(
    mask_logits,  # [B, N, h, w]
    weights,
    totals,
    scores,  # float32 [B, H, W]: a min(O, cap) + b min(M, cap) + c, over max(O + M, floor) if that is above 0
    class_ids,  # uint8 [B, H, W]
    queries,
    cell_rows,
    cell_columns,
    height,
    width,
    row_scale,  # h / H
    column_scale,
    share,  # of ε: ε / N
    outlier_factor,  # a
    confidence_factor,  # b
    cap,
    offset,  # c
    floor,
    NUM_CLASSES: tl.constexpr,
    HAS_OUTLIER: tl.constexpr,
    COLUMNS: tl.constexpr,
    QUERIES: tl.constexpr,  # looked at together, at most 31
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
    WINDOW_ROWS: tl.constexpr,  # at least the cells that a tile takes from
    WINDOW_COLUMNS: tl.constexpr,
):
    """Score and class ids of one tile of one image."""
    across = tl.cdiv(width, TILE_COLUMNS)
    top = (tl.program_id(0) // across) * TILE_ROWS
    left = (tl.program_id(0) % across) * TILE_COLUMNS
    image = tl.program_id(1).to(tl.int64)
    mask_logits += image * queries * cell_rows * cell_columns
    weights += image * queries * COLUMNS
    totals += image * queries

    pixel = tl.arange(0, TILE_ROWS * TILE_COLUMNS)
    y, x = top + pixel // TILE_COLUMNS, left + pixel % TILE_COLUMNS
    # Past the edge the last pixel is computed again and not stored.
    row, next_row, row_share = _neighbours(tl.minimum(y, height - 1), row_scale, cell_rows)
    column, next_column, column_share = _neighbours(tl.minimum(x, width - 1), column_scale, cell_columns)

    first_row, _, _ = _neighbours(top, row_scale, cell_rows)
    _, last_row, _ = _neighbours(tl.minimum(top + TILE_ROWS, height) - 1, row_scale, cell_rows)
    first_column, _, _ = _neighbours(left, column_scale, cell_columns)
    _, last_column, _ = _neighbours(tl.minimum(left + TILE_COLUMNS, width) - 1, column_scale, cell_columns)
    window_rows = tl.minimum(first_row + tl.arange(0, WINDOW_ROWS), last_row)
    window_columns = tl.minimum(first_column + tl.arange(0, WINDOW_COLUMNS), last_column)
    window = (window_rows[:, None] * cell_columns + window_columns[None, :])[None, :, :]

    flags = tl.full([QUERIES], 1, tl.int32) << tl.arange(0, QUERIES)
    sum_of = tl.arange(0, COLUMNS)
    constant = tl.zeros([COLUMNS], tl.float32)
    # Pixels last: a thread then holds all sums of its pixels, and adding a mask to them moves nothing between threads.
    sums = tl.zeros([COLUMNS, TILE_ROWS * TILE_COLUMNS], tl.float32)
    for begin in range(0, queries, QUERIES):
        query = begin + tl.arange(0, QUERIES)
        there = query < queries
        start = tl.minimum(query, queries - 1) * cell_rows * cell_columns
        cells = tl.load(mask_logits + start[:, None, None] + window).to(tl.float32)
        # NaN would get lost in the reductions; +inf keeps the mask, and with it the NaN.
        cells = tl.where(cells == cells, cells, float("inf"))
        highest = tl.max(tl.max(cells, axis=2), axis=1)
        low, high = tl.sigmoid(tl.min(tl.min(cells, axis=2), axis=1)), tl.sigmoid(highest)
        total = tl.load(totals + query, mask=there, other=0.0)
        kept = there & ((total * (high - low) * 0.5 > share) | (highest == float("inf")))
        middle = tl.where(there & (kept == 0), (low + high) * 0.5, 0.0)
        brought = tl.load(weights + query[:, None] * COLUMNS + sum_of[None, :], mask=there[:, None], other=0.0)
        constant += tl.sum(middle[:, None] * brought, axis=0)
        bits = tl.sum(tl.where(kept, flags, 0), axis=0)
        for index in range(QUERIES):
            if ((bits >> index) & 1) == 1:
                mask = mask_logits + (begin + index) * cell_rows * cell_columns
                a = tl.load(mask + row * cell_columns + column).to(tl.float32)
                b = tl.load(mask + row * cell_columns + next_column).to(tl.float32)
                c = tl.load(mask + next_row * cell_columns + column).to(tl.float32)
                d = tl.load(mask + next_row * cell_columns + next_column).to(tl.float32)
                upper = (1.0 - column_share) * a + column_share * b
                lower = (1.0 - column_share) * c + column_share * d
                value = tl.sigmoid((1.0 - row_share) * upper + row_share * lower)
                weight = tl.load(weights + (begin + index) * COLUMNS + sum_of)
                sums += weight[:, None] * value[None, :]

    sums += constant[:, None]
    sum_of = sum_of[:, None]
    classes = tl.where(sum_of < NUM_CLASSES, sums, -1.0)
    # The first of the best, as torch has it.
    best = tl.min(tl.where(classes == tl.max(classes, axis=0)[None, :], sum_of, COLUMNS), axis=0)
    confidence = tl.sum(tl.where(sum_of == NUM_CLASSES + HAS_OUTLIER, sums, 0.0), axis=0)
    score = confidence_factor * tl.minimum(confidence, cap) + offset
    if HAS_OUTLIER:
        outlier = tl.sum(tl.where(sum_of == NUM_CLASSES, sums, 0.0), axis=0)
        score += outlier_factor * tl.minimum(outlier, cap)
        score = tl.where(floor > 0, score / tl.maximum(outlier + confidence, tl.maximum(floor, 1e-6)), score)
    inside = (y < height) & (x < width)
    place = image * height * width + y * width + x
    tl.store(scores + place, score, mask=inside)
    tl.store(class_ids + place, best.to(tl.uint8), mask=inside)
