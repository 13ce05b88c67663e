"""One axis of an image cut to tiles, and what each tile takes from the cells of the masks.

Bilinear upsampling is separable and local: a tile of pixels needs a small window of cells and one small matrix an axis.
The matrices are cut from what ``upsample`` makes of the identity, so that tiles have its coefficients to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ros_anomaly.scores.aggregation import upsample


@dataclass(frozen=True)
class AxisTiles:
    """The tiles of one axis, all of one length: the last overlaps its neighbour where that does not divide the axis.

    Attributes:
        size: pixels along the axis.
        tile: pixels of a tile.
        first_pixels: first pixel of each tile.
        window: cells of a tile's window.
        first_cells: first cell of each tile's window.
        matrix: float32 [tiles, tile, window], pixels from the cells of the window; None where pixels are cells.
    """

    size: int
    tile: int
    first_pixels: tuple[int, ...]
    window: int
    first_cells: tuple[int, ...]
    matrix: Tensor | None

    def __len__(self) -> int:
        return len(self.first_pixels)

    @property
    def overlap(self) -> int:
        """Pixels that the last tile shares with the one before it."""
        return len(self) * self.tile - self.size

    def pixels(self, index: int) -> slice:
        """Pixels of a tile."""
        return slice(self.first_pixels[index], self.first_pixels[index] + self.tile)

    def cells(self, index: int) -> slice:
        """Cells of a tile's window."""
        return slice(self.first_cells[index], self.first_cells[index] + self.window)


@lru_cache(maxsize=16)
def cut_axis(cells: int, size: int, largest_tile: int) -> AxisTiles:
    """An axis of ``cells`` mask cells and ``size`` pixels in the fewest tiles of at most ``largest_tile`` pixels.

    Raises:
        ValueError: a number below 1.
    """
    if min(cells, size, largest_tile) < 1:
        raise ValueError(f"expected at least 1 cell, pixel and pixel a tile, found {cells}, {size} and {largest_tile}")
    tile = -(-size // -(-size // largest_tile))
    pixels = tuple(min(first, size - tile) for first in range(0, size, tile))
    if cells == size:
        return AxisTiles(size, tile, pixels, tile, pixels, None)
    # What is cached must serve everyone, and tensors made under inference_mode do not.
    with torch.inference_mode(False):
        whole = upsample(torch.eye(cells)[None], (size, cells))[0]
        used = [whole[first : first + tile].any(dim=0).nonzero().flatten() for first in pixels]
        window = max(int(own[-1] - own[0]) + 1 for own in used)
        windows = tuple(min(int(own[0]), cells - window) for own in used)
        matrix = torch.stack(
            [whole[a : a + tile, b : b + window] for a, b in zip(pixels, windows, strict=True)]
        ).contiguous()
    return AxisTiles(size, tile, pixels, window, windows, matrix)
