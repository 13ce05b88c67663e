"""The sums over mask queries tile by tile: what ``pixel_sums`` gives, without masks of the image's size.

In most tiles most masks are nowhere or everywhere. Bilinear upsampling stays between the least and the greatest logit
of the cells that it takes, so σ stays within [σ(lo), σ(hi)] there, and the middle of these can stand for the mask with
an error of at most (σ(hi) − σ(lo)) / 2. Weighted with a_i = Σ_k p_ik + p_i,outlier = 1 − p_i,no-object, all that query
i has to bring, the errors in a tile are added up from the least on, and masks are left at their middle while ε pays.

**Bound.** Beside float32 rounding, Σ_k |ΔL_k| + |ΔO| ≤ ε and |ΔO| + |ΔM| ≤ ε at every pixel. Scores that move by no
more than one of these two are as near to their exact value (``Score.sensitivity`` scales it); class ids are those of
the exact sums wherever the best L_k leads by more than ε. With ε = 0 only masks that are constant to float32 are left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ros_anomaly.data.labels import NUM_INLIER_CLASSES
from ros_anomaly.scores.aggregation import PixelSums, check_shapes, full_precision, named_sums, query_weights
from ros_anomaly.scores.left_out import choose
from ros_anomaly.scores.scratch import Scratch
from ros_anomaly.scores.threads import for_each
from ros_anomaly.scores.tiles import AxisTiles, cut_axis

LARGEST_TILE = (32, 64)
"""Rows and columns of a tile, in pixels: in small ones more masks are constant, large ones take fewer calls."""
ROUNDING_EPSILON = 1e-6
"""No more than float32 makes of a hundred terms anyway."""
MASKS_AT_ONCE = 256
"""Masks that are upsampled to tiles together, so that they stay in a core's cache; those of one tile always are."""


@dataclass(frozen=True)
class Strip:
    """A row of tiles.

    Attributes:
        sums: of its tiles: classes float32 [tiles, K, tile rows, tile columns], and so on.
        rows: of the image that no strip before it held.
    """

    sums: PixelSums
    rows: slice
    _across: AxisTiles

    def image(self, maps: Tensor) -> Tensor:
        """Maps of the tiles side by side: [tiles, .., tile rows, tile columns] → [.., len(rows), W]."""
        known = self._across.overlap
        beside = [*maps[:-1], maps[-1][..., known:]] if known else list(maps)
        return torch.cat(beside, dim=-1)[..., self.rows.start - self.rows.stop :, :]


def strips(
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
    epsilon: float = 0.0,
    largest_tile: tuple[int, int] = LARGEST_TILE,
) -> Iterator[Strip]:
    """The sums of an image from the top to the bottom; memory is that of a strip, whatever N, H and the mask logits.

    Args:
        class_logits: [N, K+2] or [N, K+1].
        mask_logits: [N, h, w], floating; summed is in float32.
        num_classes, image_size: see ``pixel_sums``.
        epsilon: ε of the bound above.
        largest_tile: most rows and columns of a tile.

    Raises:
        ValueError: shapes that do not fit each other or K, ε below 0, mask logits that are not finite, or logits that
            gradients are asked of.
    """
    plan = _Plan(class_logits, mask_logits, num_classes, image_size, epsilon, largest_tile)
    for index in range(len(plan)):
        yield plan.strip(index)


class _Plan:
    """The strips of one image, each by itself."""

    def __init__(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        num_classes: int,
        image_size: tuple[int, int] | None,
        epsilon: float,
        largest_tile: tuple[int, int],
    ) -> None:
        check_shapes(class_logits, mask_logits)
        if torch.is_grad_enabled() and (class_logits.requires_grad or mask_logits.requires_grad):
            raise ValueError("expected logits under torch.no_grad(), found some that gradients are asked of")
        if class_logits.ndim != 2:
            raise ValueError(f"expected the class logits [N, K+2] of one image, found {list(class_logits.shape)}")
        check_epsilon(epsilon)
        with full_precision(class_logits):
            weights = query_weights(class_logits, num_classes)
        cells = mask_logits.shape[-2:]
        height, width = cells if image_size is None else image_size
        self._down = cut_axis(cells[0], height, largest_tile[0])
        self._across = cut_axis(cells[1], width, largest_tile[1])
        self._tile_row = _TileRow(weights, _totals(weights, num_classes), self._across, epsilon)
        self._mask_logits, self._num_classes = mask_logits, num_classes

    def __len__(self) -> int:
        return len(self._down)

    def strip(self, index: int) -> Strip:
        """Sums of one row of tiles."""
        down = self._down
        logits = self._mask_logits[:, down.cells(index)].float().contiguous()
        # Left before the strip is handed out: what is done with it is not ours to decide.
        with full_precision(logits):
            sums = self._tile_row.sums(logits, None if down.matrix is None else down.matrix[index])
        first = down.pixels(index - 1).stop if index else 0
        return Strip(named_sums(sums, self._num_classes), slice(first, down.pixels(index).stop), self._across)


def check_epsilon(epsilon: float) -> None:
    """ValueError for a bound that is no number of at least 0."""
    if not epsilon >= 0:
        raise ValueError(f"epsilon: expected 0 or more, found {epsilon}")


def _totals(weights: Tensor, num_classes: int) -> Tensor:
    """a_i, [N]: all columns but max_k p_ik, which is one of the p_ik."""
    return weights[:, :num_classes].sum(dim=1) + weights[:, num_classes + 1 :].sum(dim=1)


def tiled_maps(
    formulas: Sequence[Callable[[PixelSums], Tensor]],
    class_logits: Tensor,
    mask_logits: Tensor,
    num_classes: int = NUM_INLIER_CLASSES,
    image_size: tuple[int, int] | None = None,
    epsilon: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Maps of one image, and its closed-set class ids.

    Args:
        formulas: of ``scores.formulas``, or others that take the sums at a pixel alone.
        class_logits, mask_logits, num_classes, image_size, epsilon: see ``strips``.

    Returns:
        (float32 [H, W] a formula, class ids uint8 [H, W]).
    """
    height, width = mask_logits.shape[-2:] if image_size is None else image_size
    maps = [mask_logits.new_empty(height, width, dtype=torch.float32) for _ in formulas]
    class_ids = mask_logits.new_empty(height, width, dtype=torch.uint8)
    plan = _Plan(class_logits, mask_logits, num_classes, image_size, epsilon, LARGEST_TILE)

    def fill(index: int) -> None:
        strip = plan.strip(index)
        for formula, one in zip(formulas, maps, strict=True):
            one[strip.rows] = strip.image(formula(strip.sums))
        class_ids[strip.rows] = strip.image(_class_ids(strip.sums.classes))

    for_each(fill, len(plan), on_cpu=mask_logits.device.type == "cpu")
    return maps, class_ids


def _class_ids(classes: Tensor) -> Tensor:
    """``formulas.class_ids``. torch's argmax over an outer dimension takes pixel by pixel, 13 times as long as this."""
    count = classes.shape[-3]
    ranks = torch.arange(count, 0, -1, dtype=torch.uint8, device=classes.device)[:, None, None]
    best = classes == classes.amax(dim=-3, keepdim=True)
    return count - (best.view(torch.uint8) * ranks).amax(dim=-3)


class _TileRow:
    """Sums of one row of tiles after the other; what rows share is made once."""

    def __init__(self, weights: Tensor, totals: Tensor, across: AxisTiles, epsilon: float) -> None:
        self._weights, self._totals, self._across, self._epsilon = weights, totals, across, epsilon
        self._scratch = Scratch()
        self._first_cells = torch.tensor(across.first_cells, device=weights.device)
        self._matrices = None if across.matrix is None else across.matrix.to(weights.device).transpose(1, 2)

    def sums(self, logits: Tensor, down: Tensor | None) -> Tensor:
        """[tiles, columns, tile rows, tile columns] of cells [N, window, w] and the matrix that makes rows of them."""
        lowest, highest = self._extremes(logits)
        needed = choose(lowest, highest, self._weights, self._totals, self._epsilon)
        rows = logits.shape[1] if down is None else len(down)
        sums = logits.new_empty(len(self._across), self._weights.shape[1], rows * self._across.tile)
        tiles, queries = needed.kept.T.nonzero(as_tuple=True)
        ends = [0, *needed.kept.sum(dim=0).cumsum(dim=0).tolist()]
        for group in _groups(ends):
            own = slice(ends[group.start], ends[group.stop])
            windows = self._windows(logits, queries[own], tiles[own])
            masks = self._upsample(windows, down, group, ends).sigmoid_().flatten(1)
            brought = self._weights[queries[own]]
            for tile in range(group.start, group.stop):
                mine = slice(ends[tile] - own.start, ends[tile + 1] - own.start)
                torch.addmm(needed.constant[tile], brought[mine].T, masks[mine], out=sums[tile])
        return sums.unflatten(-1, (rows, self._across.tile))

    def _extremes(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Least and greatest logit by query and tile, [N, tiles] each."""
        queries = torch.arange(logits.shape[0], device=logits.device)[:, None]
        begins = (queries * logits.shape[2] + self._first_cells).flatten()
        lowest, highest = logits.amin(dim=1), logits.amax(dim=1)
        lowest = _pieces(lowest, self._across.window, begins).amin(dim=1)
        highest = _pieces(highest, self._across.window, begins).amax(dim=1)
        if not (torch.isfinite(lowest.amin()) and torch.isfinite(highest.amax())):
            raise ValueError("mask logits: expected finite values, found some that are not")
        shape = (len(queries), len(self._across))
        return lowest.view(shape), highest.view(shape)

    def _windows(self, logits: Tensor, queries: Tensor, tiles: Tensor) -> Tensor:
        """Cells [P, window rows, window columns] of P pairs of query and tile."""
        _, rows, width = logits.shape
        row = queries[:, None] * rows + torch.arange(rows, device=logits.device)
        begins = (row * width + self._first_cells[tiles, None]).flatten()
        windows = self._scratch.tensor("windows", logits, (len(begins), self._across.window))
        return _pieces(logits, self._across.window, begins, windows).unflatten(0, (len(queries), rows))

    def _upsample(self, windows: Tensor, down: Tensor | None, group: slice, ends: list[int]) -> Tensor:
        """Pixels [P, tile rows, tile columns] of the windows of a group of tiles."""
        if self._matrices is not None:
            cells = windows.flatten(0, 1)
            wide = self._scratch.tensor("wide", cells, (len(cells), self._across.tile))
            for tile in range(group.start, group.stop):
                mine = slice(*((end - ends[group.start]) * windows.shape[1] for end in ends[tile : tile + 2]))
                torch.mm(cells[mine], self._matrices[tile], out=wide[mine])
            windows = wide.unflatten(0, windows.shape[:2])
        if down is None:
            return windows
        pixels = self._scratch.tensor("pixels", windows, (len(windows), len(down), windows.shape[2]))
        return torch.matmul(down.to(windows.device), windows, out=pixels)


def _pieces(values: Tensor, length: int, begins: Tensor, out: Tensor | None = None) -> Tensor:
    """Pieces [len(begins), length] of contiguous values, by the position of their first."""
    return torch.index_select(values.flatten().unfold(0, length, 1), 0, begins, out=out)


def _groups(ends: list[int]) -> Iterator[slice]:
    """Tiles in groups of at most ``MASKS_AT_ONCE`` masks and at least one tile; ``ends`` are running sums from 0 on."""
    begin, tiles = 0, len(ends) - 1
    while begin < tiles:
        end = begin + 1
        while end < tiles and ends[end + 1] - ends[begin] <= MASKS_AT_ONCE:
            end += 1
        yield slice(begin, end)
        begin = end
