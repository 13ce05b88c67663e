"""Decoded pictures kept in memory up to a budget, the least recently used dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class DecodedCache(Generic[T]):
    """Keeps what it is given; safe among threads. A pickled copy starts empty, so that worker processes stay cheap.

    Args:
        budget_bytes: of everything kept; one value larger than that is not kept at all.
        size_of: bytes of a value.
    """

    def __init__(self, budget_bytes: int, size_of: Callable[[T], int]) -> None:
        self._budget, self._size_of = budget_bytes, size_of
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of ``key``, made by ``make`` if it is not kept. What ``make`` raises is raised and nothing kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        size = self._size_of(value)
        with self._lock:
            if size <= self._budget and key not in self._values:
                self._values[key] = value
                self._used += size
                while self._used > self._budget:
                    self._used -= self._size_of(self._values.popitem(last=False)[1])
        return value

    def __len__(self) -> int:
        return len(self._values)

    @property
    def used_bytes(self) -> int:
        """What is kept now."""
        return self._used

    def __reduce__(self) -> tuple[type[DecodedCache[T]], tuple[int, Callable[[T], int]]]:
        return DecodedCache, (self._budget, self._size_of)
