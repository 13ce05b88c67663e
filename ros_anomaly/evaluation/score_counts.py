"""How many pixels scored what, in memory that does not grow with the pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ros_anomaly.evaluation.rank_cells import Cells, absorb, cell_codes, compact
from ros_anomaly.evaluation.score_keys import Bins, score_keys, sum_runs

EXACT_SCORES = 1 << 21
"""Distinct scores that are counted one by one; 16 bytes each."""

_SLICE_PX = 1 << 20
_FEWEST_WAITING = 1 << 18
_MOST_WAITING = 1 << 22
_MERGED_AT_ONCE = 1 << 19


class ScoreCounts:
    """A histogram of scores that is exact up to ``exact_scores`` distinct ones.

    Beyond, pixels of neighbouring scores share a cell by the rule of ``rank_cells``: the number of pixels at or above
    any score stays known to 7.9e-4 of itself and to 1.99e-4 of all pixels, each times ``coarseness``.
    """

    def __init__(self, exact_scores: int = EXACT_SCORES, coarseness: float = 1.0) -> None:
        if exact_scores < 1 or not 1.0 <= coarseness <= 1000.0:
            raise ValueError(
                "score counts: expected at least 1 exact score and a coarseness of 1 to 1000, "
                f"found {exact_scores} and {coarseness}"
            )
        self._exact_scores = exact_scores
        self._coarseness = coarseness
        self._cells = Cells.empty()
        self._compact_at = exact_scores
        self._shared = 0
        self._waiting: list[np.ndarray] = []
        self._waiting_bins: list[Bins] = []
        self._waiting_size = 0

    def add(self, scores: np.ndarray) -> None:
        """Count finite scores of any shape; ValueError if one is not, and then none of this array is counted."""
        flat = np.asarray(scores).reshape(-1)
        parts = [score_keys(flat[i : i + _SLICE_PX]) for i in range(0, len(flat), _SLICE_PX)]
        for keys in parts:
            self._waiting.append(keys)
            self._waiting_size += len(keys)
            self._settle_if_many()

    def add_bins(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Count bins directly: keys uint32 [n] ascending, counts integer [n]."""
        if len(keys) == 0:
            return
        self._waiting_bins.append((np.asarray(keys, np.uint32), np.asarray(counts, np.int64)))
        self._waiting_size += len(keys)
        self._settle_if_many()

    def bins(self, highest: bool = False) -> Bins:
        """(keys uint32 [n] ascending, counts int64 [n]).

        Pixels of a shared cell stand at its lowest key, or at its highest.
        """
        self._settle()
        if not highest:
            return sum_runs(self._cells.first_keys(), self._cells.counts)
        keys = self._cells.last_keys()
        order = np.argsort(keys, kind="stable")
        return sum_runs(keys[order], self._cells.counts[order])

    def shared_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(lowest keys uint32 [n] ascending, highest keys, counts int64) of the cells that several scores share."""
        self._settle()
        wide = ~self._cells.are_single()
        return self._cells.first_keys()[wide], self._cells.last_keys()[wide], self._cells.counts[wide]

    def is_exact(self) -> bool:
        """Whether every score still has a bin of its own."""
        self._settle()
        return bool(self._cells.are_single().all())

    def total(self) -> int:
        """Pixels counted."""
        self._settle()
        return int(self._cells.counts.sum())

    def __add__(self, other: ScoreCounts) -> ScoreCounts:
        self._settle()
        other._settle()
        exact_scores = max(self._exact_scores, other._exact_scores)
        both = ScoreCounts(exact_scores, max(self._coarseness, other._coarseness))
        more, fewer = (self, other) if len(self._cells) >= len(other._cells) else (other, self)
        both._take(more._cells.merged(fewer._cells))
        return both

    def state(self) -> dict[str, np.ndarray]:
        """Everything counted, as arrays that ``from_state`` takes; good until more is counted, as none is copied."""
        self._settle()
        return {
            "codes": self._cells.codes,
            "counts": self._cells.counts,
            "exact_scores": np.array(self._exact_scores),
            "coarseness": np.array(self._coarseness),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> ScoreCounts:
        """What ``state`` gave. KeyError if an array is missing."""
        counts = cls(int(state["exact_scores"]), float(state["coarseness"]))
        counts._take(Cells(np.array(state["codes"], np.uint64), np.array(state["counts"], np.int64)))
        return counts

    def _settle_if_many(self) -> None:
        # Settling takes time by the shared cells too: with more of them, more pixels are let wait.
        if self._waiting_size >= min(max(_FEWEST_WAITING, 16 * self._shared), _MOST_WAITING):
            self._settle()

    def _settle(self) -> None:
        if self._waiting:
            keys = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
            self._waiting = []
            keys.sort()
            self._count(keys)
        if self._waiting_bins:
            keys = np.concatenate([keys for keys, _ in self._waiting_bins])
            counts = np.concatenate([counts for _, counts in self._waiting_bins])
            self._waiting_bins = []
            # Sorting numbers that carry their place is many times faster than sorting places.
            placed = np.sort((keys.astype(np.uint64) << np.uint64(32)) | np.arange(len(keys), dtype=np.uint64))
            order = placed.astype(np.uint32)
            self._count(keys[order], counts[order])
        self._waiting_size = 0

    def _count(self, keys: np.ndarray, weights: np.ndarray | None = None) -> None:
        cells, (new_keys, new_counts) = absorb(self._cells, keys, weights, self._coarseness)
        for i in range(0, len(new_keys), _MERGED_AT_ONCE):
            part = slice(i, i + _MERGED_AT_ONCE)
            cells = self._bounded(cells.merged(Cells(cell_codes(new_keys[part]), new_counts[part])))
        self._cells = cells

    def _bounded(self, cells: Cells) -> Cells:
        if len(cells) <= self._compact_at:
            return cells
        cells = compact(cells, coarseness=self._coarseness)
        if len(cells) > self._exact_scores:
            cells = compact(cells, closely=True, coarseness=self._coarseness)
        self._shared = len(cells) - int(np.count_nonzero(cells.are_single()))
        self._compact_at = max(self._exact_scores // 2, len(cells) + len(cells) // 4)
        return cells

    def _take(self, cells: Cells) -> None:
        """Hold cells that come from elsewhere."""
        self._shared = len(cells) - int(np.count_nonzero(cells.are_single()))
        self._cells = self._bounded(cells)
