"""The cache of decoded pictures."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ros_anomaly.data.decoded_cache import DecodedCache


def size_of(value: np.ndarray) -> int:
    return value.nbytes


def test_the_least_recently_used_goes_first():
    made: list[int] = []

    def make(key: int) -> np.ndarray:
        made.append(key)
        return np.full(10, key, np.uint8)

    cache: DecodedCache[np.ndarray] = DecodedCache(20, size_of)
    for key in (1, 2, 1, 3, 1, 2):
        assert cache.get(key, lambda key=key: make(key))[0] == key
    assert made == [1, 2, 3, 2]  # 3 drove out 2, not 1
    assert len(cache) == 2 and cache.used_bytes == 20


def test_what_is_larger_than_the_budget_is_not_kept():
    cache: DecodedCache[np.ndarray] = DecodedCache(5, size_of)
    assert len(cache.get("large", lambda: np.zeros(6, np.uint8))) == 6
    assert len(cache) == cache.used_bytes == 0


def test_failures_are_not_kept():
    cache: DecodedCache[np.ndarray] = DecodedCache(100, size_of)

    def fail() -> np.ndarray:
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        cache.get("a", fail)
    assert len(cache.get("a", lambda: np.zeros(3, np.uint8))) == 3


def test_a_copy_for_another_process_starts_empty():
    cache: DecodedCache[np.ndarray] = DecodedCache(100, size_of)
    cache.get("a", lambda: np.zeros(50, np.uint8))
    copy = pickle.loads(pickle.dumps(cache))
    assert len(copy) == 0 and len(cache) == 1
    copy.get("b", lambda: np.zeros(50, np.uint8))
    assert copy.used_bytes == 50
