"""Cells over the keys of scores: how many pixels lie where, as finely as the rank from the top asks for.

A cell of level l covers 4^l keys, from a multiple of 4^l on; level 0 is a single key. So two cells are apart, or one
holds the other. Each pixel is counted in one cell that covers its key. ``compact`` puts pixels of neighbouring cells
into the one cell above them only while that cell's own count stays within

    cap = coarseness · min(HALF_WIDTH · pixels above the cell, RANK_SHARE · all pixels) / LEVELS,

and ``absorb`` adds to a cell by the same rule. Later pixels find a full cell closed and go to finer ones inside it.

*Error.* At a key x the count of pixels ≥ x is uncertain only by cells that have x inside, at most one of each of
LEVELS levels (a cell of level 0 has nothing inside). Each holds at most its cap *at the time it was filled*, and
pixels above a cell only ever become more. Hence at any time, for any scores in any order of arrival,

    uncertain(x) ≤ coarseness · min(HALF_WIDTH · pixels ≥ x, RANK_SHARE · all pixels).

*Merging.* The cap is superadditive: counts of the same cell in two sets of cells add up to no more than the cap that
all their pixels give it together. So the bound holds for merged sets too.

*Memory.* (Of coarseness 1; a coarser one needs so many times fewer cells.) Say c cells that hold others hold more than
their cap and are apart. Caps grow in proportion to the pixels above, so
c ≤ LEVELS/HALF_WIDTH · ln(HALF_WIDTH/LEVELS · n) + LEVELS/RANK_SHARE + LEVELS/HALF_WIDTH: 3e5 for n = 1e9, and it grows
with the logarithm of n. After ``compact(closely=True)`` each of them has five parts at most; a cell around it has one
part beside it (on LEVELS levels), or such that together exceed its cap, which again are at most c times five. So
25 c = 7.5e6 cells of 16 bytes hold any scores; real ones take some 5e5.

The idea is that of biased quantiles over a bounded universe (Cormode, Korn, Muthukrishnan and Srivastava, "Space- and
time-efficient deterministic algorithms for biased quantiles over data streams", PODS 2006), with four parts a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.score_keys import Bins, count_runs, sum_runs

LEVELS = 15
"""Levels of cells that cover more than one key. A sixteenth would be all keys, and never has a pixel above it."""
HALF_WIDTH = 7.9e-4
RANK_SHARE = 1.99e-4

_LEVEL_BITS = np.uint64(4)
_LEVEL_MASK = np.uint64(15)
_LAST_KEY = np.array([4 ** (15 - code) - 1 for code in range(16)], np.uint32)
_STRETCH = 1 << 16


def cell_codes(keys: np.ndarray) -> np.ndarray:
    """Codes uint64 of the cells of single keys: first key above (15 - level), so that a cell precedes what it holds."""
    return (keys.astype(np.uint64) << _LEVEL_BITS) | _LEVEL_MASK


@dataclass(frozen=True)
class Cells:
    """Codes uint64 [n], ascending and distinct, and counts int64 [n] of pixels that lie there and in no finer cell."""

    codes: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls) -> Cells:
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.codes)

    def first_keys(self) -> np.ndarray:
        """uint32 [n], ascending."""
        return (self.codes >> _LEVEL_BITS).astype(np.uint32)

    def last_keys(self) -> np.ndarray:
        """uint32 [n]."""
        return self.first_keys() + _LAST_KEY[(self.codes & _LEVEL_MASK).astype(np.intp)]

    def are_single(self) -> np.ndarray:
        """bool [n]: cells of one key."""
        return (self.codes & _LEVEL_MASK) == _LEVEL_MASK

    def merged(self, other: Cells) -> Cells:
        """The pixels of both. Fast where ``other`` is the smaller one."""
        at = np.searchsorted(self.codes, other.codes)
        fresh = np.ones(len(at), bool)
        inner = at < len(self)
        fresh[inner] = self.codes[at[inner]] != other.codes[inner]
        places = at + np.cumsum(fresh)  # in the outcome, one too far for the fresh ones
        if not fresh.any():
            counts = self.counts.copy()
            counts[at] += other.counts
            return Cells(self.codes, counts)
        is_old = np.ones(len(self) + np.count_nonzero(fresh), bool)
        is_old[places[fresh] - 1] = False
        out = Cells(np.empty(len(is_old), np.uint64), np.empty(len(is_old), np.int64))
        out.codes[is_old], out.counts[is_old] = self.codes, self.counts
        out.codes[~is_old], out.counts[~is_old] = other.codes[fresh], other.counts[fresh]
        out.counts[places[~fresh]] += other.counts[~fresh]
        return out


def absorb(
    cells: Cells, keys: np.ndarray, weights: np.ndarray | None = None, coarseness: float = 1.0
) -> tuple[Cells, Bins]:
    """Count keys (uint32 [m] ascending, each once or ``weights`` times) in cells of several keys that have room.

    Only cells that hold no finer one are open. Returns the cells and what found no room, as bins. The counts of
    ``cells`` are changed in place.
    """
    first, last = cells.first_keys(), cells.last_keys()
    innermost = np.ones(len(cells), bool)
    innermost[:-1] = first[1:] > last[:-1]
    wide = np.flatnonzero(innermost & ~cells.are_single())
    if len(wide) == 0 or len(keys) == 0:
        return cells, _as_bins(keys, weights)
    first, last = first[wide], last[wide]
    begin = np.searchsorted(keys, first)
    end = np.empty_like(begin)
    adjoins = np.append(first[1:] == last[:-1] + np.uint32(1), False)
    end[:-1] = begin[1:]
    end[~adjoins] = np.searchsorted(keys, last[~adjoins], side="right")
    sums = None if weights is None else np.concatenate([[0], np.cumsum(weights)])
    more = end - begin if sums is None else sums[end] - sums[begin]
    total = int(cells.counts.sum())
    above = total - np.cumsum(cells.counts)[wide]  # of an innermost cell, all that follows lies above
    arriving = len(keys) if sums is None else int(sums[-1])
    room = cells.counts[wide] + more <= _cap(above, total + arriving, coarseness)
    cells.counts[wide[room]] += more[room]
    # What is left lies before, between and behind the stretches that found room.
    begins, ends = np.append(0, end[room]), np.append(begin[room], len(keys))
    lengths = ends - begins
    left = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    return cells, _as_bins(keys[left], None if weights is None else weights[left])


def compact(cells: Cells, closely: bool = False, coarseness: float = 1.0) -> Cells:
    """Put neighbouring cells together wherever the rule allows it, from the finest up.

    A cell is emptied into the one above it with all that it holds, or not at all. ``closely`` also moves up the small
    remains beside what must stay, at the price of cells within cells: only this bounds the memory for any scores.
    """
    total = int(cells.counts.sum())
    if len(cells) > _STRETCH:
        # Stretches that fit a processor's cache first; what crosses their ends is left to the pass over all.
        stretches, end = [], 0
        for i in range(0, len(cells), _STRETCH):
            stretch = Cells(cells.codes[i : i + _STRETCH], cells.counts[i : i + _STRETCH])
            end += int(stretch.counts.sum())
            stretches.append(_compact(stretch, total - end, total, coarseness, inside=True))
        cells = Cells(np.concatenate([s.codes for s in stretches]), np.concatenate([s.counts for s in stretches]))
    return _compact(cells, 0, total, coarseness, closely=closely)


def _compact(
    cells: Cells, above: int, total: int, coarseness: float, inside: bool = False, closely: bool = False
) -> Cells:
    """``above``: pixels above these cells; ``inside``: leave alone what may go on beyond either end."""
    for level in range(1, LEVELS + 1):
        groups = _Groups.of(cells, level)
        sums = groups.sums(cells.counts)
        cap = _cap(above + sums.sum() - np.cumsum(sums), total, coarseness)
        whole = (groups.sizes > 1) & (sums <= cap)
        if inside:
            whole[:1] = whole[-1:] = False
        stays = np.repeat(~whole, groups.sizes)
        remains = None
        if closely:
            lone = groups.lone(cells)
            lone_sums = groups.sums(np.where(lone, cells.counts, 0))
            partly = ~whole & (groups.sums(lone) > 1) & (lone_sums <= cap)
            stays &= ~(lone & np.repeat(partly, groups.sizes))
            remains = Cells(groups.codes[partly], lone_sums[partly])
        if stays.all():
            continue
        # The first of a group stands where the cell of the whole group belongs.
        codes, counts = cells.codes.copy(), cells.counts.copy()
        first = groups.starts[whole]
        codes[first], counts[first], stays[first] = groups.codes[whole], sums[whole], True
        cells = Cells(codes[stays], counts[stays])
        if remains is not None:
            cells = cells.merged(remains)
    return cells


@dataclass(frozen=True)
class _Groups:
    """Cells that lie in one cell of a level, itself included. Those above the level are groups of their own."""

    level: int
    starts: np.ndarray
    sizes: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, cells: Cells, level: int) -> _Groups:
        shift = np.uint64(2 * level) + _LEVEL_BITS
        numbers = cells.codes >> shift
        coarser = (cells.codes & _LEVEL_MASK) < _LEVEL_MASK - np.uint64(level)
        # A coarser cell precedes all that it holds, so it never splits a group.
        begins = np.ones(len(cells), bool)
        begins[1:] = (numbers[1:] != numbers[:-1]) | coarser[1:] | coarser[:-1]
        starts = np.flatnonzero(begins)
        codes = (numbers[starts] << shift) | (_LEVEL_MASK - np.uint64(level))
        return cls(level, starts, np.diff(starts, append=len(cells)), codes)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """int64, one a group."""
        return (
            np.add.reduceat(values.astype(np.int64, copy=False), self.starts) if len(values) else np.zeros(0, np.int64)
        )

    def lone(self, cells: Cells) -> np.ndarray:
        """bool [n]: the cell of this level itself, and those that are alone in their quarter of it."""
        quarters = _Groups.of(cells, self.level - 1)
        return np.repeat(quarters.sizes == 1, quarters.sizes) & (np.repeat(self.codes, self.sizes) <= cells.codes)


def _cap(above: np.ndarray, total: int, coarseness: float) -> np.ndarray:
    return coarseness * np.minimum(HALF_WIDTH / LEVELS * above, RANK_SHARE / LEVELS * total)


def _as_bins(keys: np.ndarray, weights: np.ndarray | None) -> Bins:
    return count_runs(keys) if weights is None else sum_runs(keys, weights)
