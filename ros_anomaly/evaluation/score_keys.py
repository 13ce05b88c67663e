"""Scores as integers of the same order, and sums over runs of equal ones."""

from __future__ import annotations

import numpy as np

Bins = tuple[np.ndarray, np.ndarray]
"""Keys uint32 [n], ascending and distinct, and how many pixels have each, int64 [n]."""

_SIGN = np.uint32(0x80000000)
_LOWEST_FINITE = np.uint32(0x00800000)
_HIGHEST_FINITE = np.uint32(0xFF7FFFFF)


def score_keys(scores: np.ndarray) -> np.ndarray:
    """Keys of finite scores, uint32 of the same shape: every bit of the float32, in the order of the numbers.

    The bits of a positive float32 ascend with it, those of a negative one descend. -0.0 and 0.0 have one key.
    ValueError if a score is not finite (as float32: a float64 beyond ±3.4e38 is not).
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused below
        values = np.asarray(scores).astype(np.float32)
    values += np.float32(0.0)
    bits = values.view(np.uint32)
    keys = bits ^ (_SIGN | (values.view(np.int32) >> 31).view(np.uint32))
    if keys.size and not _LOWEST_FINITE <= keys.min() <= keys.max() <= _HIGHEST_FINITE:
        raise ValueError(f"scores: expected finite values, found {int((~np.isfinite(values)).sum())} that are not")
    return keys


def key_scores(keys: np.ndarray) -> np.ndarray:
    """The scores that have these keys, float32 of the same shape."""
    ordered = np.asarray(keys, np.uint32)
    return np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered).astype(np.uint32).view(np.float32)


def score_bins(scores: np.ndarray) -> Bins:
    """The distinct scores of an array of any shape, as keys, and how often each occurs."""
    return count_runs(np.sort(score_keys(scores), axis=None))


def count_runs(keys: np.ndarray) -> Bins:
    """Distinct keys of an ascending array [n] and the lengths of their runs, int64."""
    starts = _run_starts(keys)
    return keys[starts], np.diff(starts, append=len(keys))


def sum_runs(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys of an ascending array [n], and the sums of their counts."""
    if len(keys) == 0:
        return keys, counts
    starts = _run_starts(keys)
    return keys[starts], np.add.reduceat(counts, starts)


def _run_starts(keys: np.ndarray) -> np.ndarray:
    if len(keys) == 0:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
